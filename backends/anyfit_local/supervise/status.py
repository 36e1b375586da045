"""What is known of a job, kept in one small file beside it. Standard library only."""

from __future__ import annotations

import os
import time
from contextlib import suppress

from anyfit_local.supervise.processes import boot_id, started
from anyfit_local.supervise.records import read_record, write_record

TYPE_CHECKING = False  # the module of that name costs more than all of ours
if TYPE_CHECKING:
    from typing import Any

__all__ = ["FINAL", "StatusFile", "fresh"]

FINAL = ("SUCCEEDED", "FAILED", "STOPPED")
_RESERVE = 16384


def fresh() -> dict[str, Any]:
    """The record of a job that has just been asked for."""
    return {
        "format": 1,
        "status": "PENDING",
        "history": [["PENDING", time.time_ns()]],
        "cause": "",
        "reason": "",
        "exit_code": None,
        "signal": None,
        "node": None,
        "nodes": [],
        "peak_memory": 0,
    }


class StatusFile:
    """Written by the supervisor alone.

    A disk that is full when the job ends must not hide its end: a file of some KiB is kept beside the record
    and given up when the disk has no room for the last word.
    """

    def __init__(self, path: str) -> None:
        self.path = path
        self._reserve = f"{path}.reserve"
        self.record = read_record(path) or fresh()
        self.record["boot_id"] = boot_id()
        self.record["supervisor"] = [os.getpid(), started(os.getpid())]
        with suppress(OSError), open(self._reserve, "wb") as stream:
            stream.write(b"\n" * _RESERVE)

    def move(self, status: str, **facts: Any) -> None:
        """The job reached a state."""
        self.record.update(facts, status=status)
        self.record["history"].append([status, time.time_ns()])
        final = status in FINAL
        try:
            write_record(self.path, self.record)
        except OSError:
            if final:
                self._give_up_reserve()
                write_record(self.path, self.record)
        if final:
            self._give_up_reserve()

    def _give_up_reserve(self) -> None:
        with suppress(OSError):
            os.unlink(self._reserve)
