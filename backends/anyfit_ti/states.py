"""The platform's words for how things are, in neutral words: one table each."""

from __future__ import annotations

from collections.abc import Iterable

from anyfit.backend import Cause, EndpointStatus, JobState, Status, Transition
from anyfit_ti.wire import Job2019, Task, time_of

__all__ = [
    "EMS_STATUS",
    "ENDED_2019",
    "ENDED_2021",
    "PRIMARY_2019",
    "SECONDARY_2019",
    "SERVICE_STATUS",
    "STATUS_2021",
    "state_2019",
    "state_2021",
]

STATUS_2021 = {
    "SUBMITTING": Status.PENDING,
    "PENDING": Status.PENDING,
    "STARTING": Status.PREPARING,
    "RUNNING": Status.RUNNING,
    "STOPPING": Status.STOPPING,
    "STOPPED": Status.STOPPED,
    "FAILED": Status.FAILED,
    "SUCCEED": Status.SUCCEEDED,
    "SUBMIT_FAILED": Status.FAILED,
}
ENDED_2021 = frozenset({"STOPPED", "FAILED", "SUCCEED", "SUBMIT_FAILED"})

PRIMARY_2019 = {
    "InProgress": Status.RUNNING,  # all that a list tells
    "Completed": Status.SUCCEEDED,
    "Failed": Status.FAILED,
    "Stopping": Status.STOPPING,
    "Stopped": Status.STOPPED,
}
SECONDARY_2019 = {
    "Starting": Status.PENDING,
    "Downloading": Status.PREPARING,
    "Training": Status.RUNNING,
    "Uploading": Status.UPLOADING,
    "Completed": Status.SUCCEEDED,
    "Failed": Status.FAILED,
    "Stopping": Status.STOPPING,
    "Stopped": Status.STOPPED,
    "MaxRuntimeExceeded": Status.FAILED,
}
ENDED_2019 = frozenset({"Completed", "Failed", "Stopped"})
SERVICE_STATUS = {
    "": EndpointStatus.CREATING,  # in the answer to its creation
    "CREATING": EndpointStatus.CREATING,
    "Pending": EndpointStatus.CREATING,
    "Waiting": EndpointStatus.CREATING,
    "Normal": EndpointStatus.READY,
    "Abnormal": EndpointStatus.FAILED,
    "CREATE_FAILED": EndpointStatus.FAILED,
    "TIMEOUT_EXCEPTION": EndpointStatus.FAILED,
    "Stopping": EndpointStatus.STOPPING,
    "Stopped": EndpointStatus.STOPPED,
}
"""Of the versions of a service group; while some servers answer, those that are CREATING are UPDATING."""

EMS_STATUS = {
    "Waiting": EndpointStatus.CREATING,
    "Normal": EndpointStatus.READY,
    "Abnormal": EndpointStatus.FAILED,
    "Updating": EndpointStatus.UPDATING,
    "Resuming": EndpointStatus.UPDATING,
    "Stopping": EndpointStatus.STOPPING,
    "Stopped": EndpointStatus.STOPPED,
}
_BEFORE_TRAINING = {"Starting": Cause.START, "Downloading": Cause.INPUT}


def state_2021(task: Task) -> JobState:
    """How a task is; a word that the table does not have is UNKNOWN and says so."""
    status = STATUS_2021.get(task.status, Status.UNKNOWN)
    reason, cause = task.reason, Cause.NONE
    if status == Status.UNKNOWN:
        reason = reason or f"TI says {task.status!r}, which is in no document"
    elif task.status == "SUBMIT_FAILED" or (status == Status.FAILED and not task.started):
        cause = Cause.START
        reason = reason or "the job could not be started: see whether its image, code and inputs are there"
    created, started, ended = time_of(task.created), time_of(task.started), time_of(task.ended)
    reached = [(Status.PENDING, created), (Status.RUNNING, started), (status, ended)]
    return JobState(
        status=status,
        native=task.status,
        reason=reason if status != Status.SUCCEEDED else "",
        cause=cause,
        exit_code=0 if status == Status.SUCCEEDED else None,
        created_at=created,
        started_at=started,
        ended_at=ended if status.finished else None,
        history=_history((Transition(word, at) for word, at in reached if at is not None), status),
    )


def state_2019(job: Job2019) -> JobState:
    """How a job is, by its secondary status where that is told."""
    status = SECONDARY_2019.get(job.secondary) or PRIMARY_2019.get(job.status, Status.UNKNOWN)
    reason, cause = job.reason, Cause.NONE
    if status == Status.UNKNOWN:
        reason = reason or f"TI says {job.status!r}, which is in no document"
    elif job.secondary == "MaxRuntimeExceeded":
        cause = Cause.TIMEOUT
        reason = reason or "it ran longer than it may"
    elif status == Status.FAILED:
        before = [step.status for step in job.steps if step.status != "Failed"]
        cause = _BEFORE_TRAINING.get(before[-1], Cause.NONE) if before else Cause.START
    return JobState(
        status=status,
        native=job.secondary or job.status,
        reason=reason,
        cause=cause,
        exit_code=0 if status == Status.SUCCEEDED else None,
        created_at=time_of(job.created),
        started_at=time_of(job.started),
        ended_at=time_of(job.ended) if status.finished else None,
        history=_history(_steps(job), status),
    )


def _steps(job: Job2019) -> Iterable[Transition]:
    for step in job.steps:
        status, at = SECONDARY_2019.get(step.status), time_of(step.started)
        if status is not None and at is not None:
            yield Transition(status, at)


def _history(steps: Iterable[Transition], last: Status) -> tuple[Transition, ...]:
    """Each state once, in order of time; nothing where the end of it would contradict the state."""
    found: list[Transition] = []
    for step in steps:
        if not found or step.status != found[-1].status:
            found.append(step)
    if last.finished and (not found or found[-1].status != last):
        return ()
    times = [step.at for step in found]
    return tuple(found) if times == sorted(times) else ()
