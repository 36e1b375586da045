"""From a job's pipes to its log files.

Beside `node-0.log`, which is plain text as the job wrote it, lies `node-0.idx`: entries of 16 bytes, the
offset of a piece and the time at which it was read, so that every line has a time. The entry is written before
the piece, so that a reader who sees a line finds its time. Standard library only.
"""

from __future__ import annotations

import os
import struct
import time
from contextlib import suppress

__all__ = ["ENTRY", "Pump"]

ENTRY = struct.Struct("<QQ")
_PIECE = 1 << 18
_FULL = 1 << 20  # the most that a pipe can hold
_GRAIN_NS = 5_000_000


class Pump:
    """Moves what one node writes into its log; a full disk never stops the node."""

    def __init__(self, pipe: int, stem: str) -> None:
        self.pipe = pipe
        self.fault = ""
        self._offset = 0
        self._stamped = 0
        self._log = _create(f"{stem}.log")
        self._index = _create(f"{stem}.idx")
        os.set_blocking(pipe, False)

    def move(self) -> bool:
        """Move what is there; False once the other end is closed."""
        try:
            piece = os.read(self.pipe, _PIECE)
        except BlockingIOError:
            return True
        if piece and not self.fault:
            try:
                self._write(piece)
            except OSError as fault:
                self.fault = f"the log is cut off: {fault.strerror}"
        return bool(piece)

    def drain(self) -> None:
        """Move all that the pipe holds now, without waiting for whoever may still write."""
        for _ in range(_FULL // _PIECE):
            self.move()

    def close(self) -> None:
        """Give back what is open."""
        for handle in (self.pipe, self._log, self._index):
            with suppress(OSError):
                os.close(handle)

    def _write(self, piece: bytes) -> None:
        now = time.time_ns()
        if now - self._stamped > _GRAIN_NS or now < self._stamped:
            os.write(self._index, ENTRY.pack(self._offset, now))
            self._stamped = now
        left = memoryview(piece)
        while left:
            done = os.write(self._log, left)
            self._offset += done
            left = left[done:]


def _create(path: str) -> int:
    return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
