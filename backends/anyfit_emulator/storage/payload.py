"""A body on its way in: unpacked, hashed, and held against everything the client said of it."""

from __future__ import annotations

import binascii
import re
from base64 import b64decode
from collections.abc import Iterable, Iterator, Mapping

from anyfit_emulator.http import Request
from anyfit_emulator.storage.auth import Identity
from anyfit_emulator.storage.chunked import ChunkedBody
from anyfit_emulator.storage.digests import ALGORITHMS, Digests
from anyfit_emulator.storage.errors import StoreError

__all__ = ["Payload"]

_HEX = re.compile(r"[0-9a-fA-F]{64}")
_CHECKSUM = "x-amz-checksum-"


class Payload:
    """The content of one request; iterate it once, then `verify`.

    Attributes:
        length: The content's length, or None when it is not known beforehand.
        digests: Its hashes.
    """

    def __init__(self, request: Request, identity: Identity, *, unpack: bool, wanted: Iterable[str] = ()) -> None:
        headers = request.headers
        self._headers = headers
        self._md5 = _decode_md5(headers.get("content-md5", ""))
        self._declared = headers.get("x-amz-content-sha256", "") or identity.payload
        self._stream: ChunkedBody | None = None
        if unpack and self._declared.startswith("STREAMING-"):
            signer = identity.signer if self._declared.startswith("STREAMING-AWS4-HMAC-SHA256") else None
            self._stream = ChunkedBody(request.body, signer)
        self._source: Iterable[bytes] = self._stream or request.body
        self.length = self._length(request)
        self._claims = [(name, value) for name, value in headers.items() if name.startswith(_CHECKSUM)]
        algorithms = {*_known(self._claims), *_announced(headers), *wanted}
        if _HEX.fullmatch(self._declared):
            algorithms.add("sha256")
        self._algorithms = algorithms
        self.digests = Digests(algorithms)

    def __iter__(self) -> Iterator[bytes]:
        for piece in self._source:
            self.digests.update(piece)
            yield piece

    def verify(self) -> dict[str, str]:
        """Hold the content against length, Content-MD5, signed hash and checksums; answers the checksums.

        Raises:
            StoreError: Something does not match.
        """
        digests = self.digests
        if self.length is not None and digests.size != self.length:
            raise StoreError("IncompleteBody")
        if self._md5 is not None and self._md5 != digests.md5:
            raise StoreError("BadDigest")
        if _HEX.fullmatch(self._declared) and digests.hexadecimal("sha256") != self._declared.lower():
            raise StoreError("XAmzContentSHA256Mismatch")
        checksums = _known([*self._claims, *(self._trailers() if self._stream else ())])
        for algorithm, value in checksums.items():
            if digests.checksum(algorithm) != value:
                raise StoreError("BadDigest", f"The {algorithm} you specified did not match what we received.")
        return checksums

    def _trailers(self) -> Iterable[tuple[str, str]]:
        """What followed the content, when that is all that was announced."""
        found = self._stream.trailers if self._stream else {}
        missing = [name for name in _announced(self._headers) if f"{_CHECKSUM}{name}" not in found]
        if missing:
            raise StoreError("MalformedTrailerError", f"The trailer {_CHECKSUM}{missing[0]} did not come.")
        return found.items()

    def checksum(self, algorithm: str) -> str:
        """A checksum that was wanted, in base64."""
        return self.digests.checksum(algorithm)

    def _length(self, request: Request) -> int | None:
        if self._stream is None:
            return request.body.length
        declared = self._headers.get("x-amz-decoded-content-length", "")
        if not declared.isdigit():
            raise StoreError("MissingContentLength", "x-amz-decoded-content-length is missing.")
        return int(declared)


def _known(claims: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Checksums by algorithm, of headers that are some."""
    found = {name.removeprefix(_CHECKSUM): value for name, value in claims if name.startswith(_CHECKSUM)}
    return {algorithm: value for algorithm, value in found.items() if algorithm in ALGORITHMS}


def _announced(headers: Mapping[str, str]) -> dict[str, str]:
    """Checksums that will follow the content."""
    names = headers.get("x-amz-trailer", "").lower()
    return _known((name.strip(), "") for name in names.split(",")) if names else {}


def _decode_md5(text: str) -> bytes | None:
    if not text:
        return None
    try:
        digest = b64decode(text, validate=True)
    except binascii.Error:
        digest = b""
    if len(digest) != 16:
        raise StoreError("InvalidDigest")
    return digest
