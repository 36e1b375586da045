"""Courses: what is prepared, run and cleared away in a thread of its own, and ends at the latest with the emulator."""

from __future__ import annotations

import threading
import time
from abc import ABC, abstractmethod
from typing import TypeVar

from anyfit_emulator.moving import Cancelled
from anyfit_emulator.running.run import Run

__all__ = ["Course", "Courses"]


class Course(ABC):
    """One of them; a subclass says what is done.

    Args:
        name: Of its thread.
        lock: Guards its state.

    Attributes:
        stopping: Whether it is to end.
        run: The processes of the moment, if there are any; set with the lock held.
        is_abandoned: Whether it ends because the emulator does; then its state stays as it is.
    """

    def __init__(self, name: str, lock: threading.RLock) -> None:
        self.lock = lock
        self.stopping = threading.Event()
        self.run: Run | None = None
        self.is_abandoned = False
        self._thread = threading.Thread(target=self.live, name=name, daemon=True)

    @abstractmethod
    def live(self) -> None:
        """All of it; whatever goes wrong is told in its state."""

    def to_stop(self) -> None:
        """It was asked to end; called with the lock held."""
        self.stopping.set()

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self, grace: float) -> None:
        """Ask it to end; its processes have so many seconds for it."""
        with self.lock:
            self.to_stop()
            run = self.run
        if run is not None:
            run.stop(grace)

    def abandon(self, grace: float) -> None:
        """End the processes because the emulator ends; the state stays as it is, in memory and on disk."""
        with self.lock:
            self.is_abandoned = True
            self.stopping.set()
            run = self.run
        if run is not None:
            run.stop(grace)

    def join(self, seconds: float) -> None:
        """Wait for the end of it."""
        self._thread.join(seconds)

    def rest(self, seconds: float) -> None:
        """Stay in a state for a while, so that somebody can see it."""
        if self.stopping.wait(seconds):
            raise Cancelled


K = TypeVar("K")
C = TypeVar("C", bound=Course)


class Courses(dict[K, C]):
    """Those that go on, by what they are known by; changed with the lock held."""

    def __init__(self, lock: threading.RLock) -> None:
        super().__init__()
        self._lock = lock

    def end(self, grace: float) -> None:
        """Ask all processes to end, because the emulator ends; does not wait."""
        for course in self._all():
            course.abandon(grace)

    def join(self, deadline: float) -> None:
        """Wait for the end of it, until a moment of the monotonic clock."""
        for course in self._all():
            course.join(max(0.0, deadline - time.monotonic()))

    def _all(self) -> list[C]:
        with self._lock:
            return list(self.values())
