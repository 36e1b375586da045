"""The processes of a job: who they are, and ending all of them.

Every process of a job inherits `MARK` in its environment, so that those that left the job's process group are
found too, and nobody else's process is ever killed because a number was used again. Standard library only.

`started` and `boot_id` ask what `anyfit.processes` asks too. The supervisor cannot: it runs without installed packages,
for to import `anyfit` would cost more than all the rest of its start.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Iterable, Mapping
from contextlib import suppress

__all__ = ["MARK", "boot_id", "kill_all", "marked", "signal_group", "started", "unmarked"]

MARK = "ANYFIT_LOCAL_FOLDER"


def unmarked(environment: Mapping[str, str]) -> dict[str, str]:
    """An environment for what a job starts but does not own, such as another job."""
    return {name: value for name, value in environment.items() if name != MARK}


def boot_id() -> str:
    """A text that changes when the machine is started again."""
    try:
        with open("/proc/sys/kernel/random/boot_id", encoding="ascii") as stream:
            return stream.read().strip()
    except OSError:
        return _said("sysctl", "-n", "kern.bootsessionuuid")


def started(pid: int) -> str:
    """When the process started, in the system's own words; "" when there is none."""
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as stream:
            # The name in parentheses may hold anything; the start time is the 20th field after it.
            return stream.read().rpartition(")")[2].split()[19]
    except OSError:
        return "" if os.path.isdir("/proc/self") else _said("ps", "-o", "lstart=", "-p", str(pid))


def marked(folder: str) -> list[int]:
    """The living processes that carry the folder's mark; empty where the system does not show environments."""
    wanted = f"{MARK}={folder}".encode()
    own = os.getpid()
    return [pid for pid in _numbers("/proc") if pid != own and wanted in _environment(pid)]


def signal_group(pid: int, number: int) -> None:
    """Send a signal to the process group that `pid` leads or led."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, number)


def kill_all(folder: str, leaders: Iterable[tuple[int, str]]) -> None:
    """Kill what is left of a job: the groups of its leaders that are still the same, and all that is marked.

    A process that is being forked while we look is found in the next round.
    """
    for pid, since in leaders:
        if since and started(pid) == since:
            signal_group(pid, signal.SIGKILL)
    for _ in range(20):
        left = marked(folder)
        if not left:
            return
        for pid in left:
            with suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)


def _environment(pid: int) -> list[bytes]:
    try:
        with open(f"/proc/{pid}/environ", "rb") as stream:
            return stream.read().split(b"\0")
    except OSError:
        return []


def _numbers(folder: str) -> list[int]:
    try:
        return [int(name) for name in os.listdir(folder) if name.isdigit()]
    except OSError:
        return []


def _said(*command: str) -> str:
    import subprocess  # macOS only: 10 ms that Linux need not pay

    return subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()
