"""What an application gets and gives: requests, responses and their bodies."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterator
from typing import Any, Protocol

from attrs import define, field

__all__ = ["App", "Body", "Disconnected", "FileSlice", "Mishap", "Request", "Response", "Slow"]


class Disconnected(ConnectionError):
    """The client went away, or an injected fault wants it to look so; the connection is reset."""


class Slow(Exception):
    """Raised by an application that was called on the event loop and may block: it is called again in a thread."""


class Body:
    """What follows the headers; iterate to get it piece by piece, once.

    Pieces that are not here yet are fetched by `pump`, which blocks; so only a request that runs in a worker
    thread may iterate a body that is not complete.

    Attributes:
        length: The declared Content-Length, or None when the body is chunked.
        size: How many bytes have arrived so far.
        complete: Whether all of it has arrived.
        pump: Fetches more, set by the connection while a worker thread owns the socket.
        damaged: Whether a bit of the next piece is to be flipped.
    """

    __slots__ = ("complete", "damaged", "length", "pieces", "pump", "size")

    def __init__(self, length: int | None) -> None:
        self.length = length
        self.size = 0
        self.complete = False
        self.pieces: deque[bytes] = deque()
        self.pump: Callable[[], None] | None = None
        self.damaged = False

    def feed(self, data: bytes) -> None:
        """Add a piece that has arrived."""
        self.pieces.append(data)
        self.size += len(data)

    def __iter__(self) -> Iterator[bytes]:
        while True:
            while self.pieces:
                yield self._spoilt(self.pieces.popleft()) if self.damaged else self.pieces.popleft()
            if self.complete:
                return
            if self.pump is None:
                raise Slow
            self.pump()

    def _spoilt(self, piece: bytes) -> bytes:
        bad = bytearray(piece)
        bad[len(bad) // 2] ^= 0x40
        self.damaged = False
        return bytes(bad)

    def read(self, limit: int) -> bytes | None:
        """The whole body, or None when it is longer than `limit` bytes."""
        if self.length is not None and self.length > limit:
            return None
        data = bytearray()
        for piece in self:
            data += piece
            if len(data) > limit:
                return None
        return bytes(data)


@define(slots=True)
class Request:
    """One request, as it stood on the wire.

    Attributes:
        method: `GET`, `PUT` and so on.
        path: The path exactly as sent, percent signs and all, without scheme and host.
        query: What followed the question mark, exactly as sent.
        headers: By lower-case name; repeated headers are joined with a comma. UTF-8, other bytes surrogate-escaped.
        body: What follows.
        in_thread: Whether this call may block.
        state: The application's own, kept when `Slow` makes it run a second time.
    """

    method: str
    path: str
    query: str
    headers: dict[str, str]
    body: Body
    in_thread: bool = False
    state: Any = None


@define(slots=True)
class FileSlice:
    """A part of an open file to be sent as a body; owns the descriptor."""

    fd: int
    offset: int
    length: int

    def read(self) -> bytes:
        """The whole slice, for small ones."""
        data = os.pread(self.fd, self.length, self.offset)
        if len(data) != self.length:
            raise Disconnected("the file became shorter while it was being sent")
        return data

    def close(self) -> None:
        """Give the descriptor back."""
        os.close(self.fd)


@define(slots=True)
class Mishap:
    """What shall go wrong while a response is sent.

    Attributes:
        kind: `reset` (connection reset), `truncate` (closed early, length as promised), `corrupt` (a bit flipped)
            or `lost` (nothing is sent at all).
        at: Where in the body, as a fraction.
    """

    kind: str
    at: float = 0.5


@define(slots=True)
class Response:
    """One answer. `Content-Length` is worked out unless `headers` has it (as a HEAD answer does)."""

    status: int
    headers: list[tuple[str, str]] = field(factory=list)
    body: bytes | FileSlice = b""
    mishap: Mishap | None = None
    close: bool = False

    @property
    def length(self) -> int:
        """The length of the body in bytes."""
        return len(self.body) if isinstance(self.body, bytes) else self.body.length


class App(Protocol):
    """An application. It answers every error itself; only `Disconnected` and `Slow` may leave it."""

    def __call__(self, request: Request, /) -> Response:
        """Answer `request`."""
        ...

    def quick(self, request: Request, /) -> bool:
        """Whether `request`, whose body is small, can be answered on the event loop without waiting."""
        ...
