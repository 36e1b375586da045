"""Half-written files: how they are called, and which of them nobody will go on with.

A name tells who writes: the kernel, its numbering of processes, and the process. So a file of a process that was
killed can be told from one that is being written, on disks without locks and in mounted buckets too, which other
machines write to at the same time.
"""

from __future__ import annotations

import fcntl
import os
import re
import stat
from contextlib import suppress
from functools import cache
from hashlib import sha256
from pathlib import Path

__all__ = ["KEPT_DAYS", "clear_halves", "half_of", "is_half", "tagged_half_of"]

KEPT_DAYS = 14
_PREFIX = ".anyfit-"
_SUFFIX = ".part"
_WRITTEN_BY = re.compile(r"\.anyfit-([0-9a-f]+)-(\d+)-[0-9a-f]+\.part")


def is_half(name: str) -> bool:
    """Whether a file of this name is a half-written one of ours, which no listing shows."""
    return name.startswith(_PREFIX) and name.endswith(_SUFFIX)


def half_of(target: Path) -> Path:
    """Where this process writes the file to become `target`; no two calls give the same."""
    return target.with_name(f"{_PREFIX}{_here() or 0}-{os.getpid()}-{os.urandom(8).hex()}{_SUFFIX}")


def tagged_half_of(target: Path, tag: str) -> Path:
    """Where the file to become `target` is written, when its name is the same in every attempt."""
    return target.with_name(f"{_PREFIX}{tag}{_SUFFIX}")


def clear_halves(directory: Path, now: float) -> None:
    """Remove from a directory what its writer cannot go on with, for it was killed, and what nobody has gone on with.

    The latter after `KEPT_DAYS`: who writes from another machine, or to go on later, cannot be asked.
    """
    with suppress(OSError), os.scandir(directory) as items:
        for name in [item.name for item in items if is_half(item.name)]:
            path = directory / name
            with suppress(OSError):
                if _is_orphan(name) or _is_forgotten(path, now):
                    path.unlink()


def _is_orphan(name: str) -> bool:
    """Whether its writer was a process of this machine that is no more."""
    found = _WRITTEN_BY.fullmatch(name)
    if not found or found[1] != _here():
        return False
    try:
        os.kill(int(found[2]), 0)
    except ProcessLookupError:
        return True
    except (OSError, OverflowError):
        pass
    return False


def _is_forgotten(path: Path, now: float) -> bool:
    """Whether nothing has happened to it for long, and nobody holds it: a process may have slept with its machine."""
    status = path.lstat()
    last = max(status.st_mtime, status.st_ctime)  # the former is set to that of the source when all is written
    if not stat.S_ISREG(status.st_mode) or now - last < KEPT_DAYS * 86400:
        return False
    fd = os.open(path, os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    finally:
        os.close(fd)
    return True


@cache
def _here() -> str:
    """The running kernel and the namespace in which it numbers our processes, "" where they have no names."""
    try:
        kernel = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii")
        return sha256(f"{kernel}{Path('/proc/self/ns/pid').readlink()}".encode()).hexdigest()[:8]
    except OSError:
        return ""
