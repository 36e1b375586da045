"""Becoming independent of the client, and starting children, without the weight of `subprocess`.

Standard library only.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Mapping, Sequence

TYPE_CHECKING = False  # the module of that name costs more than all of ours
if TYPE_CHECKING:
    from typing import NoReturn

__all__ = ["CONFLICT", "Refused", "detach", "spawn", "take_name"]

CONFLICT = 3


class Refused(Exception):
    """The detached part gives up before it has begun; `code` is the exit code that the client sees."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code


def detach(begin: Callable[[], None], work: Callable[[], None]) -> NoReturn:
    """Run `begin`, then `work`, in a child that no longer belongs to the client.

    This process ends as soon as `begin` is done: with 0, or with the code of its `Refused`. Whoever started it
    has been made no parent of a daemon, and the daemon leads no session, so that no terminal can claim it.
    """
    reading, writing = os.pipe()
    if os.fork():
        os.close(writing)
        answer = os.read(reading, 16)
        os._exit(int(answer) if answer else 1)
    os.close(reading)
    code = 1
    try:
        begin()
        code = 0
    except Refused as refusal:
        code = refusal.code
        print(refusal, flush=True)
    finally:
        os.write(writing, str(code).encode())
        os.close(writing)
    if code == 0:
        work()
    os._exit(code)


def take_name(prepared: str, final: str) -> None:
    """Give a prepared folder its final name; `Refused` when that is taken."""
    try:
        os.rename(prepared, final)
    except OSError as fault:
        raise Refused(CONFLICT if os.path.isdir(final) else 1, str(fault)) from fault


def spawn(argv: Sequence[str], environment: Mapping[str, str], folder: str, output: int) -> int:
    """Start a program in a session of its own, reading nothing, writing to `output`; answers its number.

    A signal that is sent to it before it has begun ends it: it is no business of the handlers of this process.
    """
    handled = [number for number in signal.valid_signals() if callable(signal.getsignal(number))]
    before = signal.pthread_sigmask(signal.SIG_BLOCK, handled)
    pid = os.fork()
    if pid:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
        return pid
    try:
        for number in handled:
            signal.signal(number, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
        os.setsid()
        null = os.open(os.devnull, os.O_RDONLY)
        os.dup2(null, 0)
        os.dup2(output, 1)
        os.dup2(output, 2)
        os.chdir(folder)
        os.execve(argv[0], list(argv), dict(environment))  # noqa: S606
    except BaseException as fault:
        os.write(2, f"{argv[0]}: {fault}\n".encode())
    os._exit(127)
