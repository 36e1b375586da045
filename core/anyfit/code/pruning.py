"""Throwing away code bundles that nobody will ask for again."""

from __future__ import annotations

import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from anyfit.errors import AnyfitError

if TYPE_CHECKING:
    from anyfit.journal import Journal

__all__ = ["prune_bundles"]

_KEPT_SECONDS = 30 * 86400.0


def prune_bundles(folder: Path, journal: Journal) -> None:
    """Remove bundles, and halves of such, that were packed long ago and that no job of the journal has.

    What cannot be removed stays for another time.
    """
    before = time.time() - _KEPT_SECONDS
    with suppress(OSError, AnyfitError):
        old = [path for path in folder.iterdir() if path.stat().st_mtime < before]
        used = journal.mentioned([path.name for path in old]) if old else ()
        for path in old:
            if path.name not in used:
                _remove(path, before)


def _remove(path: Path, before: float) -> None:
    """Another process may have packed the same code again at this moment; then it stays."""
    aside = path.with_name(f"{path.name}.old")
    path.replace(aside)
    if aside.stat().st_mtime < before:
        aside.unlink()
    else:
        aside.replace(path)
