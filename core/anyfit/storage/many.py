"""Many small requests from one thread: several connections at once, each waiting only for itself.

With a thread for each request, Python spends more time on handing its lock around than on the requests. What goes
wrong here is not repaired here: the answer is then None, and the caller asks again in the ordinary way.
"""

from __future__ import annotations

import selectors
import socket
from collections.abc import Iterable, Iterator
from typing import Generic, TypeVar

from anyfit.errors import StorageError
from anyfit.storage.wire import Wire, parse_head
from anyfit.values import frozen

__all__ = ["Small", "exchange"]

T = TypeVar("T")
_CHUNK = 64 << 10
_READ, _WRITE = selectors.EVENT_READ, selectors.EVENT_WRITE


@frozen
class Small:
    """A whole answer."""

    status: int
    headers: dict[str, str]
    body: bytes


class _Line(Generic[T]):
    """One connection and the request on it."""

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        self.tag: T
        self._out = memoryview(b"")
        self._in = b""
        self._head: tuple[int, dict[str, str], int] | None = None

    def begin(self, request: bytes, tag: T) -> int:
        """Send what can be sent at once; what to wait for."""
        self.tag = tag
        self._in, self._head = b"", None
        self._out = memoryview(request)
        return self.write()

    @property
    def is_sent(self) -> bool:
        """Whether all of the request has gone out: a refusal may come before that."""
        return not self._out

    def write(self) -> int:
        """Go on sending; what to wait for."""
        try:
            while self._out:
                self._out = self._out[self.sock.send(self._out) :]
        except OSError as error:
            if not _has_to_wait(error):
                raise
            return _READ | _WRITE
        return _READ

    def read(self) -> Small | None:
        """Go on reading; the answer if it is complete. Raises OSError or ValueError if it never will be."""
        while True:
            try:
                data = self.sock.recv(_CHUNK)
            except OSError as error:
                if not _has_to_wait(error):
                    raise
                return None
            if not data:
                raise ValueError("the answer ended early")
            self._in = self._in + data if self._in else data
            self._head = self._head or parse_head(self._in)
            if self._head is None:
                continue
            status, headers, start = self._head
            end = start + (0 if status == 204 else int(headers["content-length"]))
            if len(self._in) >= end:
                return Small(status, headers, self._in[start:end])


def exchange(wire: Wire, requests: Iterable[tuple[bytes, T]], window: int) -> Iterator[tuple[T, Small | None]]:
    """Send requests over up to `window` connections; yields each one's tag with its answer, as they come."""
    work = _Exchange(wire, iter(requests))
    try:
        while len(work.poll.get_map()) < window and work.start():
            pass
        while work.poll.get_map():
            yield from work.turn()
        yield from work.answers
        yield from ((tag, None) for _, tag in work.waiting)
    finally:
        work.close()


class _Exchange(Generic[T]):
    """The lines of one exchange.

    Attributes:
        answers: What came since it was last looked at.
        refused: Whether no further connection came about: each attempt may take long, and this thread has no time.
    """

    def __init__(self, wire: Wire, waiting: Iterator[tuple[bytes, T]]) -> None:
        self.wire = wire
        self.waiting = waiting
        self.poll = selectors.DefaultSelector()
        self.answers: list[tuple[T, Small | None]] = []
        self.refused = False

    def start(self) -> bool:
        """Open a line for the next request; whether there was one."""
        while not self.refused and (following := next(self.waiting, None)):
            request, tag = following
            try:
                sock = self.wire.borrow()
            except StorageError:
                self.answers.append((tag, None))
                self.refused = True
                continue
            line: _Line[T] = _Line(sock)
            sock.setblocking(False)
            try:
                self.poll.register(sock, line.begin(request, tag), line)
            except OSError:
                sock.close()
                self.answers.append((tag, None))
                continue
            return True
        return False

    def turn(self) -> list[tuple[T, Small | None]]:
        """Wait for something to happen and see to it; the answers that came by it."""
        events = self.poll.select(self.wire.timeout)
        for key, mask in events:
            self._serve(key, mask)
        if not events:
            self._give_up()
        answers, self.answers = self.answers, []
        return answers

    def _serve(self, key: selectors.SelectorKey, mask: int) -> None:
        line: _Line[T] = key.data
        try:
            if mask & _WRITE:
                self.poll.modify(line.sock, line.write(), line)
            answer = line.read() if mask & _READ else None
        except (OSError, ValueError, KeyError):
            self._lose(line)
            self.start()
            return
        if answer is not None:
            self.wire.note()
            self.answers.append((line.tag, answer))
            kept = line.is_sent and answer.headers.get("connection", "").lower() != "close"
            self._go_on(line, key.events, kept)

    def _go_on(self, line: _Line[T], events: int, kept: bool) -> None:
        """Put the next request on a line that is free now."""
        following = next(self.waiting, None) if kept else None
        if following is None:
            self.poll.unregister(line.sock)
            self.wire.take_back(line.sock, keep=kept)
            if not kept:
                self.start()
            return
        try:
            wanted = line.begin(*following)
            if wanted != events:
                self.poll.modify(line.sock, wanted, line)
        except OSError:
            self._lose(line)
            self.start()

    def _lose(self, line: _Line[T]) -> None:
        """Give up a line; its request has no answer."""
        self.poll.unregister(line.sock)
        line.sock.close()
        self.answers.append((line.tag, None))

    def _give_up(self) -> None:
        """Nobody answers any more: no request that is under way or waiting has an answer."""
        for key in list(self.poll.get_map().values()):
            self._lose(key.data)
        self.answers += [(tag, None) for _, tag in self.waiting]

    def close(self) -> None:
        """Close what is still open."""
        for key in list(self.poll.get_map().values()):
            key.data.sock.close()
        self.poll.close()


def _has_to_wait(error: OSError) -> bool:
    return isinstance(error, BlockingIOError) or type(error).__name__ in ("SSLWantReadError", "SSLWantWriteError")
