"""HTTP/1.1 over kept sockets, only as much as object stores need, so that bulk bytes cost little.

Measured against the same server, `requests` and botocore spend several times as much processor time on a small
request as the request needs; `benchmarks/storage` shows the numbers.
"""

from __future__ import annotations

import contextlib
import os
import socket
import struct
import time
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from anyfit.errors import ConfigError, StorageError
from anyfit.storage.retry import Unsteady, lost
from anyfit.storage.sending import SENDING
from anyfit.storage.store import Data
from anyfit.values import frozen

if TYPE_CHECKING:
    import ssl

__all__ = ["Origin", "Response", "Wire", "encode", "parse_head"]

_HEAD_LIMIT = 64 << 10
_HEAD = 8 << 10
_SMALL = 64 << 10
_LONGEST_CONNECT = 10.0  # where nothing listens and nobody says so; a body may take its time, a connection does not
_LONGEST_IDLE = 15.0  # services close connections that idle, and routers forget them without a word


@frozen
class Origin:
    """Where requests go: a host as `Host` shows it, and the address to connect to."""

    host: str
    connect: str
    port: int
    secure: bool

    @property
    def endpoint(self) -> str:
        """What is really called, for people: with the host that requests name, where that is another."""
        called = f"[{self.connect}]" if ":" in self.connect else self.connect
        if self.host in (called, f"{called}:{self.port}"):
            return self.host
        return f"{called}:{self.port} (for {self.host})"

    def is_private(self, verify: bool | str) -> bool:
        """Whether nobody on the way can change what is sent, by encryption or as it stays on this machine."""
        return (self.secure and verify is not False) or _is_loopback(self.connect)

    @classmethod
    def of(cls, endpoint: str, bucket_host: str = "") -> Origin:
        """The origin of a URL; `bucket_host`, such as "bucket.", goes in front of the name."""
        parts = urlsplit(endpoint)
        secure = parts.scheme == "https"
        name = bucket_host + (parts.hostname or "")
        shown = f"[{name}]" if ":" in name else name
        if parts.port and parts.port != (443 if secure else 80):
            shown = f"{shown}:{parts.port}"
        return cls(shown, name, parts.port or (443 if secure else 80), secure)


