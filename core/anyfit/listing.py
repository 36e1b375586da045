"""Jobs and endpoints of the journal as they are now, in as few questions to their backends as possible."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from anyfit.backend import EndpointRef, EndpointState, EndpointStatus, Feature, JobRef, JobState, Named
from anyfit.errors import AnyfitError
from anyfit.job import Job, job_of_row, refresh_all

if TYPE_CHECKING:
    from anyfit.backend import Backend
    from anyfit.journal import EndpointRow, JobRow
    from anyfit.predictor import Predictor
    from anyfit.session import Session

__all__ = ["every_endpoint", "jobs_there", "refresh_rows"]


def refresh_rows(session: Session, rows: Sequence[JobRow]) -> list[str]:
    """Bring the rows of unfinished jobs up to date; answers a sentence for each backend that does not answer."""
    told: list[str] = []
    groups: dict[tuple[str, str, str], list[JobRow]] = {}
    for row in rows:
        if row.ref and not row.finished:
            groups.setdefault((row.backend, row.profile, row.place), []).append(row)
    for (backend, *_), group in groups.items():
        try:
            _ask(session, group)
        except AnyfitError as fault:
            why = fault.message.removeprefix("argument: ")  # nobody gave one: the profile is the job's own
            told.append(f"the jobs on {backend} are shown as they were last seen: {why}")
    return told


def jobs_there(backend: Backend, limit: int | None) -> list[tuple[Named[JobRef], JobState]]:
    """The jobs that the backend itself lists, also those of other machines, newest first, each with its state."""
    listed = backend.list(limit)
    states = backend.describe([each.ref for each in listed]) if listed else []
    return list(zip(listed, states, strict=True))


def every_endpoint(session: Session, backend: str = "") -> list[tuple[Predictor, EndpointState]]:
    """The journal's endpoints, and those that the session's own backend has besides, each with its state."""
    from anyfit.predictor import Predictor

    rows = [row for row in session.journal.endpoints(backend=backend) if row.ref]
    predictors = [_predictor(session, row) for row in rows]
    own = session.backend(backend)
    if own.capabilities.can(Feature.ENDPOINTS):
        known = {row.ref for row in rows}
        others = [each for each in own.endpoints() if str(each.ref) not in known]
        predictors += [Predictor(session, own, each.ref, each.name) for each in others]
    return [(predictor, _state(predictor)) for predictor in predictors]


def _predictor(session: Session, row: EndpointRow) -> Predictor:
    from anyfit.predictor import Predictor

    return Predictor(session, session.backend(row.backend, row.profile), EndpointRef.parse(row.ref), row.name)


def _state(predictor: Predictor) -> EndpointState:
    from anyfit.session import check_region

    try:
        check_region(predictor.backend, predictor.ref)
        return predictor.info()
    except AnyfitError as fault:
        return EndpointState(status=EndpointStatus.UNKNOWN, reason=fault.message)


def _ask(session: Session, rows: Sequence[JobRow]) -> None:
    jobs: list[Job] = [job_of_row(session, row) for row in rows]
    states = refresh_all(jobs)
    for row, state in zip(rows, states, strict=True):
        row.status = state.status.value
        row.reason = state.reason
        row.ended_at = state.ended_at.isoformat() if state.ended_at else ""
