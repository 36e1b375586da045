"""What all movers of one transfer share."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Semaphore

from anyfit.storage.crew import Crew
from anyfit.storage.options import Action
from anyfit.storage.places import Place
from anyfit.storage.store import Entry
from anyfit.storage.tally import Tally
from anyfit.values import frozen

__all__ = ["Buffers", "Job", "Workshop"]


class Buffers:
    """A few large buffers, used again and again: they bound the memory of a transfer."""

    def __init__(self, count: int, size: int) -> None:
        self._size = size
        self._room = Semaphore(count)
        self._free: list[bytearray] = []

    @contextmanager
    def borrow(self, size: int) -> Iterator[memoryview]:
        """A buffer of that size; waits while all are lent."""
        with self._room:
            try:
                buffer = self._free.pop()
            except IndexError:
                buffer = bytearray(self._size)
            if len(buffer) < size:
                buffer = bytearray(size)
            try:
                yield memoryview(buffer)[:size]
            finally:
                if len(buffer) == self._size:
                    self._free.append(buffer)


@frozen
class Workshop:
    """Both sides, the threads, the counters and the memory.

    Attributes:
        small: Buffers to read through.
        part_size: The wished size of parts.
        state: Where unfinished transfers are remembered.
    """

    source: Place
    target: Place
    crew: Crew
    tally: Tally
    buffers: Buffers
    part_size: int
    state: Path


@frozen
class Job:
    """One object to move: its entry in the source, its key in the target, and how people call both."""

    entry: Entry
    target_key: str
    action: Action
