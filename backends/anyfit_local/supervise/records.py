"""Small files that several processes read and write at once.

Standard library only and cheap to import: the supervisor uses it too.
"""

from __future__ import annotations

import errno
import fcntl
import json
import os
import time

TYPE_CHECKING = False  # the module of that name costs more than all of ours
if TYPE_CHECKING:
    from typing import Any

__all__ = ["is_locked", "read_record", "take_lock", "write_record"]


def read_record(path: str) -> dict[str, Any] | None:
    """The JSON object in a file, or None when there is no such file or it holds none."""
    try:
        with open(path, encoding="utf-8") as stream:
            found = json.load(stream)
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) else None


def write_record(path: str, record: dict[str, Any]) -> None:
    """Replace the file at once: a reader sees the old object or the new one, never a part."""
    temporary = f"{path}.{os.getpid()}.part"
    try:
        with open(temporary, "w", encoding="utf-8") as stream:
            json.dump(record, stream, ensure_ascii=False)
        os.replace(temporary, path)
    except OSError:
        _remove(temporary)
        raise


def take_lock(path: str, patience: float = 0.0) -> int | None:
    """Lock the file until the answered descriptor is closed or the process dies; None if it is taken.

    Who only asks whether it is locked holds it for a moment too: `patience` is how many seconds to try again.
    """
    until = time.monotonic() + patience
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    while True:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return handle
        except OSError:
            if time.monotonic() >= until:
                os.close(handle)
                return None
        time.sleep(0.001)


def is_locked(path: str) -> bool:
    """Whether a living process holds the lock; asking disturbs nobody else who asks."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError as fault:
        if fault.errno in (errno.EWOULDBLOCK, errno.EACCES):
            return True
        raise
    finally:
        os.close(handle)
    return False


def _remove(path: str) -> None:
    try:
        os.unlink(path)
    except OSError:
        pass
