"""Clearing away what interrupted transfers left that nobody went on with."""

from __future__ import annotations

import time
from contextlib import suppress
from pathlib import Path

from anyfit.errors import AnyfitError
from anyfit.storage.halves import tagged_half_of
from anyfit.storage.places import Place
from anyfit.storage.state import take_old
from anyfit.storage.uri import Uri

__all__ = ["clear_leftovers"]


def clear_leftovers(directory: Path, target: Place) -> None:
    """Forget old state in `directory`, with the half files on this disk and the parts in the store of `target`."""
    for tag, head in take_old(directory, time.time()):
        with suppress(AnyfitError, OSError):
            uri = Uri.parse(str(head.get("target", "")))
            if uri.is_local:
                tagged_half_of(uri.path, tag).unlink(missing_ok=True)
            elif uri.root == target.uri.root and head.get("upload"):
                target.store.abort_upload(uri.key, str(head["upload"]))
