"""From a picture's file to 64 numbers between 0 and 1.

Greyscale and colour PNG and Netpbm files of 8 bits are decoded and shrunk to 8 by 8 grey fields. Any other file is
described by how often its bytes fall into 64 ranges, which still tells many things apart.
"""

from __future__ import annotations

import re
import struct
import zlib

__all__ = ["SIDE", "features"]

SIDE = 8
_COUNT = SIDE * SIDE
_CHANNELS = {0: 1, 2: 3, 4: 2, 6: 4}  # by PNG colour type; palettes are left to the byte ranges
_NETPBM = re.compile(rb"P([56])(?:\s|#[^\n]*\n)+(\d+)(?:\s|#[^\n]*\n)+(\d+)(?:\s|#[^\n]*\n)+255\s")


def features(data: bytes) -> list[float]:
    """What a model sees of a file."""
    try:
        picture = _png(data) if data.startswith(b"\x89PNG") else _netpbm(data)
    except (zlib.error, struct.error, IndexError, ValueError):
        picture = None
    return _ranges(data) if picture is None else _shrunk(*picture)


def _ranges(data: bytes) -> list[float]:
    counts = [0] * _COUNT
    for byte in data[: 1 << 16]:
        counts[byte // 4] += 1
    most = max(counts) or 1
    return [count / most for count in counts]


def _shrunk(width: int, height: int, channels: int, pixels: bytes) -> list[float]:
    """The mean of each field; fields of small pictures overlap."""
    fields = []
    for row in range(SIDE):
        top, bottom = row * height // SIDE, max(row * height // SIDE + 1, (row + 1) * height // SIDE)
        for column in range(SIDE):
            left, right = column * width // SIDE, max(column * width // SIDE + 1, (column + 1) * width // SIDE)
            span = b"".join(
                pixels[(y * width + left) * channels : (y * width + right) * channels] for y in range(top, bottom)
            )
            fields.append(sum(span) / (255 * max(1, len(span))))
    return fields


def _netpbm(data: bytes) -> tuple[int, int, int, bytes] | None:
    match = _NETPBM.match(data)
    if not match:
        return None
    width, height, channels = int(match[2]), int(match[3]), 1 if match[1] == b"5" else 3
    pixels = data[match.end() : match.end() + width * height * channels]
    return (width, height, channels, pixels) if width and height and len(pixels) == width * height * channels else None


def _png(data: bytes) -> tuple[int, int, int, bytes] | None:
    packed, at = b"", 8
    width = height = channels = 0
    while at < len(data):
        length, kind = struct.unpack(">I4s", data[at : at + 8])
        chunk = data[at + 8 : at + 8 + length]
        at += 12 + length
        if kind == b"IHDR":
            width, height, depth, colour, _, _, interlaced = struct.unpack(">IIBBBBB", chunk)
            if depth != 8 or interlaced or colour not in _CHANNELS:
                return None
            channels = _CHANNELS[colour]
        elif kind == b"IDAT":
            packed += chunk
    return (width, height, channels, _unfiltered(zlib.decompress(packed), width * channels, height, channels))


def _unfiltered(raw: bytes, stride: int, height: int, channels: int) -> bytes:
    above = bytearray(stride)
    pixels = bytearray()
    for row in range(height):
        start = row * (stride + 1)
        kind, line = raw[start], bytearray(raw[start + 1 : start + 1 + stride])
        for i in range(stride):
            left = line[i - channels] if i >= channels else 0
            corner = above[i - channels] if i >= channels else 0
            line[i] = (line[i] + _predicted(kind, left, above[i], corner)) & 0xFF
        pixels += line
        above = line
    return bytes(pixels)


def _predicted(kind: int, left: int, up: int, corner: int) -> int:
    if kind == 4:
        guess = left + up - corner
        return min((left, up, corner), key=lambda candidate: abs(guess - candidate))
    return (0, left, up, (left + up) // 2)[kind]
