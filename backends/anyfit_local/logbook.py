"""Reading logs: whole lines with their times, from where a cursor says.

A cursor is a JSON list of byte offsets, one per node.
"""

from __future__ import annotations

import heapq
import json
import os
from collections import deque
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import BinaryIO

from attrs import frozen

from anyfit.backend import LogLine, LogPage
from anyfit.errors import UsageError
from anyfit_local.states import when
from anyfit_local.supervise.pump import ENTRY

__all__ = ["read_page", "read_tail"]

_PAGE_BYTES = 1 << 20
_PAGE_LINES = 4000
_BLOCK = 1 << 16


def read_page(logs: Sequence[Path], cursor: str, *, over: bool) -> LogPage:
    """The lines of one log per node after the cursor; `over` tells that nothing more will be written.

    Only then does a last line without an end count. The times come from the index beside each log.
    """
    nodes = len(logs)
    offsets = _parse(cursor, nodes)
    chunks = [_read(log, node, offsets[node], _PAGE_BYTES // nodes, over) for node, log in enumerate(logs)]
    return LogPage(_merged(chunks), json.dumps([c.end for c in chunks]), any(c.more for c in chunks))


def read_tail(logs: Sequence[Path], count: int, node: int | None, *, over: bool) -> LogPage:
    """The last `count` lines, of all nodes or of one; read from the end, so that a long log costs nothing."""
    most = _PAGE_BYTES // len(logs)
    chunks = [_last(log, n, count if node in (None, n) else 0, most, over) for n, log in enumerate(logs)]
    lines = _merged(chunks)
    return LogPage(lines[max(0, len(lines) - count) :], json.dumps([c.end for c in chunks]))


@frozen
class _Chunk:
    lines: tuple[LogLine, ...]
    end: int
    more: bool


def _merged(chunks: Sequence[_Chunk]) -> tuple[LogLine, ...]:
    return chunks[0].lines if len(chunks) == 1 else tuple(heapq.merge(*(c.lines for c in chunks), key=_time))


def _last(path: Path, node: int, count: int, most: int, over: bool) -> _Chunk:
    lines: deque[LogLine] = deque(maxlen=count)
    end, more = _start_of_last(path, count), True
    while more:
        chunk = _read(path, node, end, most, over)
        lines.extend(chunk.lines)
        end, more = chunk.end, chunk.more
    return _Chunk(tuple(lines), end, False)


def _start_of_last(path: Path, count: int) -> int:
    """Where the last `count` whole lines begin, or 0 when there are not so many."""
    try:
        log = path.open("rb")
    except FileNotFoundError:
        return 0
    with log:
        end = log.seek(0, os.SEEK_END)
        missing = count + 1  # the end of the line before them
        while end:
            begin = max(0, end - _BLOCK)
            log.seek(begin)
            block = log.read(end - begin)
            found = block.count(b"\n")
            if found >= missing:
                return begin + _from_the_end(block, missing) + 1
            missing -= found
            end = begin
    return 0


def _from_the_end(block: bytes, count: int) -> int:
    position = len(block)
    for _ in range(count):
        position = block.rindex(b"\n", 0, position)
    return position


def _parse(cursor: str, nodes: int) -> list[int]:
    if not cursor:
        return [0] * nodes
    try:
        offsets = [int(offset) for offset in json.loads(cursor)]
    except (ValueError, TypeError):
        raise UsageError(f"{cursor!r} is no cursor of a log") from None
    return (offsets + [0] * nodes)[:nodes]


def _read(path: Path, node: int, offset: int, most: int, over: bool) -> _Chunk:
    try:
        log = path.open("rb")
    except FileNotFoundError:
        return _Chunk((), offset, False)
    with log:
        log.seek(offset)
        data = log.read(most)
        size = os.fstat(log.fileno()).st_size
    at_end = offset + len(data) >= size
    pieces = _lines(data, full=len(data) == most, last=over and at_end)
    if not pieces:
        return _Chunk((), offset, False)
    end = offset + sum(map(len, pieces))
    times = _times(path.with_suffix(".idx"), offset, pieces)
    lines = tuple(
        LogLine(_text(piece), when(time) if time else None, node) for piece, time in zip(pieces, times, strict=True)
    )
    more = end < size and (not at_end or len(pieces) == _PAGE_LINES)
    return _Chunk(lines, end, more)


def _lines(data: bytes, *, full: bool, last: bool) -> list[bytes]:
    """Lines with their ends; a line longer than a page comes in pieces, cut between characters."""
    pieces = data.split(b"\n", _PAGE_LINES)
    rest = pieces.pop()
    lines = [piece + b"\n" for piece in pieces]
    if len(lines) == _PAGE_LINES or not rest:
        return lines
    if not lines and full:
        return [rest[: _whole_characters(rest)]]
    return [*lines, rest] if last else lines


def _whole_characters(data: bytes) -> int:
    """The length without a UTF-8 character that is cut in two at the end."""
    for back in range(1, min(4, len(data)) + 1):
        byte = data[-back]
        if byte & 0xC0 != 0x80:
            width = 4 if byte >= 0xF0 else 3 if byte >= 0xE0 else 2 if byte >= 0xC0 else 1
            return len(data) - back if width > back else len(data)
    return len(data)


def _text(piece: bytes) -> str:
    return piece.decode("utf-8", "replace").removesuffix("\n").removesuffix("\r")


def _times(index: Path, offset: int, pieces: list[bytes]) -> Iterator[int]:
    """For each piece the time at which its end was read."""
    try:
        stream = index.open("rb")
    except FileNotFoundError:
        yield from (0 for _ in pieces)
        return
    with stream:
        count = os.fstat(stream.fileno()).st_size // ENTRY.size
        position = _before(stream, count, offset)
        stream.seek(position * ENTRY.size)
        entries = iter(lambda: stream.read(ENTRY.size), b"")
        time, following = 0, _next(entries)
        for piece in pieces:
            offset += len(piece)
            while following is not None and following[0] < offset:
                time, following = following[1], _next(entries)
            yield time


def _next(entries: Iterator[bytes]) -> tuple[int, int] | None:
    entry = next(entries, b"")
    if len(entry) < ENTRY.size:
        return None
    start, time = ENTRY.unpack(entry)
    return start, time


def _before(stream: BinaryIO, count: int, offset: int) -> int:
    """The number of the last entry that begins at or before the offset."""
    low, high = 0, count
    while low < high:
        middle = (low + high) // 2
        stream.seek(middle * ENTRY.size)
        start, _ = ENTRY.unpack(stream.read(ENTRY.size))
        low, high = (middle + 1, high) if start <= offset else (low, middle)
    return max(0, low - 1)


def _time(line: LogLine) -> float:
    return line.time.timestamp() if line.time else 0.0
