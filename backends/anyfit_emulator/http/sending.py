"""How a response gets onto a socket, mishaps included."""

from __future__ import annotations

import os
import socket
import struct
from collections.abc import Iterator
from http import HTTPStatus

from anyfit_emulator.http.message import Disconnected, FileSlice, Response

__all__ = ["head_of", "reset", "send"]

CHUNK = 1 << 20
_REASONS = {status.value: status.phrase for status in HTTPStatus}
_BODILESS = frozenset({204, 304})


def head_of(response: Response, keep_alive: bool) -> bytes:
    """Status line and headers."""
    lines = [f"HTTP/1.1 {response.status} {_REASONS.get(response.status, 'Unknown')}"]
    named = False
    for name, value in response.headers:
        lines.append(f"{name}: {value}")
        named = named or name == "Content-Length"
    if not named and response.status not in _BODILESS:
        lines.append(f"Content-Length: {response.length}")
    lines.append("Connection: keep-alive\r\n\r\n" if keep_alive else "Connection: close\r\n\r\n")
    return "\r\n".join(lines).encode("utf-8", "surrogateescape")


def send(sock: socket.socket, response: Response, keep_alive: bool) -> bool:
    """Send from a worker thread, blocking; says whether the connection is still of use.

    Raises:
        OSError: The client went away.
    """
    mishap = response.mishap
    if mishap is not None and mishap.kind == "lost":
        reset(sock)
        return False
    head = head_of(response, keep_alive)
    if mishap is not None:
        return _send_badly(sock, head, response)
    if isinstance(response.body, bytes):
        sock.sendall(head + response.body)
        return keep_alive
    sock.sendall(head, getattr(socket, "MSG_MORE", 0))
    with os.fdopen(os.dup(response.body.fd), "rb", buffering=0) as file:
        sent = sock.sendfile(file, response.body.offset, response.body.length) if response.body.length else 0
    if sent != response.body.length:
        raise Disconnected("the file became shorter while it was being sent")
    return keep_alive


def reset(sock: socket.socket) -> None:
    """Close so that the other side sees a reset and not an orderly end."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def _send_badly(sock: socket.socket, head: bytes, response: Response) -> bool:
    mishap = response.mishap
    assert mishap is not None  # noqa: S101  narrowing for the type checker
    sock.sendall(head)
    stop = int(response.length * mishap.at)
    position = 0
    for piece in _pieces(response.body):
        end = position + len(piece)
        if position <= stop < end:
            if mishap.kind == "corrupt":
                bad = bytearray(piece)
                bad[stop - position] ^= 0x40
                piece = bytes(bad)
            else:
                sock.sendall(piece[: stop - position])
                break
        sock.sendall(piece)
        position = end
    if mishap.kind == "corrupt":
        return True
    if mishap.kind == "reset":
        reset(sock)
    return False


def _pieces(body: bytes | FileSlice) -> Iterator[bytes]:
    if isinstance(body, bytes):
        yield body
        return
    offset, end = body.offset, body.offset + body.length
    while offset < end:
        piece = os.pread(body.fd, min(CHUNK, end - offset), offset)
        if not piece:
            raise Disconnected("the file became shorter while it was being sent")
        yield piece
        offset += len(piece)
