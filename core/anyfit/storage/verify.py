"""Reading an object whole and proving that it is what the store holds."""

from __future__ import annotations

import hashlib

from anyfit.errors import StorageError
from anyfit.show import one_line
from anyfit.storage.answers import OPAQUE
from anyfit.storage.api import is_md5
from anyfit.storage.crc32 import crc32
from anyfit.storage.retry import Unsteady, retrying
from anyfit.storage.store import Data, Entry, Store
from anyfit.storage.sums import PieceSums, part_sizes

__all__ = ["Changed", "PartsProver", "Prover", "proves", "read_proven", "told_part"]


class Changed(StorageError):
    """The source became another while it was being read."""


def proves(data: Data, entry: Entry) -> bool | None:
    """Whether the entry's sums or ETag are those of `data`; None when they can prove nothing."""
    sums = PieceSums.parse(entry.checksum, entry.size) if entry.checksum else None
    if sums:
        view = memoryview(data)
        pieces = tuple(crc32(view[at : at + sums.piece]) for at in range(0, len(view), sums.piece))
        return len(view) == entry.size and pieces == sums.sums
    if entry.checksum == OPAQUE:
        return None
    if is_md5(entry.etag):
        return hashlib.md5(data, usedforsecurity=False).hexdigest() == entry.etag
    return True if any(_etag(data, part) == entry.etag for part in part_sizes(entry.size, entry.etag)) else None


def _etag(data: Data, part: int) -> str:
    view = memoryview(data)
    digests = [hashlib.md5(view[at : at + part], usedforsecurity=False).digest() for at in range(0, len(view), part)]
    return f"{hashlib.md5(b''.join(digests), usedforsecurity=False).hexdigest()}-{len(digests)}"


class Prover:
    """Proves bytes as they pass, against an entry's sums or MD5.

    Attributes:
        able: Whether it can prove anything; if not, the bytes need not be shown to it.
    """

    def __init__(self, entry: Entry) -> None:
        self._entry = entry
        self._sums = PieceSums.parse(entry.checksum, entry.size) if entry.checksum else None
        plain = not self._sums and entry.checksum != OPAQUE and is_md5(entry.etag)
        self._md5 = hashlib.md5(usedforsecurity=False) if plain else None
        self._crcs: list[int] = []
        self._crc = self._count = 0
        self.able = self._sums is not None or plain

    def see(self, data: memoryview) -> None:
        """The next bytes."""
        if self._md5:
            self._md5.update(data)
        elif self._sums:
            while data:
                room = self._sums.piece - self._count % self._sums.piece
                self._crc = crc32(data[:room], self._crc)
                self._count += len(data[:room])
                if len(data) >= room:
                    self._crcs.append(self._crc)
                    self._crc = 0
                data = data[room:]

    def verdict(self) -> bool:
        """Whether they were the right ones."""
        if self._md5:
            return self._md5.hexdigest() == self._entry.etag
        if self._sums:
            rest = [self._crc] if self._count % self._sums.piece else []
            return (*self._crcs, *rest) == self._sums.sums
        return False


class PartsProver:
    """Compares bytes as they pass with an ETag of parts, whose size is told or guessed.

    Args:
        told: The size of the parts that the service tells, 0 when it does not.

    Attributes:
        able: Whether there is a size to try.
    """

    def __init__(self, entry: Entry, told: int = 0) -> None:
        self._etag = entry.etag
        foreign = not entry.checksum and not is_md5(entry.etag)
        self._trials = [_Parts(part) for part in part_sizes(entry.size, entry.etag, told)] if foreign else []
        self.able = bool(self._trials)

    def see(self, data: memoryview) -> None:
        """The next bytes."""
        for trial in self._trials:
            trial.see(data)

    def verdict(self) -> bool | None:
        """Whether they have the ETag in parts of one of these sizes; None when there is nothing to try."""
        return any(trial.etag() == self._etag for trial in self._trials) if self.able else None


def told_part(store: Store, entry: Entry) -> int:
    """The size of the parts of an object that has no sums of ours, where the service tells it, else 0."""
    told = store.part_size(entry.key) if "-" in entry.etag and not entry.checksum else 0
    return told if told < entry.size else 0


class _Parts:
    """The ETag of bytes that were sent in parts of one size."""

    def __init__(self, part: int) -> None:
        self._part = part
        self._digests: list[bytes] = []
        self._begin()

    def _begin(self) -> None:
        self._md5, self._left = hashlib.md5(usedforsecurity=False), self._part

    def see(self, data: memoryview) -> None:
        while data:
            some = data[: self._left]
            self._md5.update(some)
            self._left -= len(some)
            data = data[len(some) :]
            if not self._left:
                self._digests.append(self._md5.digest())
                self._begin()

    def etag(self) -> str:
        rest = [self._md5.digest()] if self._left < self._part else []
        digests = [*self._digests, *rest]
        return f"{hashlib.md5(b''.join(digests), usedforsecurity=False).hexdigest()}-{len(digests)}"


def read_proven(store: Store, key: str) -> tuple[bytes, Entry, bool]:
    """A small object, its entry, and whether its content is proven; what arrives damaged is fetched again.

    What has the ETag of parts of no usual size is read until two readings agree.
    """

    def once() -> tuple[bytes, Entry, bool]:
        with store.open(key) as reader:
            data = reader.read()
            entry = reader.entry
        verdict = proves(data, entry)
        if verdict is None and _may_be_in_parts(entry):
            with store.open(key, etag=entry.etag) as reader:
                verdict = None if reader.read() == data else False
        if len(data) != entry.size or verdict is False:
            raise Unsteady(one_line(f"read {store.scheme}://{store.bucket}/{key}: the bytes arrived damaged"))
        return data, entry, bool(verdict)

    return retrying(once, store.retry)


def _may_be_in_parts(entry: Entry) -> bool:
    return entry.checksum != OPAQUE and not is_md5(entry.etag) and bool(part_sizes(entry.size, entry.etag))
