"""Places in COS as requests name them: bucket, region and one path (reference, sections 3.2 and 6.1)."""

from __future__ import annotations

from typing import Any

from attrs import frozen

from anyfit_emulator.moving import entries
from anyfit_emulator.storage import ObjectStore
from anyfit_emulator.storage.errors import StoreError
from anyfit_ti.emulator.fields import Fields

__all__ = ["NOWHERE", "Place", "read_place"]

NOWHERE = {"Bucket": "", "Region": "", "Paths": []}


@frozen
class Place:
    """A folder.

    Attributes:
        path: Without a slash before it; ends with one unless it is empty.
    """

    bucket: str
    region: str
    path: str

    @property
    def uri(self) -> str:
        """As `cos://bucket/path/`."""
        return f"cos://{self.bucket}/{self.path}"

    def to_wire(self) -> dict[str, Any]:
        """As answers show it."""
        return {"Bucket": self.bucket, "Region": self.region, "Paths": [self.path]}

    def is_empty(self, store: ObjectStore) -> bool:
        """Whether nothing lies there."""
        try:
            return next(entries(store, self.bucket, self.path), None) is None
        except StoreError:
            return True


def read_place(fields: Fields, name: str, *, required: bool = False) -> Place | None:
    """A folder; None where the request names none, or one with nothing in it.

    Raises:
        ApiError: It is not one path.
    """
    part = fields.part(name, required=required)
    if part is None or (not required and not part.text("Bucket")):
        return None
    bucket = part.text("Bucket", required=True)
    paths = part.texts("Paths", required=True)
    if len(paths) != 1:
        raise part.bad("Paths", "must hold one path")
    path = paths[0].strip("/")
    if ".." in path.split("/"):
        raise part.bad("Paths", "must not hold `..`", "InvalidParameterValue.PathIllegal")
    return Place(bucket, part.text("Region"), path + "/" if path else "")
