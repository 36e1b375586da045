"""One client's connection: parsing on the event loop, large bodies in worker threads.

Small requests are answered on the event loop, which no thread pool beats. For a large body a worker thread takes
the socket over (the event loop stops reading), so that receiving, hashing and writing happen with the interpreter
lock released, and files are sent with `sendfile`.
"""

from __future__ import annotations

import asyncio
import os
import socket
from collections import deque
from collections.abc import Callable
from concurrent.futures import Executor
from contextlib import suppress
from typing import TYPE_CHECKING, cast

import httptools

from anyfit_emulator.http.message import App, Body, Disconnected, FileSlice, Request, Response, Slow
from anyfit_emulator.http.sending import head_of, reset, send

if TYPE_CHECKING:
    from anyfit_emulator.http.server import HttpServer

__all__ = ["Connection"]

SMALL = 256 * 1024  # up to here a body is gathered on the event loop
IDLE_SECONDS = 60.0  # a worker thread waits no longer than this for a silent client
DRAIN_LIMIT = 64 << 20  # so much of an unwanted body is read before the connection is closed
HEADER_LIMIT = 64 * 1024
_CHUNK = 1 << 19
_CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
_ENCODING = ("utf-8", "surrogateescape")


class _Exchange:
    """A request on its way to a response."""

    __slots__ = ("expects", "keep_alive", "request")

    def __init__(self, request: Request, keep_alive: bool, expects: bool) -> None:
        self.request = request
        self.keep_alive = keep_alive
        self.expects = expects  # the client waits for "100 Continue" before it sends the body

    @property
    def ready(self) -> bool:
        """Whether it can be answered on the event loop as far as the body is concerned."""
        return self.request.body.complete and self.request.body.size <= SMALL

    @property
    def large(self) -> bool:
        """Whether the body is, or turned out to be, too large to be gathered in memory."""
        body = self.request.body
        return body.size > SMALL or (body.length is not None and body.length > SMALL)


