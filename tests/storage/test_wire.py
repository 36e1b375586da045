"""How answers are read off a connection, whatever pieces they come in."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import closing, contextmanager
from itertools import pairwise
from threading import Timer

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anyfit.storage.retry import Unsteady
from anyfit.storage.wire import Origin, Response, Wire

BODIES = st.binary(max_size=300)


@contextmanager
def line() -> Iterator[tuple[Wire, socket.socket, socket.socket]]:
    """A wire, and both ends of a connection that blocks as the wire's do; whoever waits for good is let go and told."""
    ours, theirs = socket.socketpair()
    watchdog = Timer(20, ours.shutdown, (socket.SHUT_RD,))
    with ours, theirs, closing(Wire(Origin.of("http://127.0.0.1:1"))) as wire:
        watchdog.start()
        try:
            yield wire, ours, theirs
            assert watchdog.is_alive(), "this read waited for bytes that nobody sends"
        finally:
            watchdog.cancel()


def answer(wire: Wire, sock: socket.socket, headers: dict[str, str], rest: bytes) -> Response:
    """An answer whose head has been read, and `rest` of its body with it."""
    length = headers.get("content-length")
    return Response(wire, sock, 200, headers, rest, int(length) if length else None)


def chunked(body: bytes, cuts: list[int], trailer: bytes) -> bytes:
    """A body in chunks."""
    ends = sorted({0, len(body), *(cut % (len(body) + 1) for cut in cuts)})
    chunks = [body[start:end] for start, end in pairwise(ends)]
    return b"".join(b"%x;name=value\r\n%b\r\n" % (len(c), c) for c in chunks) + b"0\r\n" + trailer + b"\r\n"


@given(BODIES, st.lists(st.integers(0, 300), max_size=4), st.sampled_from([b"", b"x-sum: 1\r\n"]), st.integers(0, 400))
def test_chunks_are_joined_on_a_connection_that_stays(body: bytes, cuts: list[int], trailer: bytes, cut: int) -> None:
    """The end of the chunks is the end of the answer: nobody waits for more, and the connection is used again."""
    wire_bytes = chunked(body, cuts, trailer)
    with line() as (wire, ours, theirs):
        theirs.sendall(wire_bytes[cut:])
        assert answer(wire, ours, {"transfer-encoding": "chunked"}, wire_bytes[:cut]).read() == body
        assert wire.borrow() is ours


@given(BODIES.filter(bool), st.integers(0, 400), st.integers(1, 200))
def test_a_buffer_is_filled(body: bytes, cut: int, size: int) -> None:
    """Every read fills the buffer, what came with the head included, but for the last one."""
    with line() as (wire, ours, theirs):
        theirs.sendall(body[cut:])
        found = answer(wire, ours, {"content-length": str(len(body))}, body[:cut])
        buffer = memoryview(bytearray(size))
        pieces = []
        while got := found.readinto(buffer):
            pieces.append(bytes(buffer[:got]))
        assert pieces == [body[at : at + size] for at in range(0, len(body), size)]
        assert wire.borrow() is ours


@given(BODIES.filter(bool), st.lists(st.integers(0, 300), max_size=4), st.integers(0, 400), st.integers(1, 200))
def test_a_buffer_is_filled_from_chunks(body: bytes, cuts: list[int], cut: int, size: int) -> None:
    """Of however many of them it takes."""
    wire_bytes = chunked(body, cuts, b"")
    with line() as (wire, ours, theirs):
        theirs.sendall(wire_bytes[cut:])
        found = answer(wire, ours, {"transfer-encoding": "chunked"}, wire_bytes[:cut])
        buffer = memoryview(bytearray(size))
        pieces = []
        while got := found.readinto(buffer):
            pieces.append(bytes(buffer[:got]))
        assert pieces == [body[at : at + size] for at in range(0, len(body), size)]
        assert wire.borrow() is ours


def test_chunks_are_read_as_they_come() -> None:
    """Nothing is gathered: who wants the beginning need not wait for the end."""
    with line() as (wire, ours, theirs):
        found = answer(wire, ours, {"transfer-encoding": "chunked"}, b"5\r\nhe")
        buffer = memoryview(bytearray(5))
        theirs.sendall(b"llo")
        assert (found.readinto(buffer), bytes(buffer)) == (5, b"hello")
        theirs.sendall(b"\r\n1\r\n!\r\n0\r\n\r\n")
        assert (found.readinto(buffer), bytes(buffer[:1]), found.readinto(buffer)) == (1, b"!", 0)
        assert wire.borrow() is ours


@pytest.mark.parametrize(
    ("headers", "sent"),
    [
        ({"content-length": "10"}, b"123456789"),
        ({"transfer-encoding": "chunked"}, b"a\r\n123456789"),
        ({"transfer-encoding": "chunked"}, b"9\r\n123456789\r\n"),
        ({"transfer-encoding": "chunked"}, b"9\r\n123456789\r\n0\r\n"),
        ({"transfer-encoding": "chunked"}, b"nine\r\n123456789\r\n0\r\n\r\n"),
        ({"transfer-encoding": "chunked"}, b"-1\r\n123456789\r\n0\r\n\r\n"),
        ({"transfer-encoding": "chunked"}, b"1;" + b"x" * 65536),
    ],
)
def test_a_body_that_breaks_off_is_unsteady(headers: dict[str, str], sent: bytes) -> None:
    """Half an answer is none, and its connection is not used again."""
    with line() as (wire, ours, theirs):
        theirs.sendall(sent)
        theirs.close()
        with pytest.raises(Unsteady):
            answer(wire, ours, headers, b"").read()
        assert ours.fileno() < 0


def test_an_answer_without_a_body_has_no_chunks() -> None:
    """To HEAD and with 204 nothing follows, whatever the headers announce."""
    with line() as (wire, ours, _):
        assert Response(wire, ours, 200, {"transfer-encoding": "chunked"}, b"", 0).read() == b""
        assert wire.borrow() is ours
