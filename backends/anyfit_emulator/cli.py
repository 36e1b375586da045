"""The command line: run emulators in the foreground until somebody ends them."""

from __future__ import annotations

import argparse
import json
import os
import signal
import socket
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from anyfit_emulator.service import SERVICES, Room, Service, load
from anyfit_emulator.storage.faults import Faults

__all__ = ["add_arguments", "main", "run"]

_FOR_TOML = "# for anyfit.toml; keep it to yourself: chmod 600 anyfit.toml\n"
_LAST_PORT = 65535


def main(argv: Sequence[str] | None = None) -> int:
    """Run what `argv` asks for; answers the exit code."""
    parser = argparse.ArgumentParser(
        prog="anyfit emulate", description="Run clouds on loopback, in the foreground, until SIGTERM or Ctrl-C."
    )
    add_arguments(parser)
    return run(parser.parse_args(argv))


def run(arguments: argparse.Namespace) -> int:
    """Run emulators until they are told to end; answers the exit code.

    Must be called in the main thread: SIGTERM and SIGINT end it.
    """
    chosen = list(SERVICES) if "all" in arguments.services else list(dict.fromkeys(arguments.services))
    try:
        room = Room(arguments.data, arguments.port, arguments.faults)
    except (OSError, RuntimeError) as error:
        return _refused(error)
    with _signals() as ended, ExitStack() as stack:
        try:
            stack.enter_context(room)
            services = _start(chosen, room, stack)
            _announce(services, arguments.ready_file)
        except BrokenPipeError:
            raise
        except (OSError, OverflowError) as error:
            return _refused(error)
        ended.recv(1)
    return 0


def _refused(error: Exception) -> int:
    """Say why nothing runs."""
    reason = str(error)
    if isinstance(error, OSError) and error.filename:
        reason = f"{error.filename}: {error.strerror}"
    print(f"anyfit: error: {reason}", file=sys.stderr)
    return 4


@contextmanager
def _signals() -> Iterator[socket.socket]:
    """A socket that has something to read once SIGTERM or SIGINT came.

    The kernel gives a signal to any thread, and a main thread that waits for a lock would not notice.
    """
    wakes, woken = socket.socketpair()
    with wakes, woken:
        wakes.setblocking(False)
        before = {number: signal.signal(number, lambda *_: None) for number in (signal.SIGTERM, signal.SIGINT)}
        earlier = signal.set_wakeup_fd(wakes.fileno())
        try:
            yield woken
        finally:
            signal.set_wakeup_fd(earlier)
            for number, handler in before.items():
                signal.signal(number, handler)


def _start(names: list[str], room: Room, stack: ExitStack) -> dict[str, Service]:
    services: dict[str, Service] = {}
    for name in names:
        service = load(name)(room)
        service.start()
        stack.callback(service.stop)
        services[name] = service
    return services


def _announce(services: dict[str, Service], ready_file: Path | None) -> None:
    print(_FOR_TOML + "\n".join(service.profile() for service in services.values()), flush=True)
    if ready_file:
        text = json.dumps({name: service.ready() for name, service in services.items()}, indent=2)
        try:
            _write_at_once(ready_file, text)
        except OSError as error:
            raise OSError(f"cannot write {ready_file}: {error.strerror}") from error


def _write_at_once(path: Path, text: str) -> None:
    """Write a file that nobody sees half."""
    partial = path.with_name(f".{path.name}.partial")
    with os.fdopen(os.open(partial, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600), "w") as stream:
        stream.write(text)
    partial.replace(path)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What the command takes."""
    names = ["all", *SERVICES]
    parser.add_argument(
        "services", nargs="*", default="all", choices=names, metavar="SERVICE", help=f"{', '.join(names)} (all)"
    )
    parser.add_argument("--data", type=Path, metavar="DIR", help="keep everything here; else it is thrown away")
    parser.add_argument("--port", type=_port, default=0, metavar="N", help="the first port; 0 (default) for any")
    parser.add_argument("--faults", type=_faults, default="", metavar="SPEC", help="such as error=503:0.2,reset=0.1")
    parser.add_argument("--ready-file", type=Path, metavar="FILE", help="written (JSON) once every port listens")


def _port(text: str) -> int:
    if not text.isdecimal() or int(text) > _LAST_PORT:
        raise argparse.ArgumentTypeError(f"{text!r} is no port from 0 to {_LAST_PORT}")
    return int(text)


def _faults(text: str) -> str:
    try:
        Faults.parse(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None
    return text
