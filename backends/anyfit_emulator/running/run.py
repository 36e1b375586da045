"""Processes that start together, write one log and end together."""

from __future__ import annotations

import os
import selectors
import signal
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO

from attrs import frozen

from anyfit_emulator.running.leftovers import MARK, kill_marked, signal_group
from anyfit_emulator.running.linelog import LONGEST, LineLog
from anyfit_emulator.running.usage import Sampler

__all__ = ["Command", "NotStarted", "Outcome", "Run"]

_PIECE = 1 << 18
_LOOK = 0.05  # seconds between looks at processes where the system cannot tell of their end by a descriptor
_LONGEST_WAIT = 3600.0
_AGAIN = 0.2  # seconds until the next kill, if the first did not help
GRACE = 10.0


class NotStarted(Exception):
    """A command does not exist or cannot be executed; the message says which."""


@frozen
class Command:
    """One process.

    Attributes:
        argv: Program and arguments; the program is looked up in the environment's PATH.
        directory: Where it runs.
        environment: All of its environment.
        prefix: What its lines begin with in the log.
        usage: The file for samples of what it uses, or None.
        error_prefix: What lines of its standard error begin with; None when these are not told apart.
        awaited: Whether the run lasts as long as this process; one that serves the others ends with them.
        log: Takes its lines in place of the run's log, if it has one of its own.
    """

    argv: Sequence[str]
    directory: Path
    environment: Mapping[str, str]
    prefix: str = ""
    usage: Path | None = None
    error_prefix: str | None = None
    awaited: bool = True
    log: LineLog | None = None


@frozen
class Outcome:
    """How a run ended.

    Attributes:
        codes: Exit codes in the order of the commands; negative for a signal.
        reason: `exited`, `failed` (one did, and the others were ended), `stopped` or `timeout`.
    """

    codes: tuple[int, ...]
    reason: str


class _Stream:
    """What a process writes, and the end of a line that it has not finished."""

    def __init__(self, pipe: IO[bytes], prefix: str, log: LineLog) -> None:
        self.pipe = pipe
        self.log = log
        self.prefix = prefix.encode()
        self.rest = b""
        os.set_blocking(pipe.fileno(), False)


class _Member:
    """A running process."""

    def __init__(self, command: Command, key: str, log: LineLog) -> None:
        began = time.monotonic()
        self.command = command
        self.process = process = _spawn(command, key)
        self.sampler = Sampler(process.pid, command.usage, began) if command.usage else None
        prefixes = (command.prefix, command.error_prefix or "")
        pipes = zip((process.stdout, process.stderr), prefixes, strict=True)
        self.streams = [_Stream(pipe, prefix, command.log or log) for pipe, prefix in pipes if pipe is not None]
        self.ending = _descriptor_of(process.pid)
        self.code: int | None = None

    def close(self) -> None:
        """Give descriptors back."""
        for stream in self.streams:
            stream.pipe.close()
        if self.ending is not None:
            os.close(self.ending)


