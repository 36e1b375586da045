"""Locks, which are asked for by many and held by one."""

from __future__ import annotations

import fcntl
import os
import threading
from pathlib import Path

from anyfit_local.supervise.records import is_locked, take_lock


def test_a_lock_is_held_by_one(tmp_path: Path) -> None:
    """Until it is closed."""
    path = str(tmp_path / "lock")
    held = take_lock(path)

    assert held is not None and is_locked(path)
    assert take_lock(path, 0.02) is None
    os.close(held)
    assert not is_locked(path)


def test_who_has_patience_is_not_kept_off_by_who_only_asks(tmp_path: Path) -> None:
    """To ask is to hold it for a moment."""
    path = tmp_path / "lock"
    path.touch()
    asking = os.open(path, os.O_RDONLY)
    fcntl.flock(asking, fcntl.LOCK_SH)

    assert take_lock(str(path)) is None
    threading.Timer(0.05, os.close, [asking]).start()
    taken = take_lock(str(path), 10.0)
    assert taken is not None
    os.close(taken)
