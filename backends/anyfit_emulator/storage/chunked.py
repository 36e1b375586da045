"""The `aws-chunked` framing inside bodies, signed or not, with and without trailers."""

from __future__ import annotations

import hmac
from collections.abc import Iterable, Iterator
from hashlib import sha256

from anyfit_emulator.storage.auth.aws4 import signature
from anyfit_emulator.storage.auth.values import StreamSigner
from anyfit_emulator.storage.errors import StoreError

__all__ = ["ChunkedBody"]

_EMPTY = sha256(b"").hexdigest()
_LINE_LIMIT = 4096


class ChunkedBody:
    """Decodes the framing; iterate for the content, then look at the trailers.

    Attributes:
        trailers: Headers that followed the content.
    """

    def __init__(self, source: Iterable[bytes], signer: StreamSigner | None) -> None:
        self.trailers: dict[str, str] = {}
        self._source = iter(source)
        self._signer = signer
        self._previous = signer.seed if signer else ""
        self._buffer = memoryview(b"")

    def __iter__(self) -> Iterator[bytes]:
        while True:
            size, given = self._chunk_head()
            digest = sha256()
            if not size:
                self._check_chunk(digest.hexdigest(), given)
                self._read_trailers()
                return
            while size:
                piece = self._take(size)
                size -= len(piece)
                if self._signer:
                    digest.update(piece)
                yield piece
            self._check_chunk(digest.hexdigest(), given)
            if self._line():
                raise StoreError("IncompleteBody", "A chunk is longer than it said.")

    def _chunk_head(self) -> tuple[int, str]:
        size, _, extension = self._line().partition(";")
        try:
            return int(size, 16), extension.partition("chunk-signature=")[2]
        except ValueError:
            raise StoreError("IncompleteBody", "A chunk has no size.") from None

    def _check_chunk(self, digest: str, given: str) -> None:
        if self._signer:
            self._check(given, "AWS4-HMAC-SHA256-PAYLOAD", _EMPTY, digest)

    def _read_trailers(self) -> None:
        signed = ""
        given = ""
        while line := self._line(at_end=""):
            name, _, value = line.partition(":")
            name, value = name.strip().lower(), value.strip()
            if name == "x-amz-trailer-signature":
                given = value
            else:
                self.trailers[name] = value
                signed += f"{name}:{value}\n"
        if self._signer and self.trailers:
            self._check(given, "AWS4-HMAC-SHA256-TRAILER", sha256(signed.encode()).hexdigest())
        for _ in self._source:
            pass  # what is left of the outer framing

    def _check(self, given: str, kind: str, *digests: str) -> None:
        signer = self._signer
        assert signer is not None  # noqa: S101  callers have looked
        expected = signature(signer.key, kind, signer.stamp, signer.scope, self._previous, *digests)
        if not hmac.compare_digest(expected, given):
            raise StoreError("SignatureDoesNotMatch", "A chunk's signature does not match.")
        self._previous = expected

    def _fill(self) -> bool:
        for piece in self._source:
            if piece:
                self._buffer = memoryview(piece)
                return True
        return False

    def _take(self, limit: int) -> bytes:
        if not self._buffer and not self._fill():
            raise StoreError("IncompleteBody", "The body ended within a chunk.")
        piece, self._buffer = self._buffer[:limit], self._buffer[limit:]
        return bytes(piece)

    def _line(self, at_end: str | None = None) -> str:
        line = bytearray()
        while not line.endswith(b"\n"):
            if len(line) > _LINE_LIMIT:
                raise StoreError("IncompleteBody", "A chunk's head is too long.")
            if not self._buffer and not self._fill():
                if at_end is not None and not line:
                    return at_end
                raise StoreError("IncompleteBody", "The body ended within a chunk's head.")
            line += self._take(1)
        return line.decode("latin-1").strip()
