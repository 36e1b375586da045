"""How a job is, from its folder, also when nobody is left to write it down."""

from __future__ import annotations

import os
from datetime import datetime, timezone
from typing import Any

from attrs import evolve

from anyfit.backend import Cause, JobState, Status, Transition
from anyfit_local.layout import JobFolder
from anyfit_local.supervise.processes import boot_id, kill_all
from anyfit_local.supervise.records import is_locked, read_record, take_lock, write_record
from anyfit_local.supervise.status import FINAL, fresh

__all__ = ["is_over", "job_state", "when"]


def job_state(folder: JobFolder) -> JobState:
    """The job's state; a job without a supervisor is given its final state here."""
    record = _record(folder)
    if record is None:
        return JobState(status=Status.UNKNOWN, reason="there is no such job on this machine", gone=True)
    if not _final(record) and not is_locked(str(folder.lock)):
        record = _bury(folder)
    state = _state(record)
    asked = not state.status.finished and _stop_request(folder) not in (0, record.get("heard", 0))
    return evolve(state, status=Status.STOPPING) if asked else state


def is_over(folder: JobFolder) -> bool:
    """Whether the job's log and outputs have come to their end."""
    return job_state(folder).status.finished


def when(nanoseconds: int) -> datetime:
    """A time of the records as an aware one."""
    return datetime.fromtimestamp(nanoseconds / 1e9, timezone.utc)


def _stop_request(folder: JobFolder) -> int:
    """Tells one request from another; 0 when there is none."""
    try:
        return folder.stop.stat().st_mtime_ns
    except FileNotFoundError:
        return 0


def _record(folder: JobFolder) -> dict[str, Any] | None:
    record = read_record(str(folder.status))
    if record is None and folder.spec.exists():
        return fresh()  # torn by a power failure
    return record


def _final(record: dict[str, Any]) -> bool:
    return record["status"] in FINAL


def _bury(folder: JobFolder) -> dict[str, Any]:
    """Its supervisor is gone: kill what it left running and write the end down, once for all who ask."""
    lock = take_lock(str(folder.lock))
    try:
        record = _record(folder) or fresh()  # the last word may have been written since we looked
        if _final(record):
            return record
        rebooted = bool(record.get("boot_id")) and record["boot_id"] != boot_id()
        record |= {
            "status": "FAILED",
            "cause": (Cause.REBOOT if rebooted else Cause.LOST).value,
            "reason": _REBOOTED if rebooted else _LOST,
        }
        record["history"].append(["FAILED", _last_sign(folder)])
        if lock is not None:
            kill_all(str(folder.path), [] if rebooted else [(pid, since) for _, pid, since in record["nodes"]])
            write_record(str(folder.status), record)
        return record
    finally:
        if lock is not None:
            os.close(lock)


_REBOOTED = "the machine was restarted while the job ran"
_LOST = "its supervisor was killed; what was left of the job has been ended"


def _last_sign(folder: JobFolder) -> int:
    """When the job was last seen alive."""
    places = (folder.status, folder.log(0), folder.path / "usage.txt")
    return max((place.stat().st_mtime_ns for place in places if place.exists()), default=0)


def _state(record: dict[str, Any]) -> JobState:
    history = tuple(Transition(Status(status), when(at)) for status, at in record["history"])
    times = {step.status: step.at for step in history}
    status = Status(record["status"])
    return JobState(
        status=status,
        native=record["status"],
        reason=record["reason"],
        cause=Cause(record["cause"]),
        exit_code=record["exit_code"],
        signal=record["signal"],
        node=record.get("node"),  # records of older versions have none
        created_at=history[0].at,
        started_at=times.get(Status.RUNNING),
        ended_at=history[-1].at if status.finished else None,
        history=history,
    )