class Wire:
    """Connections to one origin, any number at once, kept open between requests.

    Attributes:
        private: Whether nobody on the way can change what is sent: it is encrypted, or stays on this machine.
        heard: When anything last went over any of them, by the monotonic clock.
        patient: The flag with which a read waits for all it asked for, which wakes Python up less often; TLS has none.
    """

    def __init__(
        self,
        origin: Origin,
        *,
        timeout: float = 60.0,
        verify: bool | str = True,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.origin = origin
        self.heard = time.monotonic()
        self.timeout = timeout
        self.private = origin.is_private(verify)
        self.patient = 0 if origin.secure else socket.MSG_WAITALL
        self._tls = _tls(verify) if origin.secure else None
        self._clock = clock  # of the wall, which goes on while a machine sleeps
        self._idle: deque[tuple[socket.socket, float]] = deque()
        self._owner = os.getpid()
        self._closed = False

    def request(self, method: str, target: str, headers: dict[str, str], body: Data = b"") -> Response:
        """Send a request and read the answer's head; the caller reads the body to its end or closes it.

        A kept connection may have ended unnoticed; then the request goes over a new one. Not so a POST: it may have
        been done, and the caller has to know that it is being repeated.
        """
        head = encode(method, target, headers)
        while True:
            kept = self._kept()
            again = kept is not None and method != "POST"
            sock = kept or self._connect()
            try:
                self._send(sock, head, body)
                return _answer(self, sock, method)
            except _Stale:
                self._lost(sock, kept)
                if not again:
                    raise Unsteady(f"{self.origin.endpoint} closed the connection without an answer") from None
            except (OSError, ValueError) as error:
                self._lost(sock, kept)
                if not again or not isinstance(error, ConnectionError):
                    raise Unsteady(f"{self.origin.endpoint}: {self.told(error)}") from error
            except BaseException:
                sock.close()
                raise

    def told(self, error: Exception) -> str:
        """What went wrong, for people: the kernel's word for a timeout says nothing."""
        if isinstance(error, (BlockingIOError, TimeoutError)):
            return f"nothing came for {self.timeout:g} seconds"
        return str(error) or type(error).__name__

    def _send(self, sock: socket.socket, head: bytes, body: Data) -> None:
        try:
            if len(body) <= _SMALL:
                sock.sendall(head + body)
            else:
                sock.sendall(head)
                self._send_large(sock, body)
        except (BrokenPipeError, ConnectionResetError):
            # A service that refuses a request early may close before all was sent; its answer says why.
            if not len(body):
                raise

    def _send_large(self, sock: socket.socket, body: Data) -> None:
        meter = SENDING.get()
        if meter is None:
            sock.sendall(body)
            return
        meter.begin()
        view = memoryview(body)
        for start in range(0, len(view), meter.step):
            piece = view[start : start + meter.step]
            sock.sendall(piece)
            self.note()
            meter.sent(len(piece))

    def note(self) -> None:
        """Something went over a connection."""
        self.heard = time.monotonic()

    def _kept(self) -> socket.socket | None:
        if self._owner != os.getpid():  # in a fork, such as a worker that loads data: they stay its parent's
            self._owner = os.getpid()
            self._close_idle()
        try:
            sock, since = self._idle.pop()
        except IndexError:
            return None
        if 0 <= self._clock() - since < _LONGEST_IDLE:
            return sock
        self._lost(sock, sock)
        return None

    def _lost(self, sock: socket.socket, kept: socket.socket | None) -> None:
        """Close a connection, and if it had been kept the other ones too, for they have idled longer than it."""
        sock.close()
        if kept:
            self._close_idle()

    def _connect(self) -> socket.socket:
        address = (self.origin.connect, self.origin.port)
        try:
            sock = socket.create_connection(address, timeout=min(self.timeout, _LONGEST_CONNECT))
            sock.settimeout(self.timeout)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if self._tls is None:
                _wait_in_the_kernel(sock, self.timeout)
            else:
                return self._tls.wrap_socket(sock, server_hostname=self.origin.connect)
        except UnicodeError:
            raise StorageError(
                f"{self.origin.connect!r} is no host's name", hint="check the bucket's name and the endpoint"
            ) from None
        except OSError as error:
            raise lost(f"cannot connect to {self.origin.endpoint}", error, connecting=True) from error
        return sock

    def borrow(self) -> socket.socket:
        """A connection for a caller that does its own reading."""
        return self._kept() or self._connect()

    def take_back(self, sock: socket.socket, *, keep: bool) -> None:
        """Take a borrowed connection back."""
        if keep:
            sock.settimeout(self.timeout if self._tls else None)
            self.give_back(sock)
        else:
            sock.close()

    def give_back(self, sock: socket.socket) -> None:
        """Keep a connection for the next request."""
        if self._closed:
            sock.close()
        else:
            self._idle.append((sock, self._clock()))

    def close(self) -> None:
        """Close the connections that are not in use, and from now on each after its use."""
        self._closed = True
        self._close_idle()

    def _close_idle(self) -> None:
        with contextlib.suppress(IndexError):
            while True:
                self._idle.pop()[0].close()


class Response:
    """An answer whose body is still on the wire."""

    def __init__(
        self, wire: Wire, sock: socket.socket, status: int, headers: dict[str, str], rest: bytes, left: int | None
    ) -> None:
        self.status = status
        self.headers = headers
        self._wire = wire
        self._sock: socket.socket | None = sock
        self._rest = memoryview(rest)
        self._chunked = left != 0 and headers.get("transfer-encoding", "").lower() == "chunked"
        self._left = None if self._chunked else left
        self._chunk_left: int | None = None  # None before the first chunk
        self._gathered: memoryview | None = None
        if self._left == 0:
            self._done()

    def readinto(self, buffer: memoryview, /) -> int:
        """Fill `buffer`, or the beginning of it where the body ends first; 0 at the end of the body."""
        if self._gathered is not None:
            return self._from_gathered(self._gathered, buffer)
        if self._chunked:
            return self._from_chunks(buffer)
        if self._sock is None:
            return 0
        want = len(buffer) if self._left is None else min(len(buffer), self._left)
        got = self._fill(buffer[:want])
        if self._left is None:
            if not got:
                self.close()
            return got
        self._left -= got
        if got < want:
            self.close()
            raise Unsteady(f"{self._wire.origin.endpoint} ended the body {self._left} bytes early")
        if not self._left:
            self._done()
        return got

    def measure(self) -> int:
        """How long the body is, which has to be gathered when no header says it."""
        if self._left is not None:
            return self._left
        self._gathered = memoryview(self.read())
        return len(self._gathered)

    def read(self) -> bytes:
        """The rest of the body."""
        if self._sock is None and not self._chunked and self._gathered is None:
            return b""
        if self._left is not None:
            data = bytearray(self._left)
            view, done = memoryview(data), 0
            while done < len(data):
                done += self.readinto(view[done:])
            return bytes(data)
        pieces, buffer = [], memoryview(bytearray(_SMALL))
        while got := self.readinto(buffer):
            pieces.append(bytes(buffer[:got]))
        return b"".join(pieces)

    def close(self) -> None:
        """Give up the connection if there is more of the body, else nothing."""
        if self._sock is not None:
            self._sock.close()
            self._sock = None

    def _fill(self, buffer: memoryview) -> int:
        """Read until `buffer` is full or the other side has ended."""
        done = min(len(buffer), len(self._rest))
        buffer[:done] = self._rest[:done]
        self._rest = self._rest[done:]
        while done < len(buffer) and (got := self._receive(buffer[done:], self._wire.patient)):
            done += got
        return done

    def _receive(self, buffer: memoryview, how: int = 0) -> int:
        if self._sock is None:
            return 0
        try:
            got = self._sock.recv_into(buffer, 0, how)
        except OSError as error:
            self.close()
            told = self._wire.told(error)
            raise Unsteady(f"{self._wire.origin.endpoint}: lost in the middle of a body: {told}") from error
        self._wire.note()
        return got

    def _done(self) -> None:
        if self._sock is not None and self.headers.get("connection", "").lower() != "close":
            self._wire.give_back(self._sock)
            self._sock = None
        else:
            self.close()

    def _from_gathered(self, gathered: memoryview, buffer: memoryview) -> int:
        count = min(len(buffer), len(gathered))
        buffer[:count] = gathered[:count]
        self._gathered = gathered[count:]
        return count

    def _from_chunks(self, buffer: memoryview) -> int:
        done = 0
        while done < len(buffer) and (left := self._chunk()):
            wanted = min(left, len(buffer) - done)
            if self._fill(buffer[done : done + wanted]) < wanted:
                raise self._broken("ended a chunked body early")
            self._chunk_left = left - wanted
            done += wanted
        return done

    def _chunk(self) -> int:
        """How much is left of the chunk that is being read, or of the next one after its end; 0 after the last."""
        if self._chunk_left or self._sock is None:
            return self._chunk_left or 0
        if self._chunk_left == 0:
            self._line()
        size = self._line().partition(b";")[0].strip()
        if not size or size.strip(b"0123456789abcdefABCDEF"):
            raise self._broken("sent a chunk without a size")
        self._chunk_left = int(size, 16)
        if not self._chunk_left:
            while self._line():
                pass  # headers after the body, which nobody needs
            self._done()
        return self._chunk_left

    def _line(self) -> bytes:
        """A line between chunks."""
        data, buffer = bytes(self._rest), memoryview(bytearray(_HEAD))
        while (end := data.find(b"\r\n")) < 0:
            if len(data) > _HEAD_LIMIT or not (got := self._receive(buffer)):
                raise self._broken("ended a chunked body early")
            data += buffer[:got]
        self._rest = memoryview(data)[end + 2 :]
        return data[:end]

    def _broken(self, what: str) -> Unsteady:
        self.close()
        return Unsteady(f"{self._wire.origin.endpoint} {what}")


def _is_loopback(host: str) -> bool:
    return host in ("localhost", "::1") or host.startswith("127.")


def _wait_in_the_kernel(sock: socket.socket, seconds: float) -> None:
    """Let the kernel keep the time: Python's own timeout costs a call of poll for every read."""
    span = struct.pack("ll", int(seconds), int(seconds % 1 * 1e6))
    sock.settimeout(None)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, span)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, span)


