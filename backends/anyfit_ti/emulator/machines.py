"""How many machines the platform has: as many as anybody wants, unless it is told a number."""

from __future__ import annotations

import threading
from collections.abc import Callable

__all__ = ["Machines"]

_LOOK = 0.2  # how soon somebody who waits notices that he shall no longer


class Machines:
    """Counts machines that are in use.

    Args:
        total: How many there are; None for no limit.
    """

    def __init__(self, total: int | None) -> None:
        self._total = total
        self._used = 0
        self._changed = threading.Condition()

    def take(self, count: int) -> bool:
        """Take so many at once; False when there are not so many free."""
        with self._changed:
            if self._total is not None and self._used + count > self._total:
                return False
            self._used += count
            return True

    def wait(self, count: int, cancelled: Callable[[], bool]) -> bool:
        """Take so many as soon as they are free; False when `cancelled` said so before."""
        while not self.take(count):
            with self._changed:
                self._changed.wait(_LOOK)
            if cancelled():
                return False
        return True

    def give_back(self, count: int) -> None:
        """They are free again."""
        with self._changed:
            self._used -= count
            self._changed.notify_all()
