"""Checksums of the CRC family: computing them, and joining those of parts.

Compiled code is used where it is at hand: zlib-ng or zlib for CRC-32, liblzma for the CRC-64 of COS, `awscrt` for
CRC-32C and CRC-64/NVME. Otherwise a table in Python does it, some hundred times slower.
"""

from __future__ import annotations

import ctypes
import ctypes.util
import zlib
from collections.abc import Callable
from functools import cache
from importlib import import_module

from attrs import frozen

__all__ = ["CRC32", "CRC32C", "CRC64_ECMA", "CRC64_NVME", "Crc"]

Update = Callable[[bytes, int], int]


@frozen
class Crc:
    """A reflected CRC whose start value and final XOR are all ones.

    Attributes:
        polynomial: In reflected form.
        bits: 32 or 64.
    """

    polynomial: int
    bits: int

    def update(self, data: bytes, crc: int = 0) -> int:
        """The checksum of what had the checksum `crc`, followed by `data`."""
        return _update_of(self)(data, crc)

    def join(self, first: int, second: int, second_length: int) -> int:
        """The checksum of two pieces in a row, from theirs and the length of the second."""
        row = self._one_zero_bit()
        for _ in range(3):  # one bit, two, four, eight: a zero byte
            row = _square(row)
        while second_length:
            if second_length & 1:
                first = _times(row, first)
            second_length >>= 1
            row = _square(row)
        return first ^ second

    def _one_zero_bit(self) -> tuple[int, ...]:
        return (self.polynomial, *(1 << n for n in range(self.bits - 1)))


CRC32 = Crc(0xEDB88320, 32)
CRC32C = Crc(0x82F63B78, 32)
CRC64_ECMA = Crc(0xC96C5795D7870F42, 64)
CRC64_NVME = Crc(0x9A6C9329AC4BC9B5, 64)


def _times(matrix: tuple[int, ...], vector: int) -> int:
    total = 0
    for row in matrix:
        if not vector:
            break
        if vector & 1:
            total ^= row
        vector >>= 1
    return total


@cache
def _square(matrix: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(_times(matrix, row) for row in matrix)


@cache
def _update_of(crc: Crc) -> Update:
    if crc == CRC32:
        return _from_zlib()
    return (_from_lzma() if crc == CRC64_ECMA else _from_awscrt(crc)) or _from_table(crc)


def _from_zlib() -> Update:
    try:
        update: Update = import_module("zlib_ng.zlib_ng").crc32
    except ImportError:
        return zlib.crc32
    return update


def _from_lzma() -> Update | None:
    name = ctypes.util.find_library("lzma")
    try:
        function = ctypes.CDLL(name).lzma_crc64 if name else None
    except (OSError, AttributeError):
        return None
    if function is None:
        return None
    function.restype = ctypes.c_uint64
    function.argtypes = [ctypes.c_char_p, ctypes.c_size_t, ctypes.c_uint64]
    return lambda data, crc: int(function(data, len(data), crc))


def _from_awscrt(crc: Crc) -> Update | None:
    try:
        checksums = import_module("awscrt.checksums")
    except ImportError:
        return None
    update: Update | None = getattr(checksums, "crc32c" if crc == CRC32C else "crc64nvme", None)
    return update


def _from_table(crc: Crc) -> Update:
    table = []
    for value in range(256):
        for _ in range(8):
            value = value >> 1 ^ (crc.polynomial if value & 1 else 0)
        table.append(value)
    ones = (1 << crc.bits) - 1

    def update(data: bytes, start: int) -> int:
        value = start ^ ones
        for byte in data:
            value = table[(value ^ byte) & 0xFF] ^ value >> 8
        return value ^ ones

    return update
