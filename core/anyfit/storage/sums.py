"""Proof that bytes are the right ones: piece sums of our own, and the rules of services' ETags.

Objects that are sent in parts carry the CRC-32 of each of their pieces in the metadata `anyfit-sums`, written before
the first part is sent, so that whoever fetches one can check and repeat single pieces. ETags are the fallback: the MD5
of the content, or for an object sent in parts the MD5 of its parts' MD5s, which can be checked when the size of the
parts is known or can be guessed.
"""

from __future__ import annotations

import hashlib
import os
import struct
from base64 import b64decode, b64encode
from binascii import Error as Base64Error
from collections.abc import Callable, Iterator

from anyfit.storage.api import is_md5
from anyfit.storage.crc32 import crc32
from anyfit.values import frozen

__all__ = ["PieceSums", "etag_of_file", "part_sizes"]

MIB = 1 << 20
_MOST_PIECES = 240  # what S3 allows as metadata, 2 KiB, holds more, but others put theirs there too
_BUFFER = 1 << 18


@frozen
class PieceSums:
    """The CRC-32 of each piece of an object."""

    piece: int
    sums: tuple[int, ...]

    @classmethod
    def of_file(cls, fd: int, size: int, part: int) -> PieceSums:
        """Read an open file; pieces are whole parts."""
        piece = part * max(1, -(-size // (part * _MOST_PIECES)))
        buffer = memoryview(bytearray(_BUFFER))
        return cls(piece, tuple(_crc(fd, at, min(piece, size - at), buffer) for at in range(0, size, piece)))

    @classmethod
    def of(cls, data: bytes) -> PieceSums:
        """One piece: the whole of a small object."""
        return cls(max(len(data), 1), (crc32(data),) if data else ())

    @classmethod
    def parse(cls, text: str, size: int) -> PieceSums | None:
        """Read the metadata of an object of that size; None when it is something else."""
        kind, _, rest = text.partition(":")
        piece, _, coded = rest.partition(":")
        if kind != "crc32" or not piece.isdigit() or int(piece) < 1:
            return None
        try:
            raw = b64decode(coded, validate=True)
        except Base64Error:
            return None
        if len(raw) != 4 * -(-size // int(piece)):
            return None
        return cls(int(piece), struct.unpack(f">{len(raw) // 4}I", raw))

    def __str__(self) -> str:
        return f"crc32:{self.piece}:{b64encode(struct.pack(f'>{len(self.sums)}I', *self.sums)).decode()}"


def _crc(fd: int, start: int, length: int, buffer: memoryview) -> int:
    value = 0
    for chunk in read_range(fd, start, length, buffer):
        value = crc32(chunk, value)
    return value


def read_range(fd: int, start: int, length: int, buffer: memoryview) -> Iterator[memoryview]:
    """A range of an open file, through one buffer; ends early when the file does."""
    end = start + length
    while start < end:
        count = os.preadv(fd, [buffer[: min(len(buffer), end - start)]], start)
        if not count:
            return
        yield buffer[:count]
        start += count


def part_sizes(size: int, etag: str, told: int = 0) -> list[int]:
    """Which part sizes an object with such an ETag can have: the told one, else those that tools use.

    An ETag that is a plain MD5 gives the size itself; one that is nothing we know gives none.
    """
    if is_md5(etag):
        return [max(size, 1)]
    digest, dash, number = etag.partition("-")
    if not (dash and number.isdigit() and is_md5(digest)):
        return []
    count = int(number)

    def fits(part: int) -> bool:
        return -(-size // part) == count

    if told:
        return [told] if fits(told) else []
    usual = (8, 16, 5, 9, 10, 15, 20, 25, 32, 50, 64, 100, 128, 256, 512, 1, 2, 4, 6, 7, 12)
    found = [mib * MIB for mib in usual if fits(mib * MIB)]
    if count == 1:
        found.insert(0, max(size, 1))
    return found


def etag_of_file(fd: int, size: int, etag: str, part: int, tick: Callable[[], None] | None = None) -> str:
    """The ETag that a file would have if it had been sent in such parts."""
    if size == 0:
        return hashlib.md5(usedforsecurity=False).hexdigest()
    buffer = memoryview(bytearray(_BUFFER))
    digests = []
    for start in range(0, size, part):
        md5 = hashlib.md5(usedforsecurity=False)
        for chunk in read_range(fd, start, min(part, size - start), buffer):
            md5.update(chunk)
        digests.append(md5.digest())
        if tick:
            tick()
    if is_md5(etag):
        return digests[0].hex()
    return f"{hashlib.md5(b''.join(digests), usedforsecurity=False).hexdigest()}-{len(digests)}"
