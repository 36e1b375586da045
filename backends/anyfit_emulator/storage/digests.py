"""The checksums of one body, computed while it streams by."""

from __future__ import annotations

import hashlib
from base64 import b64encode
from collections.abc import Iterable
from typing import Protocol

from anyfit_emulator.storage.crc import CRC32, CRC32C, CRC64_ECMA, CRC64_NVME, Crc

__all__ = ["ALGORITHMS", "CRCS", "Digests", "encode_crc"]

CRCS: dict[str, Crc] = {"crc32": CRC32, "crc32c": CRC32C, "crc64nvme": CRC64_NVME}
ALGORITHMS = frozenset({*CRCS, "sha1", "sha256"})


class _Hash(Protocol):
    def update(self, data: bytes, /) -> None: ...

    def digest(self) -> bytes: ...


class Digests:
    """Hashes of a body: always MD5 and the CRC-64 of COS, and others on demand.

    Attributes:
        size: How many bytes went by.
        crc64: The CRC-64 that COS answers with, as a number.
    """

    __slots__ = ("_crcs", "_hashes", "_md5", "crc64", "size")

    def __init__(self, algorithms: Iterable[str] = ()) -> None:
        self.size = 0
        self.crc64 = 0
        self._md5 = hashlib.md5(usedforsecurity=False)
        self._hashes: dict[str, _Hash] = {}
        self._crcs: dict[str, int] = {}
        for name in algorithms:
            if name in CRCS:
                self._crcs[name] = 0
            else:
                self._hashes[name] = hashlib.new(name, usedforsecurity=False)

    def update(self, data: bytes) -> None:
        """Take the next piece in."""
        self.size += len(data)
        self._md5.update(data)
        self.crc64 = CRC64_ECMA.update(data, self.crc64)
        for name, value in self._crcs.items():
            self._crcs[name] = CRCS[name].update(data, value)
        for hasher in self._hashes.values():
            hasher.update(data)

    @property
    def md5(self) -> bytes:
        """The MD5 of all so far."""
        return self._md5.digest()

    @property
    def etag(self) -> str:
        """The MD5 in hexadecimal, which is the ETag of an object that was put in one piece."""
        return self._md5.hexdigest()

    def checksum(self, algorithm: str) -> str:
        """One of the demanded checksums as the services spell it, in base64."""
        if algorithm in self._crcs:
            return encode_crc(algorithm, self._crcs[algorithm])
        return b64encode(self._hashes[algorithm].digest()).decode()

    def hexadecimal(self, algorithm: str) -> str:
        """One of the demanded hashes in hexadecimal."""
        return self._hashes[algorithm].digest().hex()


def encode_crc(algorithm: str, value: int) -> str:
    """A CRC as the services spell it: big-endian, in base64."""
    return b64encode(value.to_bytes(CRCS[algorithm].bits // 8, "big")).decode()
