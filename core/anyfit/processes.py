"""Whether a process that wrote something down is still the one that runs under that number."""

from __future__ import annotations

import os

__all__ = ["alive", "identity"]


def identity(pid: int | None = None) -> str:
    """A text that names a process for ever: its number, and when it started; "" when there is none."""
    pid = os.getpid() if pid is None else pid
    started = _started(pid)
    return f"{pid}@{started}" if started else ""


def alive(owner: str) -> bool:
    """Whether the process that `identity` named still runs."""
    pid, _, _ = owner.partition("@")
    return pid.isdigit() and identity(int(pid)) == owner


def _started(pid: int) -> str:
    from pathlib import Path

    try:
        # The name in parentheses may hold anything; the start time is the 20th field after it.
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        return f"{_boot_id()}/{fields[19]}"
    except OSError:
        if Path("/proc/self").exists():
            return ""
    import subprocess

    done = subprocess.run(["ps", "-o", "lstart=", "-p", str(pid)], capture_output=True, text=True, check=False)
    return done.stdout.strip()


def _boot_id() -> str:
    from pathlib import Path

    return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
