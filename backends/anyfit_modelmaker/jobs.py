"""Jobs: submitting, looking, stopping, deleting, and what they leave."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from threading import Lock
from typing import Any

from attrs import evolve, frozen

from anyfit.backend import Artifact, JobRef, JobState, LogLine, LogPage, Named, Plan, Series, Status
from anyfit.codec import from_data
from anyfit.errors import AnyfitError, Conflict, NotFound, ServiceError
from anyfit.metrics import scan
from anyfit.secret import revealed
from anyfit.spec import Channel, JobSpec
from anyfit.storage import Store, Uri
from anyfit_modelmaker.bundle import JOB
from anyfit_modelmaker.client import Client
from anyfit_modelmaker.logs import page_of, query_of
from anyfit_modelmaker.places import Places
from anyfit_modelmaker.records import Records
from anyfit_modelmaker.series import metric_series, use_series
from anyfit_modelmaker.states import ENDED, job_state
from anyfit_modelmaker.wire import Version, number, rows

__all__ = ["Jobs"]

_KINDS = {"model": "model", "model.tar.gz": "model", "checkpoints": "checkpoint"}
_FEW = 2  # so many jobs are asked for one by one rather than in a list
_HIDDEN = ".anyfit/"
_OURS = re.compile(r"/jobs/([^/]+)/[0-9a-f]{16}/")


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
        client: Makes the calls.
        store: Opens the store of a URI.
        places: Where anyfit keeps its things.
        region: For references.
        offset_hours: How far the service's clock is ahead of UTC.
    """

    def __init__(
        self, client: Client, store: Callable[[Uri], Store], places: Places, region: str, offset_hours: float
    ) -> None:
        self._client = client
        self._store = store
        self._places = places
        self._records = Records(store, places)
        self._region = region
        self._offset = offset_hours
        self._lock = Lock()
        self._known: dict[int, _Known] = {}
        self._ends: dict[int, _End] = {}
        self._nodes: dict[int, int] = {}

    def submit(self, plan: Plan) -> JobRef:
        """Start the job; an answer that was lost is looked up by name, and never asked for twice."""
        spec, body = plan.spec, revealed(plan.requests[0].body, plan.spec.secrets)
        if spec.version > 1:
            return self._submit_version(spec, body)
        try:
            made = self._client.create_train(body)
        except ServiceError as fault:
            return self._lost(spec, body, fault)
        return self._made(spec, body, made.id, made.version_id)

    def find(self, key: str) -> JobRef | None:
        """The job of that key: as noted, else as the platform's lists tell."""
        noted = self._records.of_key(key)
        if noted is not None:
            try:
                self._client.train_version(noted.version_id)
            except NotFound:
                self._records.forget(noted.version_id)
            else:
                return self._ref(noted.id, noted.version_id)
        found = self._find(key)
        return self._ref(found.id, found.version_id) if found else None

    def every(self) -> list[Named[JobRef]]:
        """All versions of all jobs, newest first."""
        found = [
            (version.version_id, Named(_key(entry.name, version), self._ref(entry.id, version.version_id)))
            for entry in self._client.trains()
            for version in self._versions(entry.id)
        ]
        return [named for _, named in sorted(found, key=lambda pair: pair[0], reverse=True)]

    def describe(self, refs: Sequence[JobRef]) -> list[JobState]:
        """How jobs are: those that run are asked for in one list where that tells, the others one by one."""
        listed = self._listed() if len(refs) > _FEW else {}
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
        return _guessed(known.version)

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

    def stop(self, ref: JobRef) -> None:
        """Ask the job to end."""
        version = _version_id(ref)
        if self._client.train_version(version).status not in ENDED:
            self._client.stop_train(version)

    def delete(self, ref: JobRef) -> None:
        """Remove the version, with its job if it was the last, and the code that anyfit had put there."""
        try:
            job, version = _job_id(ref), _version_id(ref)
            known = self._facts(version)
        except NotFound:
            return
        if [each.version_id for each in self._versions(job)] == [version]:
            self._client.delete_train(job)  # else its name would stay taken
        else:
            self._client.delete_train_version(version)
        self._remove_code(known)
        self._records.forget(version)
        with self._lock:
            self._known.pop(version, None)
            self._ends.pop(version, None)

    # submitting

    def _submit_version(self, spec: JobSpec, body: Mapping[str, Any]) -> JobRef:
        job = next((entry.id for entry in self._client.trains() if entry.name == spec.name), None)
        if job is None:
            raise NotFound(
                f"there is no job {spec.name!r} to make a version of",
                hint="fit it without version_of",
                backend="modelmaker",
            )
        if self.find(spec.key) is not None:
            raise _conflict(spec.key)
        try:
            made = self._client.create_train_version(job, body)
        except ServiceError as fault:
            return self._lost(spec, body, fault)
        return self._made(spec, body, job, made.version_id)

    def _made(self, spec: JobSpec, body: Mapping[str, Any], job: int, version: int) -> JobRef:
        self._records.write(spec.key, job, version, body)
        return self._ref(job, version)

    def _lost(self, spec: JobSpec, body: Mapping[str, Any], fault: ServiceError) -> JobRef:
        """Nobody knows whether the job was made: look."""
        found = self._find(spec.key)
        if found is None:
            raise fault
        ours = body.get("codeUrl") or body["output"]
        if ours not in (found.text("codeUrl"), found.text("output")):
            raise _conflict(spec.key)
        return self._made(spec, body, found.id, found.version_id)

    def _find(self, key: str) -> Version | None:
        name, dot, tail = key.rpartition(".v")
        names = {key, name} if dot and tail.isdigit() else {key}
        for entry in self._client.trains():
            if entry.name in names:
                found = self._of_key(self._versions(entry.id), key)
                if found is not None:
                    return evolve(found, id=entry.id)
        return None

    def _of_key(self, versions: Sequence[Version], key: str) -> Version | None:
        """The version that anyfit made for this key; of what others made, the one of that number."""
        mark = self._places.job_mark(key)
        for version in versions:
            if any(mark in version.text(member) for member in ("codeUrl", "output")):
                return version
        _, dot, tail = key.rpartition(".v")
        count = int(tail) if dot and tail.isdigit() else 1
        foreign = [each for each in versions if "/jobs/" not in each.text("codeUrl")]
        return next((each for each in foreign if each.label == f"V{count:04d}"), None)

    def _versions(self, job: int) -> list[Version]:
        """The versions of a job, none where it has gone meanwhile."""
        try:
            return self._client.train(job)
        except NotFound:
            return []

    # looking

    def _listed(self) -> dict[int, Version]:
        """Running versions, as far as the list of jobs tells about its newest ones."""
        found = {}
        for entry in self._client.trains():
            version = Version(
                id=entry.id,
                version_id=int(number(entry.raw.get("versionId"))),
                label="",
                status=str(entry.raw.get("status") or ""),
                message="",
                created=str(entry.raw.get("createTime") or ""),
                started="",
                ended="",
                duration=None,
            )
            if version.version_id and version.status and version.status not in ENDED:
                found[version.version_id] = version
        return found

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
                noted = self._records.of_version(identity)
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

    def _ref(self, job: int, version: int) -> JobRef:
        return JobRef("modelmaker", self._region, f"{job}/{version}")


