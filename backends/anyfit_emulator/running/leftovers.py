"""Ending processes for certain, also those that left their group or outlived the emulator that started them.

Every process of a run inherits `MARK` with the run's key in its environment; nobody else's process has it, so a
number that was used again by the system is never mistaken. Where the system does not show environments (macOS) only
the group is ended.
"""

from __future__ import annotations

import os
import signal
import time
from contextlib import suppress
from pathlib import Path

__all__ = ["MARK", "kill_marked", "marked", "signal_group"]

MARK = "EMULATED_RUN"
_LONGEST = 3.0  # seconds; what is in the hands of the kernel for longer is left to it
_PAUSE = 0.01


def signal_group(leader: int, number: int) -> None:
    """Send a signal to the process group that `leader` leads or led."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(leader, number)


def kill_marked(key: str) -> None:
    """Kill every process that belongs to the run of that key, or to any run whose key begins with it and a slash.

    Returns when they are gone. A process that is being forked while we look is found in the next round.
    """
    deadline = time.monotonic() + _LONGEST
    while (left := marked(key)) and time.monotonic() < deadline:
        for pid in left:
            with suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(_PAUSE)


def marked(key: str) -> list[int]:
    """The processes that belong to the run of that key, or to any run whose key begins with it and a slash."""
    exact = f"{MARK}={key}".encode()
    below = exact + b"/"
    found: list[int] = []
    for entry in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            words = (entry / "environ").read_bytes().split(b"\0")
            if any(word == exact or word.startswith(below) for word in words) and int(entry.name) != os.getpid():
                found.append(int(entry.name))
    return found
