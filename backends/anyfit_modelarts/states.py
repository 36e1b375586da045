"""The platform's words for how jobs are, in neutral words: one table for each generation."""

from __future__ import annotations

from anyfit.backend import Cause, EndpointStatus, JobState, ModelStatus, Status
from anyfit_modelarts.wire import Run

__all__ = ["ENDPOINT_STATUS", "MODEL_STATUS", "PHASES", "V1_STATUS", "job_state", "v1_state", "v2_state"]

V1_STATUS: dict[int, tuple[str, Status]] = {
    0: ("UNKNOWN", Status.UNKNOWN),
    1: ("INIT", Status.PENDING),
    2: ("IMAGE_CREATING", Status.PENDING),
    3: ("IMAGE_FAILED", Status.FAILED),
    4: ("SUBMIT_TRYING", Status.PENDING),
    5: ("SUBMIT_FAILED", Status.FAILED),
    6: ("DELETE_FAILED", Status.UNKNOWN),
    7: ("WAITING", Status.PENDING),
    8: ("RUNNING", Status.RUNNING),
    9: ("KILLING", Status.STOPPING),
    10: ("COMPLETED", Status.SUCCEEDED),
    11: ("FAILED", Status.FAILED),
    12: ("KILLED", Status.STOPPED),
    13: ("CANCELED", Status.STOPPED),
    14: ("LOST", Status.FAILED),
    15: ("SCALING", Status.RUNNING),
    16: ("SUBMIT_MODEL_FAILED", Status.FAILED),
    17: ("DEPLOY_SERVICE_FAILED", Status.FAILED),
    18: ("CHECK_INIT", Status.PENDING),
    19: ("CHECK_RUNNING", Status.RUNNING),
    20: ("CHECK_RUNNING_COMPLETED", Status.RUNNING),
    21: ("CHECK_FAILED", Status.FAILED),
}
PHASES: dict[str, Status] = {
    "Creating": Status.PENDING,
    "Pending": Status.PENDING,
    "Running": Status.RUNNING,
    "Terminating": Status.STOPPING,
    "Completed": Status.SUCCEEDED,
    "Failed": Status.FAILED,
    "Terminated": Status.STOPPED,
    "Abnormal": Status.FAILED,
}
MODEL_STATUS: dict[str, ModelStatus] = {
    "publishing": ModelStatus.PREPARING,
    "building": ModelStatus.PREPARING,
    "published": ModelStatus.READY,
    "failed": ModelStatus.FAILED,
    "building_failed": ModelStatus.FAILED,
}
ENDPOINT_STATUS: dict[str, EndpointStatus] = {
    "deploying": EndpointStatus.CREATING,
    "pending": EndpointStatus.CREATING,
    "waiting": EndpointStatus.CREATING,
    "running": EndpointStatus.READY,
    "concerning": EndpointStatus.READY,
    "failed": EndpointStatus.FAILED,
    "stopping": EndpointStatus.STOPPING,
    "deleting": EndpointStatus.STOPPING,
    "stopped": EndpointStatus.STOPPED,
    "finished": EndpointStatus.STOPPED,
}
_BEFORE_THE_SCRIPT = frozenset({"IMAGE_FAILED", "SUBMIT_FAILED", "CHECK_FAILED", "CreateFailed"})
_KILLED = (137, 247)  # SIGKILL, as a shell and as Python tell it; often for lack of memory
_LOST = frozenset({"LOST", "Lost"})


def v1_state(code: int | None) -> tuple[str, Status]:
    """The word for a status number, and the neutral one."""
    return V1_STATUS.get(-1 if code is None else code, (str(code), Status.UNKNOWN))


def v2_state(phase: str, secondary: str) -> tuple[str, Status]:
    """The word for a phase, with the second one where that says more, and the neutral one."""
    word = phase if secondary in ("", phase) else f"{phase}/{secondary}"
    return word, PHASES.get(phase, Status.UNKNOWN)


def job_state(run: Run) -> JobState:
    """How a job is, as far as the platform tells; a word that no table has is UNKNOWN and says so."""
    status, cause, reason = run.status, Cause.NONE, run.message
    last = run.native.rpartition("/")[2]
    if status == Status.UNKNOWN:
        reason = reason or f"ModelArts says {run.native!r}"
    elif last in _BEFORE_THE_SCRIPT:
        cause = Cause.START
        reason = reason or "the job could not be started: see its log, and whether its code and inputs are there"
    elif status == Status.FAILED and run.exit_code is not None and run.exit_code < 0:  # the platform's word for none
        cause = Cause.START
    elif last in _LOST:
        cause = Cause.LOST
        reason = reason or "the platform has lost the job"
    elif status == Status.STOPPED and _ran_out(run):
        status, cause = Status.FAILED, Cause.TIMEOUT
        reason = reason or f"it ran longer than its {run.limit_seconds:g} s"
    killed = run.exit_code in _KILLED
    code = None if killed or (run.exit_code or 0) < 0 else run.exit_code
    return JobState(
        status=status,
        native=run.native,
        reason=reason,
        cause=cause,
        exit_code=0 if status == Status.SUCCEEDED else code,
        signal=9 if killed else None,
        created_at=run.created,
        started_at=run.started,
        ended_at=run.ended if status.finished else None,
    )


def _ran_out(run: Run) -> bool:
    if run.limit_seconds is None or run.started is None or run.ended is None:
        return False
    return (run.ended - run.started).total_seconds() >= run.limit_seconds
