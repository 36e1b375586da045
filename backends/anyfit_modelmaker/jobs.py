"""Jobs: looking, stopping, deleting, and what they leave."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from threading import Lock
from typing import Any

from attrs import evolve, frozen

from anyfit.backend import Artifact, JobRef, JobState, LogPage, Named, Plan, Series, Status
from anyfit.cloud.ending import ask_to_end
from anyfit.cloud.leavings import End, artifacts_in, read_document, read_end, remove_folders
from anyfit.codec import from_data
from anyfit.errors import AnyfitError, AuthError, NotFound, ServiceError
from anyfit.http import RetryPolicy
from anyfit.metrics import scan_log
from anyfit.spec import JobSpec
from anyfit.storage import Store, Uri
from anyfit_modelmaker.bundle import JOB
from anyfit_modelmaker.finding import Finder, ids_of
from anyfit_modelmaker.guess import guessed_spec
from anyfit_modelmaker.logs import page_of, query_of
from anyfit_modelmaker.series import metric_series, use_series
from anyfit_modelmaker.states import ENDED, job_state
from anyfit_modelmaker.submitting import submit
from anyfit_modelmaker.wire import Version

__all__ = ["Jobs"]

_FEW = 2  # so many jobs are asked for one by one rather than in a list
_END_SECONDS = 60.0  # so long deleting waits for a job that it has stopped


@frozen
class _Known:
    """What never changes about a version, kept in memory: its members, and what anyfit wrote down beside its code."""

    version: Version
    job: Mapping[str, Any]


@frozen
class _Shape:
    """What reading a log has to know of a version."""

    nodes: int
    over: bool


class Jobs:
    """The jobs of one account.

    Args:
        finder: Knows where they are.
        store: Opens the store of a URI.
        offset_hours: How far the service's clock is ahead of UTC.
        policy: How to wait.
        pause: Seconds between two looks at what is about to end.
    """

    def __init__(
        self,
        finder: Finder,
        store: Callable[[Uri], Store],
        offset_hours: float,
        policy: RetryPolicy,
        pause: float,
    ) -> None:
        self._finder = finder
        self._client = finder.client
        self._store = store
        self._offset = offset_hours
        self._policy = policy
        self._pause = pause
        self._lock = Lock()
        self._known: dict[int, _Known] = {}
        self._seen: dict[int, Version] = {}
        self._ends: dict[int, End] = {}
        self._shapes: dict[int, _Shape] = {}

    def submit(self, plan: Plan) -> JobRef:
        """Start the job; an answer that was lost is looked up by name, and never asked for twice."""
        return submit(plan, self._finder)

    def find(self, key: str) -> JobRef | None:
        """The job of that key."""
        return self._finder.find(key)

    def every(self, limit: int | None) -> list[Named[JobRef]]:
        """All versions of all jobs, or so many of them, newest first."""
        return self._finder.every(limit)

    # looking

    def describe(self, refs: Sequence[JobRef]) -> list[JobState]:
        """How jobs are: those that run are asked for in one list where that tells, the others one by one."""
        listed = self._finder.live() if len(refs) > _FEW else {}
        return [self._describe(ref, listed) for ref in refs]

    def logs(self, ref: JobRef, cursor: str) -> LogPage:
        """A page of the log."""
        version = _version_id(ref)
        logs = self._client.log(version, query_of(cursor))
        shape = self._shape(version, again=not cursor) if logs else _Shape(1, over=False)
        return page_of(logs, cursor, nodes=shape.nodes, ended=shape.over)

    def job_spec(self, ref: JobRef) -> JobSpec:
        """What was asked for: as anyfit wrote it beside the code, else as far as the platform tells."""
        known = self._facts(_version_id(ref))
        if "spec" in known.job:
            return from_data(JobSpec, known.job["spec"])
        return guessed_spec(known.version)

    def artifacts(self, ref: JobRef) -> list[Artifact]:
        """What lies where the job wrote to; empty before it ends."""
        if self._client.train_version(_version_id(ref)).status not in ENDED:
            return []
        preset = self._facts(_version_id(ref)).version.text("type") == "PRESET_ALGORITHM"
        return artifacts_in(self._store, self._results(ref), lambda name: f"model/{name}" if preset else name)

    def output_uri(self, ref: JobRef) -> str:
        """Where results come to."""
        return str(self._results(ref))

    def metrics(self, ref: JobRef) -> list[Series]:
        """What the monitors found; where their answer cannot be read, the log is searched."""
        version = _version_id(ref)
        series = metric_series(self._client.performance_monitor(version))
        if series is not None:
            return series
        return scan_log(partial(self.logs, ref), self.job_spec(ref).metric_definitions)

    def utilization(self, ref: JobRef) -> list[Series]:
        """Machine use."""
        return use_series(self._client.resource_monitor(_version_id(ref)))

    # changing

    def stop(self, ref: JobRef) -> None:
        """Ask the job to end."""
        version = _version_id(ref)
        if self._client.train_version(version).status not in ENDED:
            self._stop(version)

    def delete(self, ref: JobRef) -> None:
        """Remove the version, with its job if it was the last, and the code that anyfit had put there."""
        try:
            job, version = ids_of(ref)
            self._client.train_version(version)
        except NotFound:
            return
        code = self._code_of(version)
        self._end(ref)
        alone = [each.version_id for each in self._finder.versions(job)] == [version]
        self._client.delete_train_version(version)
        if alone and not self._finder.versions(job):  # looked at again, for another one may be made meanwhile
            self._client.delete_train(job)  # else its name would stay taken
        remove_folders(self._store, code)
        self._finder.records.forget(version)
        self._forget(version)

    # below

    def _describe(self, ref: JobRef, listed: Mapping[int, Version]) -> JobState:
        try:
            identity = _version_id(ref)
            version = self._version(identity, listed.get(identity))
        except NotFound as fault:
            reason = f"there is no such job on ModelMaker: {fault.message}"
            return JobState(status=Status.UNKNOWN, reason=reason, gone=True)
        state = job_state(version, self._offset)
        if version.status not in ENDED:
            return state
        with suppress(AuthError):  # who may not read there may know the rest
            return self._end_of(ref, version).told(state)
        return state

    def _version(self, identity: int, listed: Version | None) -> Version:
        """A version as the platform tells; a list tells less, and what was known before stays so."""
        if listed is not None:
            before = self._seen.get(identity)
            return evolve(before, status=listed.status) if before else listed
        version = self._client.train_version(identity)
        with self._lock:
            self._seen[identity] = version
        return version

    def _end_of(self, ref: JobRef, version: Version) -> End:
        """How the script ended, which anyfit's launcher has left among the results."""
        identity = _version_id(ref)
        known = self._ends.get(identity)
        if known is not None:
            return known
        home = self._home(ref) if version.status == "TRAINING_FAIL" else None
        end = read_end(self._store, home) if home else End()
        with self._lock:
            self._ends[identity] = end
        return end

    def _shape(self, identity: int, *, again: bool) -> _Shape:
        """How many nodes a version has, and whether it has ended, as far as the platform has told here.

        The platform alone is asked, for lines are not to wait for the store; `again`: a log is read from its beginning.
        """
        known = self._shapes.get(identity)
        if known is None or (again and not known.over):
            version = self._client.train_version(identity)
            known = _Shape(int(version.number("instance") or 1), version.status in ENDED)
            with self._lock:
                self._shapes[identity] = known
        return evolve(known, over=known.over or identity in self._ends)

    def _code_of(self, version: int) -> list[Uri]:
        """The folder of code that anyfit has put there; what cannot be told stays, and does no harm."""
        with suppress(AnyfitError):
            known = self._facts(version)
            return [Uri.parse(known.version.text("codeUrl")).as_dir()] if known.job else []
        return []

    def _end(self, ref: JobRef) -> None:
        """Stop a job that runs, and give it a while to save what it has."""
        waited = 0.0
        while waited < _END_SECONDS:
            try:
                status = self._client.train_version(_version_id(ref)).status
            except NotFound:
                return
            if status in ENDED:
                return
            if not waited:
                self._stop(_version_id(ref))
            self._policy.sleep(self._pause)
            waited += self._pause

    def _stop(self, version: int) -> None:
        ask_to_end(
            lambda: self._client.stop_train(version), lambda: self._client.train_version(version).status in ENDED
        )

    def _facts(self, identity: int) -> _Known:
        known = self._known.get(identity)
        if known is None:
            version = self._client.train_version(identity)
            if not (version.text("codeUrl") or version.text("output")):
                noted = self._finder.records.of_version(identity)
                version = evolve(version, raw={**(noted.members if noted else {}), **version.raw})
            known = _Known(version, self._written(version))
            with self._lock:
                self._known[identity] = known
        return known

    def _written(self, version: Version) -> Mapping[str, Any]:
        """What anyfit wrote down beside the code, if it did."""
        code = version.text("codeUrl")
        if not self._finder.places.key_in(code):
            return {}
        return read_document(self._store, Uri.parse(code).as_dir().join(JOB))

    def _home(self, ref: JobRef) -> Uri | None:
        """The folder of results, None where nobody tells."""
        known = self._facts(_version_id(ref))
        text = str(known.job.get("output_uri") or known.version.text("output"))
        return Uri.parse(text).as_dir() if text else None

    def _results(self, ref: JobRef) -> Uri:
        home = self._home(ref)
        if home is None:
            raise ServiceError("ModelMaker does not tell where the job's output is", backend="modelmaker")
        return home

    def _forget(self, version: int) -> None:
        with self._lock:
            for kept in (self._known, self._seen, self._ends, self._shapes):
                kept.pop(version, None)


def _version_id(ref: JobRef) -> int:
    return ids_of(ref)[1]
