"""The platform's words for how things are, in neutral words: one table each."""

from __future__ import annotations

from anyfit.backend import Cause, EndpointStatus, JobState, Status
from anyfit_modelmaker.wire import Version, time_of

__all__ = ["ENDED", "ENDPOINT_STATUS", "JOB_STATUS", "job_state"]

JOB_STATUS = {
    "STARTING": Status.PENDING,
    "DOWNLOAD_DATA": Status.PREPARING,
    "TRAINING": Status.RUNNING,
    "STOPPING": Status.STOPPING,
    "STOPING": Status.STOPPING,  # as the first generation spelt it
    "FINISH": Status.SUCCEEDED,
    "STARTING_FAIL": Status.FAILED,
    "TRAINING_FAIL": Status.FAILED,
    "STOPPED": Status.STOPPED,
}
ENDED = frozenset({"FINISH", "STARTING_FAIL", "TRAINING_FAIL", "STOPPED"})

ENDPOINT_STATUS = {
    "DEPLOYING": EndpointStatus.CREATING,
    "RUNNING": EndpointStatus.READY,
    "DEPLOYING_FAIL": EndpointStatus.FAILED,
    "STOPPING": EndpointStatus.STOPPING,
    "STOPPED": EndpointStatus.STOPPED,
}


def job_state(version: Version, offset_hours: float) -> JobState:
    """How a job version is; a word that the table does not have is UNKNOWN and says so."""
    status = JOB_STATUS.get(version.status, Status.UNKNOWN)
    reason, cause = version.message, Cause.NONE
    if status == Status.UNKNOWN:
        reason = reason or f"ModelMaker says {version.status!r}, which is in no document"
    elif version.status == "STARTING_FAIL":
        cause = Cause.START
        reason = reason or "the job could not be started: see its log, and whether its code and inputs are there"
    elif version.status == "STOPPED" and _ran_out(version):
        status, cause = Status.FAILED, Cause.TIMEOUT
        reason = reason or f"it ran longer than its {version.number('maxRuntime'):g} s"
    return JobState(
        status=status,
        native=version.status,
        reason=reason,
        cause=cause,
        exit_code=0 if status == Status.SUCCEEDED else None,
        created_at=time_of(version.created, offset_hours),
        started_at=time_of(version.started, offset_hours),
        ended_at=time_of(version.ended, offset_hours),
    )


def _ran_out(version: Version) -> bool:
    """The platform has one word for what a user stopped and for what ran too long; the times tell."""
    limit = version.number("maxRuntime")
    if limit is None:
        return False
    ran = version.duration
    if ran is None:
        started, ended = time_of(version.started, 0), time_of(version.ended, 0)
        ran = (ended - started).total_seconds() if started and ended else None
    return ran is not None and ran >= limit
