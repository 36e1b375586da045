"""The contract of a store: a flat space of keys with bytes behind them, such as one bucket.

A store is bound to one bucket (or one directory) and to credentials; keys are the bucket's own, as they are, with
nothing encoded or normalised. Methods block, may be called from many threads at once, and raise
`NotFound`, `AuthError` or `StorageError`. A scheme of your own inherits `Store`, runs `anyfit.testing.StorageContract`
and is announced by the hook `anyfit_storage_schemes`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator
from datetime import datetime
from types import TracebackType
from typing import Protocol

from anyfit.errors import Unsupported
from anyfit.storage.retry import RETRY, Retry
from anyfit.values import field, frozen

__all__ = ["Bucket", "Data", "DeleteFailure", "Entry", "Page", "Part", "Reader", "Store"]

Data = bytes | bytearray | memoryview


@frozen
class Bucket:
    """A bucket, as a listing of the account's shows it; `created` in UTC."""

    name: str
    created: datetime


@frozen
class Entry:
    """One object or file, as a listing or `stat` shows it.

    Attributes:
        key: Its key in the store.
        size: Bytes.
        modified: When it was written, in UTC.
        etag: The store's fingerprint of the content without quotes, "" if it has none; for services it is the MD5 or,
            for an object sent in parts, the MD5 of the parts' MD5s and their number.
        checksum: What is known of the content's checksum, "crc32:0a1b2c3d", or "". Listings do not show it.
        link: For files, the target of a symbolic link; else "".
    """

    key: str
    size: int
    modified: datetime
    etag: str = ""
    checksum: str = ""
    link: str = ""

    @property
    def is_marker(self) -> bool:
        """Whether it only marks a directory: it is empty and its key ends in `/`."""
        return self.size == 0 and self.key.endswith("/")


@frozen
class Page:
    """One page of a listing.

    Attributes:
        entries: Objects in the order of their keys' UTF-8 bytes.
        directories: With `delimiter`, the keys' common beginnings up to and with the next `/`.
        next: What to pass as `token` for the next page, "" after the last.
    """

    entries: tuple[Entry, ...]
    directories: tuple[str, ...] = ()
    next: str = ""


@frozen(order=True)
class Part:
    """One finished part of a multipart upload.

    Attributes:
        crc32: The CRC-32 that the service has checked, in base64; "" when it checks none.
    """

    number: int
    etag: str = field(order=False)
    size: int = field(order=False)
    crc32: str = field(default="", order=False)


@frozen
class DeleteFailure:
    """One key that could not be deleted, and why.

    Attributes:
        passing: Whether another attempt may go well.
    """

    key: str
    reason: str
    passing: bool = field(default=False, eq=False)


class Reader(Protocol):
    """An object being read; `entry` describes the whole object, whatever range is read.

    `readinto` returns 0 at the end of the range. A connection that ends early raises `StorageError`.
    """

    entry: Entry

    def readinto(self, buffer: memoryview, /) -> int: ...
    def read(self, size: int = -1, /) -> bytes: ...
    def close(self) -> None: ...
    def __enter__(self) -> Reader: ...
    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None, /
    ) -> None: ...


