"""What anyfit notes in the bucket about its jobs, where the platform has no place for it.

The first generation keeps its jobs for ever, so a mark says which were deleted. Neither generation writes checkpoints
to a place of one's own, so a note says where those of a checkpoint path lie until they are brought to it. A note that
cannot be written is missed, and no fault; one that cannot be read is, unless it is not there.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from contextlib import suppress

from attrs import frozen

from anyfit.cloud.places import Places
from anyfit.errors import AnyfitError, NotFound
from anyfit.storage import Store, Uri

__all__ = ["Records"]


@frozen
class Records:
    """The notes of one bucket.

    Attributes:
        store: Opens the store of a URI.
        places: Where anyfit keeps its things.
    """

    store: Callable[[Uri], Store]
    places: Places

    def mark_deleted(self, key: str) -> None:
        """Note that a job was deleted; unlike other notes this one has to succeed."""
        uri = self._mark(key)
        self.store(uri).put(uri.key, b"deleted\n")

    def is_deleted(self, key: str) -> bool:
        """Whether a job was deleted."""
        if not self.places.bucket:
            return False
        uri = self._mark(key)
        try:
            self.store(uri).stat(uri.key)
        except NotFound:
            return False
        return True

    def deleted(self) -> set[str]:
        """Every job that was deleted."""
        if not self.places.bucket:
            return set()
        uri = self._mark()
        with suppress(NotFound):
            return {entry.key.rpartition("/")[2] for entry in self.store(uri).list(uri.key)}
        return set()

    def note_checkpoints(self, path: str, folder: str) -> None:
        """Note that the newest checkpoints of a path are in another folder."""
        with suppress(AnyfitError):
            uri = self._of_path(path)
            self.store(uri).put(uri.key, json.dumps({"path": path, "folder": folder}).encode())

    def newest_checkpoints(self, path: str) -> str:
        """The folder with the newest checkpoints of a path, or ""."""
        if not self.places.bucket:
            return ""
        uri = self._of_path(path)
        with suppress(NotFound, ValueError, KeyError, TypeError):
            return str(json.loads(self.store(uri).read(uri.key))["folder"])
        return ""

    def _mark(self, key: str = "") -> Uri:
        return Uri.parse(f"{self.places.root}refs/deleted/{key}")

    def _of_path(self, path: str) -> Uri:
        digest = hashlib.sha256(path.encode()).hexdigest()
        return Uri.parse(f"{self.places.root}refs/checkpoints/{digest[:32]}.json")
