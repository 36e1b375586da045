"""Counting what is done, telling it at a bearable pace, and keeping to the bandwidth."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Event, Lock
from typing import TypeVar

from anyfit.errors import AnyfitError
from anyfit.storage.options import Action, Failure, OnAction, OnProgress, Progress, Report
from anyfit.storage.sending import SENDING

__all__ = ["Stopped", "Tally"]

T = TypeVar("T")
_EVERY = 0.1
_STEP = 1 << 20
_LEAST_STEP = 4 << 10
_STEPS_A_SECOND = 16


class Stopped(AnyfitError):
    """The transfer is being given up; whoever works on a part of it leaves off."""


class Tally:
    """The counters of one transfer, shared by its threads.

    Attributes:
        error: Why all is given up, if that is not for the one who started it to say.
    """

    def __init__(
        self, *, bandwidth: float | None, on_progress: OnProgress | None = None, on_action: OnAction | None = None
    ) -> None:
        self._lock = Lock()
        self._on_progress = on_progress
        self._on_action = on_action
        self._bandwidth = bandwidth
        self._free_at = 0.0
        self._begin = time.monotonic()
        self._told = 0.0
        self._stop = Event()
        self.error: BaseException | None = None
        self.listed = False
        self.copied = self.bytes = self.copied_bytes = self.skipped = self.deleted = self.unproven = 0
        self.total_files = self.total_bytes = 0
        self.failures: list[Failure] = []

    @property
    def step(self) -> int:
        """How many bytes to move at a time: with a limit few, so that no connection is silent for long."""
        if not self._bandwidth:
            return _STEP
        return max(_LEAST_STEP, min(_STEP, int(self._bandwidth / _STEPS_A_SECOND)))

    @property
    def stopped(self) -> bool:
        """Whether all is given up."""
        return self._stop.is_set()

    def stop(self, error: BaseException | None = None) -> None:
        """Give all up; those who wait for the bandwidth wake up."""
        self.error = self.error or error
        self._stop.set()

    def check(self) -> None:
        """Raise `Stopped` when all is given up."""
        if self.stopped:
            raise Stopped("the transfer was stopped")

    def expect(self, size: int) -> None:
        """One more object has to be moved."""
        with self._lock:
            self.total_files += 1
            self.total_bytes += size

    def moving(self, count: int) -> None:
        """So many bytes are about to be moved, or were: waits for the bandwidth, and leaves when all is given up."""
        self.check()
        with self._lock:
            self.bytes += count
            pause = self._pause(count) if self._bandwidth else 0.0
        if pause > 0 and self._stop.wait(pause):
            self.check()
        self._tell()

    def spared(self, count: int) -> None:
        """So many bytes are where they belong and did not pass here: an earlier run, or the service, moved them."""
        self.check()
        with self._lock:
            self.bytes += count
        self._tell()

    @contextmanager
    def sending(self, size: int) -> Iterator[None]:
        """While a body of that size is sent: counts it as it goes out, or afterwards if nobody tells."""
        self.check()
        meter = _Meter(self)
        token = SENDING.set(meter)
        try:
            yield
        except BaseException:
            meter.begin()
            raise
        finally:
            SENDING.reset(token)
        if left := size - meter.told:
            self.moving(left)

    def _pause(self, count: int) -> float:
        now = time.monotonic()
        wait = max(self._free_at, now) - now
        self._free_at = max(self._free_at, now) + count / (self._bandwidth or 1)
        return wait

    def undone(self, count: int) -> None:
        """So many bytes that were counted have to be moved again."""
        with self._lock:
            self.bytes -= count

    def done(self, action: Action, *, proven: bool = True) -> None:
        """One action is complete."""
        with self._lock:
            if action.kind == "delete":
                self.deleted += 1
            else:
                self.copied += 1
                self.copied_bytes += action.size
                self.unproven += not proven
        self.announce(action)
        self._tell()

    def announce(self, action: Action) -> None:
        """Tell of an action that was done, or would be."""
        if self._on_action:
            with self._lock:
                self._call(self._on_action, action)

    def _call(self, callback: Callable[[T], None], value: T) -> None:
        """Call back; when that fails, it is no fault of the object at hand, and ends the transfer."""
        try:
            callback(value)
        except BaseException as error:
            self.stop(error)
            self.check()

    def skip(self, size: int = -1) -> None:
        """One object is there already; `size` if it was expected to be moved."""
        with self._lock:
            self.skipped += 1
            if size >= 0:
                self.total_files -= 1
                self.total_bytes -= size

    def fail(self, failure: Failure) -> None:
        """One thing could not be done."""
        with self._lock:
            self.failures.append(failure)

    def _tell(self, finished: bool = False) -> None:
        if self._on_progress is None:
            return
        now = time.monotonic()
        with self._lock:
            if now - self._told < _EVERY and not finished:
                return
            self._told = now
            self._call(self._on_progress, self._progress(now, finished))

    def _progress(self, now: float, finished: bool) -> Progress:
        return Progress(
            self.copied,
            self.bytes,
            self.total_files,
            self.total_bytes,
            self.skipped,
            len(self.failures),
            now - self._begin,
            self.listed,
            finished,
        )

    def report(self) -> Report:
        """The end of it."""
        self._tell(finished=True)
        return Report(
            self.copied,
            self.copied_bytes,
            self.skipped,
            self.deleted,
            tuple(sorted(self.failures, key=lambda failure: (failure.source, failure.target))),
            self.unproven,
            time.monotonic() - self._begin,
        )


class _Meter:
    """Counts a body."""

    def __init__(self, tally: Tally) -> None:
        self.step = tally.step
        self.told = 0
        self._tally = tally

    def begin(self) -> None:
        self._tally.undone(self.told)
        self.told = 0

    def sent(self, count: int) -> None:
        self._tally.moving(count)
        self.told += count