class _Stale(Exception):
    """A kept connection was closed before it answered."""


def _answer(wire: Wire, sock: socket.socket, method: str) -> Response:
    data = b""
    while (head := parse_head(data)) is None:
        got = sock.recv(_HEAD)  # hardly more than the head, so that a body is read to its place
        if not got:
            if data:
                raise ValueError("the answer's head is cut off")
            raise _Stale
        data = data + got if data else got
    wire.note()
    status, headers, start = head
    length = headers.get("content-length")
    left = 0 if method == "HEAD" or status in (204, 304) else int(length) if length is not None else None
    return Response(wire, sock, status, headers, data[start:], left)


def encode(method: str, target: str, headers: dict[str, str]) -> bytes:
    """A request's head."""
    lines = [f"{method} {target} HTTP/1.1\r\n"]
    lines += [f"{name}: {value}\r\n" for name, value in headers.items()]
    return "".join([*lines, "\r\n"]).encode("latin-1")


def parse_head(data: bytes) -> tuple[int, dict[str, str], int] | None:
    """Status, headers and length of an answer's head, None when it is not complete; interim answers are passed over.

    Raises:
        ValueError: It is no HTTP answer.
    """
    start = 0
    while (end := data.find(b"\r\n\r\n", start)) >= 0:
        first, *lines = data[start:end].decode("latin-1").split("\r\n")
        status, start = int(first[9:12]), end + 4
        if status >= 200:
            headers = {}
            for line in lines:
                name, _, value = line.partition(":")
                headers[name.lower()] = value.strip()
            return status, headers, start
    if len(data) - start > _HEAD_LIMIT:
        raise ValueError("the answer's head is too long")
    return None


def _tls(verify: bool | str) -> ssl.SSLContext:
    import ssl

    try:
        context = ssl.create_default_context(cafile=verify if isinstance(verify, str) else None)
    except OSError as error:
        raise ConfigError(
            f"storage: cannot read certificates from {verify}: {error.strerror or error}", hint="check ca_bundle"
        ) from error
    if verify is True:
        with contextlib.suppress(ImportError):
            import certifi

            context.load_verify_locations(certifi.where())
    elif verify is False:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context
