"""Jobs: looking, stopping, deleting, and what they leave."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from threading import Lock
from typing import Any

from attrs import evolve, frozen

from anyfit.backend import Artifact, JobRef, JobState, LogLine, LogPage, Named, Plan, Series, Status
from anyfit.codec import from_data
from anyfit.errors import AnyfitError, NotFound, ServiceError
from anyfit.metrics import scan
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

_KINDS = {"model": "model", "model.tar.gz": "model", "checkpoints": "checkpoint"}
_FEW = 2  # so many jobs are asked for one by one rather than in a list
_HIDDEN = ".anyfit/"


@frozen
class _Known:
    """What never changes about a version, kept in memory: its members, and what anyfit wrote down beside its code."""

    version: Version
    job: Mapping[str, Any]


@frozen
class _End:
    """How a script ended, where that is known."""

    exit_code: int | None = None
    signal: int | None = None


class Jobs:
    """The jobs of one account.

    Args:
        finder: Knows where they are.
        store: Opens the store of a URI.
        offset_hours: How far the service's clock is ahead of UTC.
    """

    def __init__(self, finder: Finder, store: Callable[[Uri], Store], offset_hours: float) -> None:
        self._finder = finder
        self._client = finder.client
        self._store = store
        self._offset = offset_hours
        self._lock = Lock()
        self._known: dict[int, _Known] = {}
        self._ends: dict[int, _End] = {}
        self._nodes: dict[int, int] = {}

    def submit(self, plan: Plan) -> JobRef:
        """Start the job; an answer that was lost is looked up by name, and never asked for twice."""
        return submit(plan, self._finder)

    def find(self, key: str) -> JobRef | None:
        """The job of that key."""
        return self._finder.find(key)

    def every(self) -> list[Named[JobRef]]:
        """All versions of all jobs, newest first."""
        return self._finder.every()

    # looking

    def describe(self, refs: Sequence[JobRef]) -> list[JobState]:
        """How jobs are: those that run are asked for in one list where that tells, the others one by one."""
        listed = self._finder.live() if len(refs) > _FEW else {}
        return [self._describe(ref, listed) for ref in refs]

    def logs(self, ref: JobRef, cursor: str) -> LogPage:
        """A page of the log."""
        version = _version_id(ref)
        logs = self._client.log(version, query_of(cursor))
        nodes = self._node_count(version) if logs else 1
        return page_of(logs, cursor, nodes=nodes, ended=version in self._ends)

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
        known = self._facts(_version_id(ref))
        home = self._results(ref)
        preset = known.version.text("type") == "PRESET_ALGORITHM"
        found = []
        for entry in self._store(home).list(home.key):
            name = entry.key[len(home.key) :]
            if not entry.is_marker and name and not name.startswith(_HIDDEN):
                shown = f"model/{name}" if preset else name
                kind = _KINDS.get(shown.partition("/")[0], "output")
                found.append(Artifact(shown, str(evolve(home, key=entry.key)), entry.size, kind))
        return found

    def output_uri(self, ref: JobRef) -> str:
        """Where results come to."""
        return str(self._results(ref))

    def metrics(self, ref: JobRef) -> list[Series]:
        """What the monitors found; where their answer cannot be read, the log is searched."""
        version = _version_id(ref)
        series = metric_series(self._client.performance_monitor(version))
        if series is not None:
            return series
        lines: list[LogLine] = []
        cursor, more = "", True
        while more:
            page = self.logs(ref, cursor)
            lines += page.lines
            cursor, more = page.cursor, bool(page.lines)
        return scan(lines, self.job_spec(ref).metric_definitions)

    def utilization(self, ref: JobRef) -> list[Series]:
        """Machine use."""
        return use_series(self._client.resource_monitor(_version_id(ref)))

    # changing

    def stop(self, ref: JobRef) -> None:
        """Ask the job to end."""
        version = _version_id(ref)
        if self._client.train_version(version).status not in ENDED:
            self._client.stop_train(version)

    def delete(self, ref: JobRef) -> None:
        """Remove the version, with its job if it was the last, and the code that anyfit had put there."""
        try:
            job, version = ids_of(ref)
            known = self._facts(version)
        except NotFound:
            return
        if [each.version_id for each in self._finder.versions(job)] == [version]:
            self._client.delete_train(job)  # else its name would stay taken
        else:
            self._client.delete_train_version(version)
        self._remove_code(known)
        self._finder.records.forget(version)
        with self._lock:
            self._known.pop(version, None)
            self._ends.pop(version, None)

    # below

    def _describe(self, ref: JobRef, listed: Mapping[int, Version]) -> JobState:
        try:
            identity = _version_id(ref)
            version = listed.get(identity) or self._client.train_version(identity)
        except NotFound as fault:
            reason = f"there is no such job on ModelMaker: {fault.message}"
            return JobState(status=Status.UNKNOWN, reason=reason, gone=True)
        state = job_state(version, self._offset)
        if version.status not in ENDED:
            return state
        if identity not in self._ends:
            end = self._end_of(ref) if version.status == "TRAINING_FAIL" else _End()
            with self._lock:
                self._ends[identity] = end
        end = self._ends[identity]
        return evolve(state, exit_code=end.exit_code, signal=end.signal) if end != _End() else state

    def _end_of(self, ref: JobRef) -> _End:
        """How the script ended, which anyfit's launcher has left among the results."""
        try:
            home = self._results(ref)
            end = json.loads(self._store(home).read(f"{home.key}{_HIDDEN}end.json"))
            return _End(end["exit_code"], end["signal"])
        except (AnyfitError, ValueError, KeyError, TypeError):
            return _End()

    def _node_count(self, identity: int) -> int:
        """How many nodes the job has; asked of the platform alone, for lines are not to wait for the store."""
        if identity not in self._nodes:
            count = int(self._client.train_version(identity).number("instance") or 1)
            with self._lock:
                self._nodes[identity] = count
        return self._nodes[identity]

    def _facts(self, identity: int) -> _Known:
        if identity not in self._known:
            version = self._client.train_version(identity)
            if not (version.text("codeUrl") or version.text("output")):
                noted = self._finder.records.of_version(identity)
                version = evolve(version, raw={**(noted.members if noted else {}), **version.raw})
            known = _Known(version, self._written(version))
            with self._lock:
                self._known[identity] = known
        return self._known[identity]

    def _written(self, version: Version) -> Mapping[str, Any]:
        """What anyfit wrote down beside the code, if it did."""
        code = version.text("codeUrl")
        if not code.startswith("s3://"):
            return {}
        uri = Uri.parse(code).as_dir().join(JOB)
        try:
            job = json.loads(self._store(uri).read(uri.key))
        except (AnyfitError, ValueError):
            return {}
        return job if isinstance(job, dict) else {}

    def _results(self, ref: JobRef) -> Uri:
        known = self._facts(_version_id(ref))
        text = str(known.job.get("output_uri") or known.version.text("output"))
        if not text:
            raise ServiceError("ModelMaker does not tell where the job's output is", backend="modelmaker")
        return Uri.parse(text).as_dir()

    def _remove_code(self, known: _Known) -> None:
        if not known.job:
            return
        folder = Uri.parse(known.version.text("codeUrl")).as_dir()
        store = self._store(folder)
        for _ in store.delete_many([entry.key for entry in store.list(folder.key)]):
            pass  # what cannot be deleted stays, and does no harm


def _version_id(ref: JobRef) -> int:
    return ids_of(ref)[1]
