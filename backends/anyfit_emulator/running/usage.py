"""How much of the machine processes use: samples of a process and all below it, one line each in a file."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from attrs import frozen

__all__ = ["Sample", "Sampler", "read_usage"]

_FIRST = 0.01  # seconds from the start to the first look
_EVERY = 1.0
_OLD = 600  # a job of so many seconds is looked at half as often, and so on, so that a week's file stays small


@frozen
class Sample:
    """One look.

    Attributes:
        time_ns: When.
        cpu_percent: Since the look before, of one core: four busy cores are 400.
        memory_bytes: What lies in memory.
    """

    time_ns: int
    cpu_percent: float
    memory_bytes: int


def read_usage(path: Path) -> list[Sample]:
    """The samples of a file, oldest first; none when there is no file."""
    try:
        rows = [row.split() for row in path.read_text().splitlines()]
    except FileNotFoundError:
        return []
    return [Sample(int(row[0]), float(row[1]), int(row[2])) for row in rows if len(row) == 3]


class Sampler:
    """Looks at one process now and then.

    Where the system has no `/proc` there is one sample only, made by `finish` of what the system says at the end.

    Args:
        pid: The process.
        path: Where samples go.
        began: When it was started, by the monotonic clock, or a little before.
    """

    def __init__(self, pid: int, path: Path, began: float) -> None:
        self._pid = pid
        self._path = path
        self._began = self._last = began
        self._due = self._began + _FIRST
        self._spent = 0.0
        self._empty = True

    def wait(self) -> float:
        """Seconds until the next look is due."""
        return max(0.0, self._due - time.monotonic())

    def look(self) -> None:
        """Take a sample if one is due."""
        now = time.monotonic()
        if now < self._due:
            return
        self._due = now + _EVERY * max(1.0, (now - self._began) / _OLD)
        found = list(_family(self._pid))
        if found:
            self._write(now, sum(seconds for seconds, _ in found), sum(memory for _, memory in found))

    def finish(self, cpu_seconds: float) -> None:
        """Take a last sample of the process's whole account if it ended before the first look.

        Its memory is not known: what `wait4` tells includes the emulator's own, from before the program was loaded.
        """
        if self._empty:
            self._write(time.monotonic(), cpu_seconds, 0)

    def _write(self, now: float, cpu_seconds: float, memory_bytes: int) -> None:
        # From before the last look to now: a look that had to wait for a processor makes nothing busier than it was.
        percent = 100 * max(0.0, cpu_seconds - self._spent) / max(time.monotonic() - self._last, 0.001)
        self._last, self._spent, self._empty = now, max(cpu_seconds, self._spent), False
        with suppress(OSError), self._path.open("a") as stream:
            stream.write(f"{time.time_ns()} {percent:.1f} {memory_bytes}\n")


def _family(pid: int) -> Iterator[tuple[float, int]]:
    """CPU seconds (ended children's included) and resident bytes of a process and everything below it."""
    waiting = [pid]
    while waiting:
        folder = Path("/proc", str(waiting.pop()))
        with suppress(OSError, ValueError, IndexError):
            fields = (folder / "stat").read_text(errors="replace").rpartition(")")[2].split()
            yield sum(map(int, fields[11:15])) / os.sysconf("SC_CLK_TCK"), int(fields[21]) * os.sysconf("SC_PAGE_SIZE")
            for children in folder.glob("task/*/children"):
                waiting += map(int, children.read_text().split())
