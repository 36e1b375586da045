"""A job that was submitted, on whatever backend."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from attrs import evolve

from anyfit.arguments import named_arguments
from anyfit.backend import (
    Artifact,
    Feature,
    JobRef,
    JobState,
    LogLine,
    LogPage,
    Plan,
    Series,
    Status,
    log_pages,
)
from anyfit.errors import JobFailed, JobStopped, NotFinished, NotFound, ServiceError, SpecError, UsageError, nearest
from anyfit.names import named_text
from anyfit.spec import JobSpec
from anyfit.validate import check_arguments, check_count

if TYPE_CHECKING:
    from anyfit.backend import Backend
    from anyfit.failure import FailureReport
    from anyfit.journal import JobRow
    from anyfit.session import Session
    from anyfit.storage.options import OnProgress

__all__ = ["Job", "find_job", "job_of_row", "refresh_all"]

_TAIL_FOR_REPORT = 2000


class Job:
    """A handle on a submitted job; cheap to make, good in any process.

    Its session's own backend is the job's.

    Attributes:
        name: The job's name.
        ref: Finds it from anywhere; `str(job.ref)` is text for `attach`.
        spec: What was asked for.
    """

    def __init__(self, session: Session, backend: Backend, ref: JobRef, spec: JobSpec) -> None:
        self.session = session
        self.backend = backend
        self.ref = ref
        self.spec = spec
        self._state: JobState | None = None

    @property
    def name(self) -> str:
        """The job's name."""
        return self.spec.name

    @property
    def state(self) -> JobState:
        """How the job is now: neutral status, native word, reason, times."""
        if self._state is not None and self.ended:
            return self._state
        return self.refresh()

    @property
    def finished(self) -> bool:
        """Whether nothing more will happen."""
        return self.state.status.finished

    @property
    def ended(self) -> bool:
        """Whether it is known already that nothing more will happen; asks nobody."""
        return self._state is not None and self._state.status.finished

    @property
    def poll_seconds(self) -> float:
        """The shortest sensible pause between two looks."""
        return self.backend.capabilities.poll_seconds

    def refresh(self) -> JobState:
        """Ask the backend how the job is."""
        return refresh_all([self])[0]

    def observe(self, state: JobState) -> None:
        """Take note of a state: in the journal, and towards observers."""
        previous, self._state = self._state, state
        if state == previous or state.status == Status.UNKNOWN:
            return
        self.session.journal.observed(self.ref, state, self.backend.place)
        self._tell_observers(state, previous)

    @named_arguments
    def logs(
        self,
        *,
        follow: bool = False,
        tail: int | None = None,
        since: datetime | None = None,
        node: int | None = None,
        on_lost: Callable[[str], None] | None = None,
    ) -> Iterator[LogLine]:
        """The job's log lines.

        Args:
            follow: Go on until the job has ended.
            tail: Begin with the last so many lines.
            since: Begin with the first line of this time or later, local where it names no zone; lines without a time
                count as later.
            node: Lines of this node only.
            on_lost: Told why when the backend cannot be reached; following goes on.
        """
        check_count("tail", tail)
        if since is not None:
            since = _aware(since)
        if node is not None and not 0 <= node < self.spec.instance_count:
            last = self.spec.instance_count - 1
            raise SpecError(f"node: job {self.spec.key} has no node {node}", hint=f"its nodes are 0 to {last}")
        cursor = ""
        for page in self.log_pages() if tail is None else [self._tail(tail, node)]:
            cursor = page.cursor
            yield from (line for line in page.lines if node in (None, line.node) and not _before(line, since))
        if follow:
            from anyfit.watch import LostContact
            from anyfit.watch import follow as watch

            for event in watch(self, cursor=cursor):
                if isinstance(event, LogLine) and node in (None, event.node):
                    yield event
                elif isinstance(event, LostContact) and on_lost:
                    on_lost(event.reason)

    def log_pages(self, cursor: str = "") -> Iterator[LogPage]:
        """The log after `cursor`, as far as it has been written, page by page."""

        def read(cursor: str) -> LogPage:
            with self._there():
                return self.backend.logs(self.ref, cursor)

        return log_pages(read, cursor)

    def _tail(self, lines: int, node: int | None) -> LogPage:
        with self._there():
            return self.backend.logs_tail(self.ref, lines, node)

    @contextmanager
    def _there(self) -> Iterator[None]:
        """A job that its platform no longer has is told by the name that people know."""
        try:
            yield
        except NotFound as fault:
            if self.session.job_row(str(self.ref)) is None:
                raise
            raise NotFound(
                f"job {self.spec.key} is in the journal, but no longer on {self.ref.backend}: {fault.message}",
                hint=f"make the journal forget it: anyfit rm {self.spec.key}",
                backend=self.ref.backend,
            ) from fault

    def metrics(self) -> list[Series]:
        """The curves of `metric_definitions`."""
        with self._there():
            return list(self.backend.metrics(self.ref))

    def utilization(self) -> list[Series]:
        """The machine's use over time."""
        with self._there():
            return list(self.backend.utilization(self.ref))

    def artifacts(self) -> list[Artifact]:
        """What the job left, and where."""
        with self._there():
            return list(self.backend.artifacts(self.ref))

    @named_arguments
    def download(self, path: str | Path = ".", *, kind: str = "", on_progress: OnProgress | None = None) -> Path:
        """Bring the job's artifacts, or those of one kind, below `path`; answers the folder.

        Files appear whole or not at all, and what is there already is not fetched again. `on_progress` is told now
        and then how far it is.
        """
        from anyfit.artifacts import download_artifacts

        target = Path(path).expanduser() / self.spec.key
        artifacts = [a for a in self.artifacts() if not kind or a.kind == kind]
        if not artifacts:
            raise NotFound(
                f"job {self.spec.key} has left no {kind or 'artifact'}",
                hint=f"anyfit status {self.spec.key} tells whether it has ended",
            )
        download_artifacts(self.backend, artifacts, target, on_progress=on_progress)
        return target

    @named_arguments
    def wait(self, timeout: float | None = None) -> JobState:
        """Wait for the job's success.

        Raises `JobFailed` with the report, `JobStopped`, or `NotFinished` after `timeout` seconds.
        """
        from anyfit.watch import wait_all

        try:
            wait_all([self], timeout=timeout)
        except NotFinished as fault:
            raise self._not_finished(fault.message) from None
        return self.raise_unless_succeeded()

    def raise_unless_succeeded(self) -> JobState:
        """The final state of a job that has ended; an error unless it is a success."""
        state = self.state
        if state.status == Status.FAILED:
            raise JobFailed(self.report())
        if state.status == Status.STOPPED:
            raise JobStopped(
                f"job {self.spec.key} was stopped{f': {state.reason}' if state.reason else ''}",
                hint=f"run it again: anyfit rerun {self.spec.key}",
                backend=self.ref.backend,
            )
        return state

    def report(self) -> FailureReport:
        """Why the job failed, in words; `UsageError` of a job that has not."""
        from anyfit.failure import diagnose, failing_node

        if self.state.status != Status.FAILED:
            raise UsageError(f"job {self.spec.key} has not failed: it is {self.state.status.value}")
        node = self.state.node
        lines = list(self.logs(tail=_TAIL_FOR_REPORT, node=node))
        if node is None and self.spec.instance_count > 1:
            node = failing_node(lines)
        return diagnose(
            job=self.spec.key,
            state=self.state,
            tail=[line.text for line in lines if node in (None, line.node)],
            log=self._log_location(node),
            spec=self.spec,
            language=self.session.config.language(),
            installs_requirements=self.backend.capabilities.installs_requirements,
        )

    def stop(self) -> None:
        """Ask the job to end; returns at once, and is no error when it has ended."""
        with self._there():
            self.backend.stop(self.ref)

    def set_description(self, description: str) -> None:
        """Change what people read about the job, on the platform and in the journal."""
        check_arguments(description=description)
        self.backend.require(Feature.DESCRIPTION)
        self.backend.set_description(self.ref, description)
        self.spec = evolve(self.spec, description=description)
        self.session.journal.respecified(self.ref, self.spec, self.backend.place)

    def delete(self) -> None:
        """Remove the job, its log and what the backend keeps of it; one that the backend no longer has is forgotten."""
        with suppress(NotFound):
            self.backend.delete(self.ref)
        self.session.journal.forget(self.ref, self.backend.place)

    def rerun(self, **changes: Any) -> Job:
        """Submit the same job again under a new name, with some fields of the estimator changed; does not wait."""
        from anyfit.estimator import Estimator

        return Estimator.of_job(self).changed(**changes).fit(_inputs_of(self.spec), wait=False)

    def to_json(self) -> dict[str, Any]:
        """The job and its state as a JSON object."""
        from anyfit.codec import to_data

        state = to_data(self.state)
        return {"name": self.spec.key, "ref": str(self.ref), "backend": self.ref.backend, **state}

    def explain(self) -> Plan:
        """The plan that was sent."""
        row = self.session.job_row(str(self.ref))
        plan = self.session.journal.plan(row) if row else None
        return plan or self.backend.plan(self.spec, self.backend.catalog())

    def __repr__(self) -> str:
        from anyfit.show import job_line

        return f"<Job {job_line(self.ref, self._state)}>"

    def _repr_html_(self) -> str:
        from anyfit.show import job_html

        return job_html(self.ref, self.state, self.spec)

    def _tell_observers(self, state: JobState, previous: JobState | None) -> None:
        from anyfit.plugins import JobEvent, observers

        observers().job_event(JobEvent(self.ref, state, previous))
        if state.status.finished:
            observers().job_finished(self.ref, state)

    def _not_finished(self, why: str) -> NotFinished:
        return NotFinished(
            f"job {self.spec.key} is {why}",
            hint=f"it goes on; anyfit attach {self.spec.key} waits again, anyfit stop {self.spec.key} ends it",
            backend=self.ref.backend,
        )

    def _log_location(self, node: int | None) -> str:
        """Where the log of a node lies, or of the only one; the command for all where several may be meant."""
        from anyfit.show import uri_text

        logs = [a for a in self.artifacts() if a.kind == "log"]
        if self.spec.instance_count > 1:
            logs = [a for a in logs if a.name == f"logs/node-{node}.log"]
        if logs:
            return uri_text(logs[0].uri)
        which = "" if node is None else f" --node {node}"
        return f"anyfit logs {self.spec.key}{which}"