def _version_id(ref: JobRef) -> int:
    return _ids(ref)[1]


def _job_id(ref: JobRef) -> int:
    return _ids(ref)[0]


def _ids(ref: JobRef) -> tuple[int, int]:
    job, _, version = ref.id.partition("/")
    if not (job.isdigit() and version.isdigit()):
        raise NotFound(
            f"there is no job {ref.id!r} on ModelMaker",
            hint="a job is found by job id/version id",
            backend="modelmaker",
        )
    return int(job), int(version)


def _key(name: str, version: Version) -> str:
    """The job's key: anyfit's own, which its places hold, else one made of the platform's number of the version."""
    for member in ("codeUrl", "output"):
        if found := _OURS.search(version.text(member)):
            return found[1]
    return JobSpec(name=name, version=_count(version)).key


def _count(version: Version) -> int:
    label = version.label.removeprefix("V")
    return int(label) if label.isdigit() and int(label) > 0 else 1


def _conflict(key: str) -> Conflict:
    return Conflict(
        f"job_name: there is already a job {key!r} on ModelMaker",
        hint="choose another name, or make a new version of the job with version_of",
        backend="modelmaker",
    )


def _guessed(version: Version) -> JobSpec:
    """A spec of what others than anyfit have started."""
    raw = version.raw
    parameters = {str(row.get("name")): row.get("value") for row in rows({"": raw.get("parameters")}, "")}
    monitors = {str(row.get("name")): str(row.get("regular") or "") for row in rows({"": raw.get("monitors")}, "")}
    data = raw.get("dataUrl")
    inputs = {"training": Channel(uri=data)} if isinstance(data, str) and data else {}
    command = version.text("command")
    return JobSpec(
        name=version.text("name") or f"job-{version.id}",
        version=_count(version),
        entry_point=version.text("startup"),
        command=(command, version.text("args")) if command else (),
        image=version.text("mirrorUrl"),
        hyperparameters=parameters,
        inputs=inputs,
        instance_type=str(raw.get("resourceId") or ""),
        instance_count=int(version.number("instance") or 1),
        output_path=version.text("output"),
        max_run=int(version.number("maxRuntime") or 86400),
        description=version.text("description"),
        metric_definitions=monitors,
    )