class Connection(asyncio.Protocol):
    """The protocol of one connection."""

    def __init__(self, app: App, server: HttpServer, executor: Executor) -> None:
        self._app = app
        self._server = server
        self._executor = executor
        self._parser = httptools.HttpRequestParser(self)
        self._queue: deque[_Exchange] = deque()
        self._parsing: _Exchange | None = None
        self._target = b""
        self._headers: list[tuple[bytes, bytes]] = []
        self._busy = False  # a worker thread has the socket
        self._choked = False  # the client does not read its answers
        self._transport: asyncio.Transport
        self._loop = asyncio.get_running_loop()

    # the event loop's side

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        self._transport = cast("asyncio.Transport", transport)
        self._server.connections.add(self)

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the connection; a worker thread has its own descriptor and notices by itself."""
        self._server.connections.discard(self)

    def pause_writing(self) -> None:
        """Answer no more until the client has read."""
        self._choked = True
        self._transport.pause_reading()

    def resume_writing(self) -> None:
        """Go on."""
        self._choked = False
        self._advance()
        self._resume_reading()

    def data_received(self, data: bytes) -> None:
        """Parse, and answer what is complete."""
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            self._transport.abort()
            return
        except httptools.HttpParserError:
            self._transport.write(head_of(Response(400), keep_alive=False))
            self._transport.close()
            return
        self._advance()

    def eof_received(self) -> bool:
        """A half-closed connection is kept while a worker thread still answers on it."""
        return self._busy

    def abort(self) -> None:
        """End at once, also for a worker thread that waits for this client."""
        sock = self._own_socket()
        if sock is not None:
            with sock, suppress(OSError):  # it was closed already
                sock.shutdown(socket.SHUT_RDWR)
        self._transport.abort()

    def _advance(self) -> None:
        while self._queue and not self._busy and not self._choked and not self._transport.is_closing():
            exchange = self._queue[0]
            if exchange.expects and exchange.request.body.complete:
                # Also for an empty body: botocore, if this is left out, misreads its next answer on the connection.
                exchange.expects = False
                self._transport.write(_CONTINUE)
            if exchange.ready and self._app.quick(exchange.request):
                self._answer_here(exchange)
            elif exchange.large or exchange.request.body.complete:
                self._hand_over(exchange, None)
            elif exchange.expects:
                exchange.expects = False
                self._transport.write(_CONTINUE)
                return
            else:
                return

    def _answer_here(self, exchange: _Exchange) -> None:
        try:
            response = self._app(exchange.request)
        except Slow:
            self._hand_over(exchange, None)
            return
        except Disconnected:
            self._transport.abort()
            return
        if response.mishap is not None or response.length > SMALL:
            self._hand_over(exchange, response)
            return
        if isinstance(response.body, FileSlice):
            try:
                body = response.body.read()
            except Disconnected:
                self._transport.abort()
                return
            finally:
                response.body.close()
        else:
            body = response.body
        self._queue.popleft()
        keep_alive = exchange.keep_alive and not response.close
        self._transport.write(head_of(response, keep_alive) + body)
        if not keep_alive:
            self._transport.close()

    def _hand_over(self, exchange: _Exchange, response: Response | None) -> None:
        if self._transport.get_write_buffer_size():  # earlier answers go first
            self._loop.call_later(0.001, self._hand_over, exchange, response)
            self._busy = True
            return
        sock = self._own_socket()
        if sock is None:
            if response is not None and isinstance(response.body, FileSlice):
                response.body.close()
            self._transport.abort()
            return
        self._busy = True
        self._transport.pause_reading()
        self._executor.submit(self._work, exchange, response, sock)

    def _own_socket(self) -> socket.socket | None:
        fd = self._transport.get_extra_info("socket").fileno()
        if fd < 0:
            return None
        try:
            sock = socket.socket(fileno=os.dup(fd))
        except OSError:
            return None
        sock.settimeout(IDLE_SECONDS)
        return sock

    def _given_back(self, alive: bool) -> None:
        self._busy = False
        if not alive:
            self._transport.abort()
            return
        self._queue.popleft()
        self._advance()
        self._resume_reading()

    def _resume_reading(self) -> None:
        if not self._busy and not self._choked and not self._transport.is_closing():
            self._transport.resume_reading()

    # the worker thread's side

    def _work(self, exchange: _Exchange, response: Response | None, sock: socket.socket) -> None:
        alive = False
        with sock:
            try:
                alive = self._exchange_blocking(exchange, response, sock)
            except Disconnected:
                reset(sock)
            except OSError:
                pass  # the client went away
        with suppress(RuntimeError):  # the server has stopped meanwhile
            self._loop.call_soon_threadsafe(self._given_back, alive)

    def _exchange_blocking(self, exchange: _Exchange, response: Response | None, sock: socket.socket) -> bool:
        body = exchange.request.body
        body.pump = self._pump(exchange, sock)
        if response is None:
            exchange.request.in_thread = True
            response = self._app(exchange.request)
        try:
            waiting = exchange.expects and not body.complete
            keep_alive = exchange.keep_alive and not response.close and not waiting
            alive = send(sock, response, keep_alive)
        finally:
            if isinstance(response.body, FileSlice):
                response.body.close()
        if alive and not body.complete:
            alive = _drain(body)
        if not alive and response.mishap is None:
            sock.shutdown(socket.SHUT_WR)
        return alive

    def _pump(self, exchange: _Exchange, sock: socket.socket) -> Callable[[], None]:
        """Make the function that fetches more of this body."""
        buffer: memoryview | None = None
        body = exchange.request.body

        def pump() -> None:
            nonlocal buffer
            if exchange.expects:
                exchange.expects = False
                sock.sendall(_CONTINUE)
            if buffer is None:
                buffer = memoryview(bytearray(_CHUNK))
            room = _CHUNK if body.length is None else min(_CHUNK, max(1, body.length - body.size))
            got = sock.recv_into(buffer[:room])
            if not got:
                raise Disconnected("the client closed the connection in the middle of a body")
            try:
                self._parser.feed_data(buffer[:got])
            except httptools.HttpParserError as error:
                raise Disconnected("the framing of the body is broken") from error

        return pump

    # the parser's side

    def on_message_begin(self) -> None:
        """Start afresh."""
        self._target = b""
        self._headers = []

    def on_url(self, url: bytes) -> None:
        """Collect the target."""
        self._target += url

    def on_header(self, name: bytes, value: bytes) -> None:
        """Collect a header."""
        self._headers.append((name, value))

    def on_headers_complete(self) -> None:
        """Make the request and queue it."""
        headers = _headers(self._headers)
        path, query = _split(self._target.decode(*_ENCODING))
        chunked = "chunked" in headers.get("transfer-encoding", "").lower()
        declared = headers.get("content-length", "0")
        body = Body(None if chunked else int(declared) if declared.isdigit() else 0)
        request = Request(self._parser.get_method().decode(), path, query, headers, body)
        expects = "100-continue" in headers.get("expect", "").lower()
        self._parsing = _Exchange(request, self._parser.should_keep_alive(), expects)
        self._queue.append(self._parsing)

    def on_body(self, data: bytes) -> None:
        """Add to the body."""
        assert self._parsing is not None  # noqa: S101  the parser calls in order
        self._parsing.request.body.feed(data)

    def on_message_complete(self) -> None:
        """Mark the body as complete."""
        assert self._parsing is not None  # noqa: S101  the parser calls in order
        self._parsing.request.body.complete = True
        self._parsing = None


def _headers(pairs: list[tuple[bytes, bytes]]) -> dict[str, str]:
    headers: dict[str, str] = {}
    for raw_name, raw_value in pairs:
        name = raw_name.decode("latin-1").lower()
        value = raw_value.decode(*_ENCODING)
        headers[name] = f"{headers[name]},{value}" if name in headers else value
    return headers


def _split(target: str) -> tuple[str, str]:
    """Path and query of a request target, also of one in absolute form, as proxies get it."""
    if not target.startswith("/"):
        _, scheme, rest = target.partition("://")
        target = "/" + rest.partition("/")[2] if scheme else "/" + target
    path, _, query = target.partition("?")
    return path, query


def _drain(body: Body) -> bool:
    """Read the rest of an unwanted body, so that the client gets to read the answer; False when it is too long."""
    start = body.size
    return all(body.size - start <= DRAIN_LIMIT for _ in body)