def refresh_all(jobs: Sequence[Job]) -> list[JobState]:
    """Ask once per backend how many jobs are; ended ones are not asked for again.

    A backend that cannot be reached keeps no other from being asked; its `ServiceError` comes at the end.
    """
    groups: dict[int, list[Job]] = {}
    for job in jobs:
        if not job.ended:
            groups.setdefault(id(job.backend), []).append(job)
    fault: ServiceError | None = None
    for group in groups.values():
        try:
            states = group[0].backend.describe([job.ref for job in group])
        except ServiceError as error:
            fault = fault or error
            continue
        for job, state in zip(group, states, strict=True):
            job.observe(state)
    if fault is not None:
        raise fault
    return [job._state for job in jobs if job._state is not None]


def find_job(session: Session, name_or_ref: str | JobRef | None) -> Job:
    """The job of that name or reference, from the journal, else from the backend; the newest for None."""
    if name_or_ref is None:
        return job_of_row(session, _newest(session))
    name = named_text("job", name_or_ref)
    row = session.job_row(name)
    return _adopt(session, name) if row is None else job_of_row(session, row)


def job_of_row(session: Session, row: JobRow) -> Job:
    """The job of a row of the journal, with the settings that it was made with."""
    ref = JobRef.parse(row.ref)
    backend = session.reach(ref, row.profile)
    made_with = backend is session.backend(row.backend, row.profile)
    session = session.of(row.backend, row.profile if made_with else session.profile)
    job = Job(session, backend, ref, session.journal.spec(row))
    job._state = session.journal.state(row)
    return job


