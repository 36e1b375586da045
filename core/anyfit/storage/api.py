"""The calls of an object service, one request each: what the direct path and the vendors' libraries have in common.

`ServiceStore` adds to them what makes a store: retries, new keys in time, proof that bytes arrived.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Protocol

from anyfit.storage.store import Bucket, Data, DeleteFailure, Entry, Page, Part, Reader
from anyfit.values import frozen

__all__ = ["UNSAID", "Api", "Begun", "Bulk", "Put", "Sum", "is_md5"]

UNSAID = -1
"""The size of what an answer describes without saying how long it is, as some proxies make it."""

_MD5 = re.compile(r"[0-9a-f]{32}")


@frozen
class Sum:
    """Digests that go with a body so that the service can check it; "" is not sent.

    Attributes:
        md5: Raw MD5, for `Content-MD5`.
        sha256: Hexadecimal SHA-256, signed with the request.
        crc32: CRC-32 in base64, for uploads whose service has promised to check it.
        crc64: CRC-64 in decimal, to be compared with the one that COS answers; it is not sent.
    """

    md5: bytes = b""
    sha256: str = ""
    crc32: str = ""
    crc64: str = ""


@frozen
class Put:
    """What a service answers to bytes.

    Attributes:
        etag: The fingerprint, without quotes.
        encrypted: Whether the service encrypts in a way that makes the ETag no MD5.
        crc32: The CRC-32 that it has checked, in base64, or "".
        crc64: The CRC-64 of what it has received, in decimal, or "".
    """

    etag: str
    encrypted: bool = False
    crc32: str = ""
    crc64: str = ""

    def is_proven_by(self, sums: Sum) -> bool:
        """Whether the ETag does not contradict our MD5, and our CRCs are those that the service found."""
        if (sums.crc32 and self.crc32 != sums.crc32) or (sums.crc64 and self.crc64 != sums.crc64):
            return False
        return not sums.md5 or self.encrypted or not is_md5(self.etag) or self.etag == sums.md5.hex()


@frozen
class Begun:
    """An upload in parts that was begun.

    Attributes:
        upload: Its id.
        checks_crc32: Whether the service promises to check each part's CRC-32.
    """

    upload: str
    checks_crc32: bool = False


class Bulk(Protocol):
    """One bucket; every method is one request and raises our errors, `Unsteady` for what may pass."""

    def list_buckets(self) -> list[Bucket]: ...
    def list_page(self, prefix: str, marker: str, delimiter: bool, limit: int) -> Page: ...
    def head(self, key: str, part: int = 0) -> Entry: ...  # of size UNSAID where the answer has no length
    def get(self, key: str, start: int, length: int | None, etag: str) -> Reader: ...
    def put(self, key: str, data: Data, sums: Sum, checksum: str) -> Put: ...
    def start_upload(self, key: str, checksum: str) -> Begun: ...
    def put_part(self, key: str, upload: str, number: int, data: Data, sums: Sum) -> Put: ...
    def list_parts(self, key: str, upload: str, marker: int) -> tuple[list[Part], int]: ...
    def finish_upload(self, key: str, upload: str, parts: Sequence[Part]) -> str: ...
    def abort_upload(self, key: str, upload: str) -> None: ...
    def copy(self, bucket: str, source_key: str, key: str, size: int) -> str: ...
    def delete(self, key: str) -> None: ...
    def delete_many(self, keys: Sequence[str]) -> list[DeleteFailure]: ...
    def close(self) -> None: ...


class Api(Bulk, Protocol):
    """All calls, the rare ones included."""

    def presign(self, key: str, method: str, expires: int) -> str: ...


def is_md5(etag: str) -> bool:
    """Whether an ETag has the form of an MD5."""
    return _MD5.fullmatch(etag) is not None