class Run:
    """A run: make it, `start` it, and `wait` in the same thread or another; `stop` it from anywhere.

    Args:
        key: Marks its processes, see `leftovers`.
        commands: What to start; each leads a process group of its own.
        log: Where standard output and standard error go, line by line.
    """

    def __init__(self, key: str, commands: Sequence[Command], log: LineLog) -> None:
        self._key = key
        self._commands = commands
        self._log = log
        self._members: list[_Member] = []
        self._stopping = threading.Event()
        self._grace = GRACE
        self._wake: tuple[int, int] | None = None  # a pipe that interrupts waiting
        self._lock = threading.Lock()  # guards the pipe against being closed while it is written

    def start(self) -> None:
        """Start all processes, or none.

        Raises:
            NotStarted: One could not be started.
        """
        self._wake = os.pipe()
        try:
            for command in self._commands:
                self._members.append(_Member(command, self._key, self._log))
        except OSError as error:
            for member in self._members:
                signal_group(member.process.pid, signal.SIGKILL)
                member.process.wait()
                member.close()
            self._close()
            program = self._commands[len(self._members)].argv[0]
            raise NotStarted(f"{program}: {error.strerror}") from error

    def stop(self, grace: float = GRACE) -> None:
        """Ask all to end (SIGTERM), and kill what is left after so many seconds."""
        with self._lock:
            self._grace = min(grace, self._grace) if self._stopping.is_set() else grace
            self._stopping.set()
            if self._wake:
                os.write(self._wake[1], b"!")

    def wait(self, seconds: float | None = None) -> Outcome:
        """Until all have ended; after so many seconds they are stopped."""
        latest = None if seconds is None else time.monotonic() + seconds
        reason = ""
        asked_at = 0.0
        until: float | None
        with selectors.DefaultSelector() as selector:
            self._register(selector)
            while not self._ended():
                now = time.monotonic()
                if reason:
                    self._kill_after(asked_at + self._grace, now)
                    until = max(asked_at + self._grace, now + _AGAIN)
                elif reason := self._why(now, latest):
                    self._signal(signal.SIGTERM)
                    asked_at, until = now, now + self._grace
                else:
                    until = latest
                self._step(selector, until)
        self._finish()
        return Outcome(tuple(member.code or 0 for member in self._members), reason or self._how())

    def _register(self, selector: selectors.BaseSelector) -> None:
        assert self._wake is not None  # noqa: S101  it has been started
        selector.register(self._wake[0], selectors.EVENT_READ, self._wake)
        for member in self._members:
            for stream in member.streams:
                selector.register(stream.pipe, selectors.EVENT_READ, stream)
            if member.ending is not None:
                selector.register(member.ending, selectors.EVENT_READ, None)

    def _step(self, selector: selectors.BaseSelector, until: float | None) -> None:
        waits = [_LONGEST_WAIT]  # the system counts milliseconds, and not beyond some weeks
        waits += [member.sampler.wait() for member in self._members if member.sampler and member.code is None]
        waits += [max(0.0, until - time.monotonic())] if until is not None else []
        waits += [_LOOK] if any(member.ending is None for member in self._members) else []
        for key, _ in selector.select(min(waits)):
            if isinstance(key.data, _Stream):
                if not self._move(key.data):
                    selector.unregister(key.data.pipe)
            elif key.data is not None:
                os.read(key.fd, 64)
        for member in self._members:
            if member.code is None and member.sampler:
                member.sampler.look()
            if member.code is None:
                self._reap(member)
                if member.code is not None and member.ending is not None:
                    selector.unregister(member.ending)

    def _reap(self, member: _Member) -> None:
        pid, status, rusage = os.wait4(member.process.pid, os.WNOHANG)
        if not pid:
            return
        member.code = member.process.returncode = os.waitstatus_to_exitcode(status)
        signal_group(member.process.pid, signal.SIGKILL)  # a container dies with its first process
        if member.sampler:
            member.sampler.finish(rusage.ru_utime + rusage.ru_stime)

    def _move(self, stream: _Stream) -> bool:
        """Take in what a process wrote; False at the end of it."""
        try:
            piece = os.read(stream.pipe.fileno(), _PIECE)
        except BlockingIOError:
            return True
        *lines, stream.rest = (stream.rest + piece).split(b"\n")
        if len(stream.rest) > LONGEST or (not piece and stream.rest):
            lines.append(stream.rest)
            stream.rest = b""
        if lines:
            stream.log.append([stream.prefix + line for line in lines])
        return bool(piece)

    def _ended(self) -> bool:
        return all(member.code is not None for member in self._members)

    def _why(self, now: float, latest: float | None) -> str:
        if self._stopping.is_set():
            return "stopped"
        if latest is not None and now >= latest:
            return "timeout"
        if any(member.code for member in self._members):
            return "failed"
        return "exited" if all(member.code is not None for member in self._members if member.command.awaited) else ""

    def _how(self) -> str:
        return "failed" if any(member.code for member in self._members) else "exited"

    def _kill_after(self, moment: float, now: float) -> None:
        if now >= moment:
            self._signal(signal.SIGKILL)

    def _signal(self, number: int) -> None:
        for member in self._members:
            if member.code is None:
                signal_group(member.process.pid, number)

    def _finish(self) -> None:
        kill_marked(self._key)
        for member in self._members:
            for stream in member.streams:
                self._drain(stream)
            member.close()
        self._close()

    def _drain(self, stream: _Stream) -> None:
        """Take in what is left in the pipe, without waiting for whoever may still hold its other end."""
        with selectors.DefaultSelector() as selector:
            selector.register(stream.pipe, selectors.EVENT_READ)
            while selector.select(0) and self._move(stream):
                pass
        if stream.rest:
            stream.log.append([stream.prefix + stream.rest])
            stream.rest = b""

    def _close(self) -> None:
        with self._lock:
            for handle in self._wake or ():
                os.close(handle)
            self._wake = None


def _spawn(command: Command, key: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        list(command.argv),
        cwd=command.directory,
        env={**command.environment, MARK: key},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT if command.error_prefix is None else subprocess.PIPE,
        start_new_session=True,
    )


def _descriptor_of(pid: int) -> int | None:
    """A descriptor that becomes readable when the process ends; None where there is no such thing."""
    try:
        return os.pidfd_open(pid)
    except (AttributeError, OSError):
        return None