def _newest(session: Session) -> JobRow:
    """The newest job of all, or of the backend that the caller has named."""
    backend = session.config.core_value("backend")
    only = str(backend.value) if backend.origin == "argument" else ""
    rows = [row for row in session.journal.jobs(backend=only, limit=100) if row.ref]
    if not rows:
        where = f" on {only}" if only else ""
        raise NotFound(f"there is no job yet{where}", hint="anyfit init writes one to begin with, anyfit fit runs it")
    return rows[0]


def _adopt(session: Session, name_or_ref: str) -> Job:
    """A job that this machine never saw."""
    if "://" in name_or_ref:
        ref: JobRef | None = JobRef.parse(name_or_ref)
    else:
        ref = session.backend().find(name_or_ref)
    if ref is None:
        known = [row.key for row in session.journal.jobs(limit=1000)]
        raise NotFound(
            f"there is no job {name_or_ref!r} in the journal or on {session.backend().name}",
            hint=nearest(name_or_ref, known) or "anyfit jobs lists them; -b names another backend",
        )
    session = session.of(ref.backend, session.profile)
    backend = session.reach(ref)
    spec = backend.job_spec(ref)
    job = Job(session, backend, ref, spec)
    state = backend.describe([ref])[0]
    session.journal.adopt(spec, ref, session.profile, backend.place, state.created_at)
    job.observe(state)
    return job


def _aware(since: datetime) -> datetime:
    if not isinstance(since, datetime):
        raise SpecError(f"since: expected a datetime, got {since!r}")
    return since.astimezone()


def _before(line: LogLine, since: datetime | None) -> bool:
    return since is not None and line.time is not None and line.time < since


def _inputs_of(spec: JobSpec) -> dict[str, str] | None:
    return {name: channel.uri for name, channel in spec.inputs.items()} or None
