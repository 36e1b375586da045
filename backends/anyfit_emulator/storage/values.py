"""What the store says about objects."""

from __future__ import annotations

import json
from typing import Any

from attrs import field, frozen

__all__ = ["Meta", "ObjectInfo"]

_ENCODE = json.JSONEncoder(separators=(",", ":")).encode


@frozen
class Meta:
    """What a client said of an object when it put it.

    Attributes:
        headers: Content type, cache control and the like, by lower-case header name.
        user: The user's metadata, names without the service's prefix.
        checksums: Verified checksums by algorithm, in base64; `type` tells `COMPOSITE` from `FULL_OBJECT`.
        parts: The sizes of the parts that it was sent in, none for an object that came in one piece.
    """

    headers: dict[str, str] = field(factory=dict)
    user: dict[str, str] = field(factory=dict)
    checksums: dict[str, str] = field(factory=dict)
    parts: list[int] = field(factory=list)

    def dump(self) -> str:
        """As text for the database."""
        return _ENCODE([self.headers, self.user, self.checksums, self.parts])

    @classmethod
    def load(cls, text: str) -> Meta:
        """From the database's text."""
        return cls(*json.loads(text))


@frozen
class ObjectInfo:
    """One object as it is now.

    Attributes:
        key: Its key.
        size: In bytes.
        mtime_ns: When it was put.
        etag: Without quotes.
        place: 0 at its plain path, 1 beside a directory of its name, 2 a marker that is a directory itself.
        crc64: The CRC-64 of COS, in decimal.
        meta: What the client said of it.
    """

    key: str
    size: int
    mtime_ns: int
    etag: str
    place: int
    crc64: str
    meta: Meta

    @classmethod
    def of(cls, key: str, row: tuple[Any, ...]) -> ObjectInfo:
        """From a row of the database."""
        size, mtime_ns, etag, place, crc64, meta = row
        return cls(key, size, mtime_ns, etag, place, crc64, Meta.load(meta))
