"""Objects to and from pipes: bytes in order, with nothing on disk and little in memory.

A stream cannot be resumed: what was sent of it cannot be read again to prove that the same comes once more. So an
upload that is interrupted is thrown away; one whose process was killed is remembered, and thrown away later.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import wait
from functools import partial
from pathlib import Path
from typing import Protocol
from uuid import uuid4

from anyfit.errors import StorageError
from anyfit.show import one_line
from anyfit.storage.crc32 import crc32
from anyfit.storage.file import FileStore
from anyfit.storage.inorder import PATIENCE, begun, in_order
from anyfit.storage.options import Options
from anyfit.storage.retry import RETRY, Unsteady, retrying
from anyfit.storage.state import State
from anyfit.storage.store import Entry, Reader, Store
from anyfit.storage.sums import PieceSums
from anyfit.storage.tally import Tally
from anyfit.storage.verify import PartsProver, Prover, told_part

__all__ = ["Pace", "read_pipe", "read_stream", "write_stream"]

Pace = Callable[[int], None]
"""Called with a number of bytes that were moved; it waits as long as the bandwidth demands."""

MIB = 1 << 20
_PIECE = 8 * MIB
_STEP = MIB >> 2
_LARGEST_PIECE = 32 * MIB
_PARTS_OF_A_SIZE = 1000


class Source(Protocol):
    """What a stream has to be able to do."""

    def read(self, size: int, /) -> bytes:
        """Up to so many bytes, none at the end."""


def read_stream(store: Store, key: str, *, bandwidth: float | None = None) -> Iterator[bytes]:
    """An object, piece by piece, the next ones being fetched meanwhile.

    A piece that has a sum of its own is proven before it is given out, and fetched again if need be; an object that
    has only one sum for all of it is proven at the end, and read once more where that depends on the size of parts that
    nobody tells. No more than `bandwidth` bytes are fetched in a second.

    Raises:
        StorageError: What was given out is not what the store holds.
    """
    entry = store.stat(key)
    if entry.size <= MIB:
        yield store.read(key)
        return
    sums = PieceSums.parse(entry.checksum, entry.size) if entry.checksum else None
    if sums and sums.piece > _LARGEST_PIECE:
        sums = None
    size = sums.piece if sums else _PIECE
    prover, parts = Prover(entry), PartsProver(entry, told_part(store, entry))
    crcs: list[int] = []
    pace = Tally(bandwidth=bandwidth).moving if bandwidth else None

    def piece(start: int) -> bytes:
        return retrying(lambda: _piece(store, entry, start, size, sums, pace), store.retry)

    starts = range(0, entry.size, size)
    for data in in_order(partial(piece, start) for start in starts):
        prover.see(memoryview(data))
        parts.see(memoryview(data))
        crcs.append(crc32(data))
        yield data
    damaged = prover.able and not prover.verdict()
    if parts.verdict() is False:
        checks = (partial(_is_right, partial(piece, start), crc) for start, crc in zip(starts, crcs, strict=True))
        damaged = not all(in_order(checks))
    if damaged:
        place = one_line(f"{store.scheme}://{store.bucket}/{key}")
        raise StorageError(f"{place}: the bytes arrived damaged", hint="read it again")


def _is_right(read: Callable[[], bytes], crc: int) -> bool:
    """Whether the first two readings of a piece that agree are of the bytes that were given out."""
    seen = {crc}
    for _ in range(RETRY.attempts):
        again = crc32(read())
        if again in seen:
            return again == crc
        seen.add(again)
    return False


def _piece(store: Store, entry: Entry, start: int, size: int, sums: PieceSums | None, pace: Pace | None) -> bytes:
    length = min(size, entry.size - start)
    with store.open(entry.key, start=start, length=length, etag=entry.etag) as reader:
        data = _paced(reader, pace) if pace else reader.read()
    if len(data) != length or (sums and crc32(data) != sums.sums[start // size]):
        raise Unsteady(one_line(f"read {store.scheme}://{store.bucket}/{entry.key}: the bytes arrived damaged"))
    return data


def _paced(reader: Reader, pace: Pace) -> bytes:
    pieces = []
    while data := reader.read(_STEP):
        pieces.append(data)
        pace(len(data))
    return b"".join(pieces)


class _Slow:
    """A stream that is read no faster than the bandwidth allows."""

    def __init__(self, stream: Source, bandwidth: float) -> None:
        self._stream = stream
        self._pace = Tally(bandwidth=bandwidth).moving

    def read(self, size: int, /) -> bytes:
        data = self._stream.read(min(size, _STEP))
        self._pace(len(data))
        return data


def read_pipe(stream: Source, *, bandwidth: float | None = None) -> Iterator[bytes]:
    """What a stream gives, no more than `bandwidth` bytes in a second."""
    stream = _Slow(stream, bandwidth) if bandwidth else stream
    while data := stream.read(_STEP):
        yield data


def write_stream(
    stream: Source, store: Store, key: str, *, bandwidth: float | None = None, state_dir: Path | None = None
) -> int:
    """Make an object of what a stream holds, whose length nobody knows before; answers its bytes.

    The object appears when the stream has ended, and not at all when something fails before. Each part is tried
    again while the service is unsteady. No more than `bandwidth` bytes are read in a second. `state_dir` is where an
    upload under way is remembered, as in `Options`.
    """
    stream = _Slow(stream, bandwidth) if bandwidth else stream
    if isinstance(store, FileStore):
        return _to_file(stream, store, key)
    first = _exactly(stream, _PIECE)
    if len(first) < _PIECE:
        return store.put(key, first).size
    upload = store.start_upload(key)
    target = f"{store.scheme}://{store.bucket}/{key}"
    state = State(Options(state_dir=state_dir).state, str(uuid4()), target)
    state.begin({"source": "-", "target": target, "upload": upload})
    try:
        pieces = enumerate(_pieces(stream, first), 1)
        parts = list(in_order(partial(store.put_part, key, upload, n, data) for n, data in pieces))
        size = store.finish_upload(key, upload, parts).size
    except BaseException:
        aborted = begun(partial(store.abort_upload, key, upload))
        wait([aborted], PATIENCE)
        if aborted.done() and not aborted.exception():
            state.forget()
        raise
    state.forget()
    return size


def _to_file(stream: Source, store: FileStore, key: str) -> int:
    file = store.create(key)
    try:
        at = 0
        while data := stream.read(MIB):
            file.write_at(data, at)
            at += len(data)
        file.commit()
    except BaseException:
        file.discard()
        raise
    return at


def _pieces(stream: Source, first: bytes) -> Iterator[bytes]:
    """Parts that grow, so that their number stays within what services allow."""
    data, number = first, 1
    while data:
        yield data
        data = _exactly(stream, _PIECE << number // _PARTS_OF_A_SIZE)
        number += 1


def _exactly(stream: Source, size: int) -> bytes:
    """So many bytes, fewer only at the end: a pipe gives what it has."""
    found = bytearray()
    while len(found) < size and (data := stream.read(min(MIB, size - len(found)))):
        found += data
    return bytes(found)
