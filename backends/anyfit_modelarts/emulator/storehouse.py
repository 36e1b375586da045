"""Questions to the object store that the APIs ask before they accept something."""

from __future__ import annotations

from anyfit_emulator.moving import entries, split_uri
from anyfit_emulator.storage import ObjectStore
from anyfit_emulator.storage.errors import StoreError

__all__ = ["Storehouse"]


class Storehouse:
    """Looks at places `s3://bucket/key`."""

    def __init__(self, store: ObjectStore) -> None:
        self._store = store

    def has_bucket(self, uri: str) -> bool:
        """Whether the place's bucket is there."""
        return split_uri(uri)[0] in dict(self._store.buckets())

    def has_file(self, uri: str) -> bool:
        """Whether there is an object."""
        bucket, key = split_uri(uri)
        try:
            return bool(key) and not key.endswith("/") and self._store.lookup(bucket, key) is not None
        except StoreError:
            return False

    def files(self, uri: str) -> list[tuple[str, int]]:
        """Everything below a directory: names relative to it, and sizes."""
        bucket, key = split_uri(uri)
        prefix = key if not key or key.endswith("/") else key + "/"
        try:
            return [(name.decode()[len(prefix) :], size) for name, size, *_ in entries(self._store, bucket, prefix)]
        except StoreError:
            return []
