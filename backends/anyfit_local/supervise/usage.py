"""How much of the machine a job uses: lines of `time_ns cpu_percent memory_bytes`.

A look costs what the job has processes, not what the machine has. The pauses grow with the job's age and with
the cost of a look, so that hundreds of jobs at once, or a job of weeks, stay cheap. Standard library only.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterable
from contextlib import suppress

__all__ = ["Meter", "measure"]

_FIRST = 0.05
_EVERY = 1.0


class Meter:
    """Samples the processes below some roots into a file; `began` is when the first of them was started, or before."""

    def __init__(self, path: str, began: float) -> None:
        self.peak = 0
        self._path = path
        self._began = began
        self._due = began + _FIRST
        self._last = (began, 0.0)

    def wait(self) -> float:
        """Seconds until the next look is due."""
        return max(0.0, self._due - time.monotonic())

    def look(self, roots: Iterable[int]) -> None:
        """Take a sample if one is due."""
        now, busy = time.monotonic(), time.process_time()
        if now < self._due:
            return
        seconds, memory = measure(roots)
        self.peak = max(self.peak, memory)
        before, spent = self._last
        self._last = (now, max(seconds, spent))
        # From before the last look to now: a look that had to wait for a processor makes nothing busier than it was.
        percent = 100 * max(0.0, seconds - spent) / max(time.monotonic() - before, 0.001)
        with suppress(OSError), open(self._path, "a", encoding="ascii") as stream:
            stream.write(f"{time.time_ns()} {percent:.1f} {memory}\n")
        cost = time.process_time() - busy  # to wait for a processor that others have is no cost
        self._due = now + max(_EVERY, (now - self._began) / 600, 50 * cost)


def measure(roots: Iterable[int]) -> tuple[float, int]:
    """CPU seconds and resident bytes of the processes below the roots, the ended ones' seconds included."""
    if not os.path.isdir("/proc/self"):
        return _measure_with_ps(set(roots))
    ticks, pages = 0, 0
    waiting, seen = list(roots), set[int]()
    while waiting:
        pid = waiting.pop()
        if pid in seen:
            continue
        seen.add(pid)
        with suppress(OSError, ValueError, IndexError):
            with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as stream:
                fields = stream.read().rpartition(")")[2].split()
            ticks += sum(int(field) for field in fields[11:15])
            pages += int(fields[21])
            waiting += _children(pid)
    return ticks / os.sysconf("SC_CLK_TCK"), pages * os.sysconf("SC_PAGE_SIZE")


def _children(pid: int) -> list[int]:
    found: list[int] = []
    with suppress(OSError):
        for thread in os.listdir(f"/proc/{pid}/task"):
            with suppress(OSError), open(f"/proc/{pid}/task/{thread}/children", encoding="ascii") as stream:
                found += map(int, stream.read().split())
    return found


def _measure_with_ps(roots: set[int]) -> tuple[float, int]:
    import subprocess  # macOS only

    command = ["ps", "-axo", "pgid=,time=,rss="]
    listing = subprocess.run(command, capture_output=True, text=True, check=False).stdout
    seconds, memory = 0.0, 0
    for row in listing.splitlines():
        group, spent, resident = row.split()
        if int(group) in roots:
            memory += int(resident) * 1024
            seconds += _clock(spent)
    return seconds, memory


def _clock(text: str) -> float:
    """Seconds of `ps`'s `[[days-]hours:]minutes:seconds`."""
    days, _, rest = text.rpartition("-")
    total = 0.0
    for part in rest.split(":"):
        total = total * 60 + float(part)
    return total + 86400 * int(days or 0)
