"""Moving data from or to a store: an errand for a full Python, which is watched. Standard library only."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Sequence

from anyfit_local.supervise.daemon import spawn
from anyfit_local.supervise.processes import MARK, signal_group
from anyfit_local.supervise.usage import measure

__all__ = ["Errand"]


class Errand:
    """One run of the mover, which says now and then how far it is, and at last what went wrong."""

    def __init__(self, argv: Sequence[str], folder: str) -> None:
        self._said = f"{folder}/moving.log"
        self._output = os.open(self._said, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        self._pid = spawn(argv, {**os.environ, MARK: folder}, folder, self._output)
        self._outcome: int | None = None
        self._spent = 0.0
        self._length = 0
        self._moved = time.monotonic()

    def over(self) -> bool:
        """Whether it has ended; once it has, nothing of it is left."""
        if self._outcome is None:
            done, outcome = os.waitpid(self._pid, os.WNOHANG)
            if done:
                self._end(outcome)
        return self._outcome is not None

    def stands_still(self, seconds: float) -> bool:
        """Whether for so long it has neither told of progress nor computed anything worth mentioning."""
        length, spent = os.fstat(self._output).st_size, measure([self._pid])[0]
        if length != self._length or spent >= self._spent + 1:
            self._length, self._spent, self._moved = length, spent, time.monotonic()
        return time.monotonic() - self._moved >= seconds

    def kill(self) -> None:
        """End it, also when it has only just been started and leads no group yet."""
        os.kill(self._pid, signal.SIGKILL)
        signal_group(self._pid, signal.SIGKILL)
        self._end(os.waitpid(self._pid, 0)[1])

    def fault(self) -> str:
        """What went wrong, or ""."""
        if self._outcome == 0:
            return ""
        with open(self._said, encoding="utf-8", errors="replace") as stream:
            return (stream.read().strip().splitlines() or ["no reason given"])[-1]

    def _end(self, outcome: int) -> None:
        self._outcome = outcome
        os.close(self._output)
