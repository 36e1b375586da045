"""A log that is read by line number or by time, page by page, while it is being written.

Beside `<stem>.log`, the lines as they came, lies `<stem>.idx`: one entry of 16 bytes per line, where it ends in the
log and when it was read (Unix nanoseconds, strictly increasing). An entry is written after its line, so the index
never promises what is not there, whatever was killed when.
"""

from __future__ import annotations

import os
import struct
import threading
import time
from collections.abc import Sequence
from pathlib import Path

from attrs import frozen

__all__ = ["Line", "LineLog"]

_ENTRY = struct.Struct("<QQ")
LONGEST = 1 << 16  # bytes; what is longer becomes several lines


@frozen
class Line:
    """One line.

    Attributes:
        number: Its position, from 0.
        time_ns: When it was read; no two lines of a log have the same.
        text: Without the line's end; what is not UTF-8 is replaced.
    """

    number: int
    time_ns: int
    text: str


class LineLog:
    """The log at a stem (a path without suffix); one process writes it, any thread reads it."""

    def __init__(self, stem: Path) -> None:
        self._log = stem.with_name(stem.name + ".log")
        self._index = stem.with_name(stem.name + ".idx")
        self._lock = threading.Lock()
        stem.parent.mkdir(parents=True, exist_ok=True)
        for path in (self._log, self._index):
            path.touch()
        self._count = self._index.stat().st_size // _ENTRY.size
        self._end, self._last_ns = self._entries(self._count - 1, self._count)[0] if self._count else (0, 0)
        os.truncate(self._index, self._count * _ENTRY.size)
        os.truncate(self._log, self._end)  # a line that was cut off by a kill is nobody's

    def __len__(self) -> int:
        return self._count

    def append(self, lines: Sequence[bytes]) -> None:
        """Add lines, which have no line end."""
        pieces = [line[at : at + LONGEST] for line in lines for at in range(0, max(1, len(line)), LONGEST)]
        with self._lock:
            moment = max(time.time_ns(), self._last_ns + 1)
            entries = bytearray()
            end = self._end
            for piece in pieces:
                end += len(piece) + 1
                entries += _ENTRY.pack(end, moment)
                moment += 1
            with self._log.open("ab") as log:
                log.write(b"\n".join([*pieces, b""]))
            with self._index.open("ab") as index:
                index.write(entries)
            self._end, self._last_ns = end, moment - 1
            self._count += len(pieces)

    def say(self, text: str) -> None:
        """Add a line of the platform's own."""
        self.append([line.encode() for line in text.splitlines()])

    def page(self, first: int, limit: int) -> list[Line]:
        """At most `limit` lines from number `first` on."""
        first = max(0, first)
        stop = min(self._count, first + limit)
        if first >= stop:
            return []
        entries = self._entries(max(0, first - 1), stop)
        begin = entries.pop(0)[0] if first else 0
        with self._log.open("rb") as log:
            log.seek(begin)
            content = log.read(entries[-1][0] - begin)
        lines: list[Line] = []
        at = begin
        for number, (end, time_ns) in enumerate(entries, first):
            text = content[at - begin : end - begin - 1].decode("utf-8", "replace").rstrip("\r")
            lines.append(Line(number, time_ns, text))
            at = end
        return lines

    def after(self, time_ns: int) -> int:
        """The number of the first line that was read after that time; one too many when there is none."""
        low, high = 0, self._count
        while low < high:
            middle = (low + high) // 2
            if self._entries(middle, middle + 1)[0][1] > time_ns:
                high = middle
            else:
                low = middle + 1
        return low

    def _entries(self, first: int, stop: int) -> list[tuple[int, int]]:
        with self._index.open("rb") as index:
            index.seek(first * _ENTRY.size)
            return list(_ENTRY.iter_unpack(index.read((stop - first) * _ENTRY.size)))
