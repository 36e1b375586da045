"""The launchers of a job's nodes. Standard library only."""

from __future__ import annotations

import time

from anyfit_local.supervise.processes import started
from anyfit_local.supervise.pump import Pump

__all__ = ["Node"]


class Node:
    """One launcher and what is known of its end.

    Attributes:
        host: The node's name.
        pid, since: The launcher, which leads a process group, and when it started.
        pump: Where its output goes.
        outcome: Its exit code, or a signal as a negative number; None while it runs.
        ended: When it ended, by the monotonic clock.
    """

    def __init__(self, host: str, pid: int, pump: Pump) -> None:
        self.host = host
        self.pid = pid
        self.since = started(pid)
        self.pump = pump
        self.outcome: int | None = None
        self.ended = 0.0

    def end(self, outcome: int) -> None:
        """Note how it ended."""
        self.outcome = outcome
        self.ended = time.monotonic()
