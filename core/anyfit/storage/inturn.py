"""Proving an object whose pieces are read in any order: its provers see them one after the other."""

from __future__ import annotations

from threading import Condition

from anyfit.storage.store import Entry
from anyfit.storage.verify import PartsProver, Prover

__all__ = ["InTurn"]

_AHEAD = 4  # pieces that come early are kept in memory


class InTurn:
    """Shows pieces, numbered from 1 on, to an object's provers in their order.

    Whoever reads a piece has to `wait` before, and to `give_up` when it fails, so that nobody waits for it.
    """

    def __init__(self, entry: Entry, told: int) -> None:
        self._prover, self._parts = Prover(entry), PartsProver(entry, told)
        self._able = self._prover.able or self._parts.able
        self._early: dict[int, tuple[bytearray, int]] = {}
        self._spare: list[bytearray] = []
        self._next = 1
        self._moved = Condition()

    def wait(self, number: int) -> None:
        """Wait until the piece is one of the next."""
        with self._moved:
            self._moved.wait_for(lambda: not self._able or number < self._next + _AHEAD)

    def see(self, number: int, data: memoryview) -> None:
        """Show a piece, or keep it for its turn."""
        with self._moved:
            if not self._able:
                return
            if number == self._next:
                self._show(data)
            else:
                self._early[number] = self._kept(data), len(data)
            while kept := self._early.pop(self._next, None):
                self._show(memoryview(kept[0])[: kept[1]])
                self._spare.append(kept[0])
            self._moved.notify_all()

    def _show(self, data: memoryview) -> None:
        self._prover.see(data)
        self._parts.see(data)
        self._next += 1

    def _kept(self, data: memoryview) -> bytearray:
        """A copy, in memory that is used again and again."""
        memory = self._spare.pop() if self._spare else bytearray()
        if len(memory) < len(data):
            memory = bytearray(len(data))
        memory[: len(data)] = data
        return memory

    def give_up(self) -> None:
        """Let nobody wait any more: not all pieces will come."""
        with self._moved:
            self._able = False
            self._early.clear()
            self._moved.notify_all()

    @property
    def certain(self) -> bool:
        """Whether what is not proven is wrong; with parts of a guessed size it may be the guess that is."""
        return self._prover.able

    def verdict(self) -> bool | None:
        """Whether the pieces are the right ones; None when nothing can tell."""
        if not self._able:
            return None
        return self._prover.verdict() if self._prover.able else self._parts.verdict()
