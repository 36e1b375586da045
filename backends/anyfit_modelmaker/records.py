"""What anyfit notes in the bucket about its jobs: their ids, by key and by id.

The platform's documents promise little about what its lists and details tell, so nothing that is needed to find a job
again is left to them alone. A note that cannot be written is missed, and no fault.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

from attrs import field, frozen

from anyfit.cloud.places import Places
from anyfit.errors import AnyfitError, NotFound
from anyfit.storage import Store, Uri

__all__ = ["Record", "Records"]

_MEMBERS = ("name", "type", "codeUrl", "output", "instance", "maxRuntime")


@frozen
class Record:
    """A job version, and what it was made with as far as it matters for finding things."""

    key: str
    id: int
    version_id: int
    members: Mapping[str, Any] = field(factory=dict)


@frozen
class Records:
    """The notes of one bucket.

    Attributes:
        store: Opens the store of a URI.
        places: Where anyfit keeps its things.
    """

    store: Callable[[Uri], Store]
    places: Places

    def write(self, key: str, job: int, version: int, body: Mapping[str, Any]) -> None:
        """Note a job that was just made."""
        members = {name: body[name] for name in _MEMBERS if body.get(name) is not None}
        text = json.dumps({"key": key, "id": job, "versionId": version, "members": members})
        with suppress(AnyfitError):
            for uri in (self._by_key(key), self._by_version(version)):
                self.store(uri).put(uri.key, text.encode())

    def of_key(self, key: str) -> Record | None:
        """The job of a key."""
        return self._read(lambda: self._by_key(key))

    def of_version(self, version: int) -> Record | None:
        """The job of a version id."""
        return self._read(lambda: self._by_version(version))

    def forget(self, version: int) -> None:
        """Remove the notes about a version."""
        with suppress(AnyfitError):
            record = self.of_version(version)
            found = self.of_key(record.key) if record else None
            if found and found.version_id == version:
                self._delete(self._by_key(found.key))
            if record:
                self._delete(self._by_version(version))

    def _read(self, place: Callable[[], Uri]) -> Record | None:
        try:
            uri = place()
            data = json.loads(self.store(uri).read(uri.key))
            return Record(str(data["key"]), int(data["id"]), int(data["versionId"]), dict(data["members"]))
        except (NotFound, ValueError, KeyError, TypeError):  # also where no bucket is configured
            return None

    def _delete(self, uri: Uri) -> None:
        self.store(uri).delete(uri.key)

    def _by_key(self, key: str) -> Uri:
        return Uri.parse(f"{self.places.root}refs/keys/{key}.json")

    def _by_version(self, version: int) -> Uri:
        return Uri.parse(f"{self.places.root}refs/versions/{version}.json")