class Store(ABC):
    """One bucket or directory.

    Attributes:
        scheme: The scheme of its URIs.
        bucket: The bucket, "" for files.
        multipart: Whether the five calls of multipart upload work here.
        min_part: The smallest size of a part but the last, in bytes.
        max_put: The largest object that one `put` may send, in bytes.
        retry: How often and how patiently what fails for a while is tried.
    """

    scheme: str
    bucket: str
    multipart: bool = True
    min_part: int = 5 << 20
    max_put: int = 5 << 30
    retry: Retry = RETRY

    @abstractmethod
    def list_page(self, prefix: str = "", *, token: str = "", delimiter: bool = False, limit: int = 1000) -> Page:
        """At most `limit` keys that start with `prefix`, which is text and not a directory.

        With `delimiter` the keys below the next `/` after the prefix are folded into `directories`. A prefix that no
        key has gives an empty page, not an error. Memory does not grow with the number of keys. The page of a `token`
        begins after the last key of the one before, whatever was deleted meanwhile.
        """

    def list(self, prefix: str = "") -> Iterator[Entry]:
        """All objects under `prefix`, page by page."""
        token = ""
        while True:
            page = self.list_page(prefix, token=token)
            yield from page.entries
            token = page.next
            if not token:
                return

    @abstractmethod
    def stat(self, key: str) -> Entry:
        """One object. Raises `NotFound` if there is none."""

    def part_size(self, key: str) -> int:
        """The size of the first part of an object that was sent in parts, 0 when the service does not tell."""
        return 0

    @abstractmethod
    def open(self, key: str, *, start: int = 0, length: int | None = None, etag: str = "") -> Reader:
        """Read `length` bytes from `start`, by default all.

        With `etag`, an object that has another one by now raises `StorageError`. A range beyond the end is cut; an
        empty object can be opened. Raises `NotFound` if there is none.
        """

    def read(self, key: str) -> bytes:
        """The whole of a small object."""
        with self.open(key) as reader:
            return reader.read()

    @abstractmethod
    def put(self, key: str, data: Data, *, checksum: str = "") -> Entry:
        """Write one object; it appears whole or not at all, and an older one is replaced.

        The store proves that the bytes arrived unchanged, or raises. `checksum` ("crc32:...") is kept with the object
        where the service can, and `stat` and `open` show it again.
        """

    def start_upload(self, key: str, *, checksum: str = "") -> str:
        """Begin a multipart upload and return its id."""
        raise Unsupported(f"{self.scheme}: has no multipart upload")

    def put_part(self, key: str, upload: str, number: int, data: Data) -> Part:
        """Send part `number`, from 1 on; the same number again replaces it. Proven as in `put`."""
        raise Unsupported(f"{self.scheme}: has no multipart upload")

    def list_parts(self, key: str, upload: str) -> tuple[Part, ...]:
        """The parts that the store has, by number. Raises `NotFound` when it does not know the upload (any more)."""
        raise Unsupported(f"{self.scheme}: has no multipart upload")

    def finish_upload(self, key: str, upload: str, parts: Iterable[Part]) -> Entry:
        """Make the parts into the object, in the order of their numbers."""
        raise Unsupported(f"{self.scheme}: has no multipart upload")

    def abort_upload(self, key: str, upload: str) -> None:
        """Throw the parts away; an upload that does not exist is fine."""
        raise Unsupported(f"{self.scheme}: has no multipart upload")

    def copies_from(self, source: Store) -> bool:
        """Whether `copy` can read from `source` without the bytes coming here."""
        return False

    def copy(self, source: Store, source_key: str, key: str, *, size: int | None = None) -> Entry:
        """Copy an object inside the service. Only where `copies_from(source)`; who knows its size saves a look."""
        raise Unsupported(f"{self.scheme}: cannot copy from {source.scheme} by itself")

    @abstractmethod
    def delete(self, key: str) -> None:
        """Delete one object; one that does not exist is fine."""

    def delete_many(self, keys: Iterable[str]) -> Iterator[DeleteFailure]:
        """Delete many and yield the failures; run it to the end, it is lazy."""
        from anyfit.errors import AnyfitError

        for key in keys:
            try:
                self.delete(key)
            except AnyfitError as error:
                yield DeleteFailure(key, error.message)

    def presign(self, key: str, *, method: str = "GET", expires: int = 3600) -> str:
        """A URL that lets anybody do `method` (GET, PUT, HEAD or DELETE) on the object for `expires` seconds.

        Raises `UsageError` if the service has no such URLs, of that method or for so long.
        """
        raise Unsupported(
            f"{self.scheme}: has no presigned URLs", hint="objects of a service have, such as s3://bucket/key"
        )

    def buckets(self) -> tuple[Bucket, ...]:
        """All buckets of the account, by name: what this store holds is in one of them."""
        raise Unsupported(f"{self.scheme}: cannot list buckets")

    def close(self) -> None:  # noqa: B027  most stores hold nothing
        """Give up connections."""

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.scheme}://{self.bucket}/>"
