"""Data sets, which this emulator has no service for: they are directories of the bucket by a rule.

datasets/<dataset id>/<version id>/
"""

from __future__ import annotations

from anyfit_emulator.moving import entries
from anyfit_emulator.storage import ObjectStore

__all__ = ["Datasets"]


class Datasets:
    """Finds data sets in a bucket."""

    def __init__(self, store: ObjectStore, bucket: str) -> None:
        self._store = store
        self._bucket = bucket

    def place(self, dataset_id: str, version_id: str) -> str | None:
        """Where a version lies, as `s3://…`; None if there is nothing."""
        prefix = f"datasets/{dataset_id}/{version_id}/"
        found = next(entries(self._store, self._bucket, prefix), None)
        return f"s3://{self._bucket}/{prefix}" if found else None

    def newest(self, dataset_id: str) -> str | None:
        """The last of a data set's versions in the order of names."""
        prefix = f"datasets/{dataset_id}/"
        names = [key.decode()[len(prefix) :] for key, *_ in entries(self._store, self._bucket, prefix)]
        return max((name.partition("/")[0] for name in names if "/" in name), default=None)
