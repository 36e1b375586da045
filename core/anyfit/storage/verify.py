"""Reading an object whole and proving that it is what the store holds."""

from __future__ import annotations

import hashlib
from zlib import crc32

from anyfit.errors import StorageError
from anyfit.storage.answers import OPAQUE
from anyfit.storage.api import is_md5
from anyfit.storage.retry import RETRY, Retry, Unsteady, retrying
from anyfit.storage.store import Data, Entry, Store
from anyfit.storage.sums import PieceSums, part_sizes

__all__ = ["Changed", "proves", "read_proven"]


class Changed(StorageError):
    """The source became another while it was being read."""


def proves(data: Data, entry: Entry) -> bool | None:
    """Whether the entry's sums or ETag are those of `data`; None when they can prove nothing."""
    sums = PieceSums.parse(entry.checksum, entry.size) if entry.checksum else None
    if sums:
        view = memoryview(data)
        pieces = tuple(crc32(view[at : at + sums.piece]) for at in range(0, len(view), sums.piece))
        return len(view) == entry.size and pieces == sums.sums
    if entry.checksum == OPAQUE:
        return None
    if is_md5(entry.etag):
        return hashlib.md5(data, usedforsecurity=False).hexdigest() == entry.etag
    return True if any(_etag(data, part) == entry.etag for part in part_sizes(entry.size, entry.etag)) else None


def _etag(data: Data, part: int) -> str:
    view = memoryview(data)
    digests = [hashlib.md5(view[at : at + part], usedforsecurity=False).digest() for at in range(0, len(view), part)]
    return f"{hashlib.md5(b''.join(digests), usedforsecurity=False).hexdigest()}-{len(digests)}"


def read_proven(store: Store, key: str, *, retry: Retry = RETRY) -> tuple[bytes, Entry, bool]:
    """A small object, its entry, and whether its content is proven; what arrives damaged is fetched again."""

    def once() -> tuple[bytes, Entry, bool]:
        with store.open(key) as reader:
            data = reader.read()
            entry = reader.entry
        verdict = proves(data, entry)
        if len(data) != entry.size or verdict is False:
            raise Unsteady(f"read {store.scheme}://{store.bucket}/{key}: the bytes arrived damaged")
        return data, entry, bool(verdict)

    return retrying(once, retry)
