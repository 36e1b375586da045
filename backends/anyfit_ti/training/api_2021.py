"""Training tasks of 2021-11-11."""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable, Mapping, Sequence
from threading import Lock
from typing import Any

from anyfit.backend import Artifact, JobState, LogPage, Plan, Series, Status
from anyfit.cloud.ending import ask_to_end
from anyfit.cloud.leavings import End
from anyfit.errors import ServiceError, Unsupported
from anyfit.spec import Channel, JobSpec
from anyfit_ti.client import LIST_2021, Client
from anyfit_ti.errors import name_is_taken
from anyfit_ti.facts import Bucket, FactBook, Facts, results_of
from anyfit_ti.logs import Entry, entries_2021, read_page, read_tail
from anyfit_ti.places import folder
from anyfit_ti.series import NO_USE, pushed_series
from anyfit_ti.states import ENDED_2021, state_2021
from anyfit_ti.translate.work import MOUNT, options_of
from anyfit_ti.wire import Raw, Task, nanoseconds, rfc3339, rows, says, table, text, whole

__all__ = ["Tasks"]

_PAGE = 1000
_POINTS = 10
_MINUTE = 60 * 10**9
_ENDING = ENDED_2021 | {"STOPPING"}
_MADE_OF = ("ImageInfo", "StartCmdInfo", "TuningParameters")


class Tasks:
    """The tasks of one account.

    Args:
        client: Makes the calls.
        bucket: Reads what belongs to jobs.
        now: The time as the service counts it, in seconds since 1970.
    """

    def __init__(self, client: Client, bucket: Bucket, now: Callable[[], float]) -> None:
        self._client = client
        self._bucket = bucket
        self._now = now
        self._lock = Lock()
        self._facts = FactBook(lambda task: _facts(client.task(task)), bucket)
        self._ends: dict[str, End] = {}

    def submit(self, plan: Plan, body: Raw) -> str:
        """Start the task; an answer that was lost is looked up by name, and never asked for twice."""
        spec = plan.spec
        copied = spec.checkpoint_path and options_of(spec.options).cos_mode == "COS"
        if copied:
            self._bucket.bring_checkpoints(folder(spec.checkpoint_path))
        try:
            made = self._client.create_task(body)
        except ServiceError as fault:
            made = self._lost(spec, body, fault)
        if copied:
            place = f"{_uri(body['Output'])}{made}/checkpoints/"
            self._bucket.records.note_checkpoints(folder(spec.checkpoint_path), place)
        return made

    def find(self, key: str) -> str | None:
        """The newest task of that name."""
        found = self._client.tasks("Name", [key])
        return next((task.id for task in found if task.name == key), None)

    def every(self, limit: int | None) -> list[tuple[int, str, str]]:
        """All tasks, or so many of the newest: when they were made, their names and ids."""
        return [(nanoseconds(task.created) or 0, task.name, task.id) for task in self._client.tasks(most=limit)]

    def describe(self, ids: Sequence[str]) -> dict[str, JobState]:
        """How tasks are, as many in one request as a page holds; those that are not there are left out."""
        found: dict[str, JobState] = {}
        for start in range(0, len(ids), LIST_2021):
            for task in self._client.tasks("Id", ids[start : start + LIST_2021]):
                found[task.id] = self._state(task)
        return found

    def logs(self, task: str, cursor: str) -> LogPage:
        """A page of the log, of all pods."""
        facts = self._facts.of(task)

        def fetch(start: int, context: str) -> tuple[list[Entry], str]:
            return self._search(task, start, context, "ASC")

        return read_page(fetch, cursor, begin=facts.created - _MINUTE, nodes=facts.nodes)

    def logs_tail(self, task: str, lines: int) -> LogPage | None:
        """The last lines of a task of one node, read from the end."""
        facts = self._facts.of(task)
        if facts.nodes > 1:
            return None
        return read_tail(lambda context: self._search(task, facts.created - _MINUTE, context, "DESC"), lines)

    def _search(self, task: str, start: int, context: str, order: str) -> tuple[list[Entry], str]:
        body: dict[str, Any] = {
            "PodName": f"{task}*",
            "StartTime": rfc3339(start),
            "EndTime": rfc3339(int(self._now()) * 10**9 + _MINUTE),
            "Limit": _PAGE,
            "Order": order,
            "OrderField": "Timestamp",
        }
        found, after = self._client.task_log({**body, "Context": context} if context else body)
        return entries_2021(found), after

    def job_spec(self, task: str) -> JobSpec:
        """What was asked for."""
        return self._facts.whole(task).spec

    def artifacts(self, task: str) -> list[Artifact]:
        """What the task left; empty before it ends."""
        if self._client.task(task).status not in ENDED_2021:
            return []
        return self._bucket.artifacts(self._facts.of(task).results)

    def output_uri(self, task: str) -> str:
        """Where results come to."""
        return results_of(self._facts.of(task))

    def pushed(self, task: str) -> list[Series]:
        """Curves that the script has pushed."""
        return pushed_series(self._client.pushed_metrics(task))

    def push(self, task: str, values: Mapping[str, float], at: int, step: int | None) -> None:
        """Add points to curves, as scripts do with the vendor's tools."""
        points = [{"Name": name, "Value": value} for name, value in values.items()]
        more = {} if step is None else {"Step": step}
        data = [
            {"TaskId": task, "Timestamp": at, **more, "Points": points[start : start + _POINTS]}
            for start in range(0, len(points), _POINTS)
        ]
        self._client.push_metrics(data)

    def utilization(self, task: str) -> list[Series]:
        """Refused: there is no such call."""
        raise Unsupported(f"ti has no utilization: {NO_USE}", backend="ti")

    def stop(self, task: str) -> None:
        """Ask the task to end; one that has ended, or is ending, is fine."""
        if self._client.task(task).status in _ENDING:
            return
        ask_to_end(lambda: self._client.stop_task(task), lambda: self._client.task(task).status in _ENDING)

    def is_over(self, task: str) -> bool:
        """Whether the task has ended."""
        return self._client.task(task).status in ENDED_2021

    def delete(self, task: str) -> None:
        """Remove the task, and the code that anyfit had put there."""
        facts = self._facts.whole(task)
        self._client.delete_task(task)
        if facts.job:
            self._bucket.remove([facts.code])
        self._facts.forget(task)
        with self._lock:
            self._ends.pop(task, None)

    def _lost(self, spec: JobSpec, body: Raw, fault: ServiceError) -> str:
        """Nobody knows whether the task was made: look."""
        found = self.find(spec.key)
        if found is None:
            raise fault
        raw = self._client.task(found).raw
        if not _is_made_from(raw, body):
            raise name_is_taken("FailedOperation.DuplicateName", f"job {spec.key}") from fault
        return found

    def _state(self, task: Task) -> JobState:
        state = state_2021(task)
        if state.status != Status.FAILED:
            return state
        if task.id not in self._ends:
            end = self._bucket.end(_results(task))
            if end is None:
                return state
            with self._lock:
                self._ends[task.id] = end
        return self._ends[task.id].told(state)


def _uri(path: Raw) -> str:
    """A place of the platform as a URI, or ""."""
    bucket, keys = text(path, "Bucket"), path.get("Paths")
    return f"cos://{bucket}/{keys[0]}" if bucket and isinstance(keys, list) and keys else ""


def _is_made_from(raw: Raw, body: Raw) -> bool:
    """Whether a task was asked for by this body: the folder of its code tells all of it, where it has one of ours."""
    if any(_uri(table(raw, name)) != _uri(table(body, name)) for name in ("CodePackagePath", "Output")):
        return False
    return "CodePackagePath" in body or all(says(raw.get(name), body[name]) for name in _MADE_OF if name in body)


def _results(task: Task) -> str:
    output = _uri(table(task.raw, "Output"))
    return f"{folder(output)}{task.id}/" if output else ""


def _facts(task: Task) -> Facts:
    code = _uri(table(task.raw, "CodePackagePath"))
    return Facts(
        key=task.name,
        created=nanoseconds(task.created) or 0,
        results=_results(task),
        code=code,
        guess=_guessed(task),
    )


def _guessed(task: Task) -> JobSpec:
    """A spec of what others than anyfit have started."""
    raw = task.raw
    commands = table(raw, "StartCmdInfo")
    command = text(commands, "WorkerStartCmd") or text(commands, "StartCmd")
    resources = rows(raw, "ResourceConfigInfos")
    return JobSpec(
        name=task.name,
        command=_words(command),
        image=text(table(raw, "ImageInfo"), "ImageUrl"),
        framework=text(raw, "FrameworkName").lower(),
        framework_version=text(raw, "FrameworkVersion"),
        hyperparameters=_object(text(raw, "TuningParameters")),
        inputs=_inputs(rows(raw, "DataConfigs")),
        instance_type=text(resources[-1], "InstanceType") if resources else "",
        instance_count=max(1, sum(whole(row.get("InstanceNum")) or 0 for row in resources)),
        output_path=_uri(table(raw, "Output")),
        description=text(raw, "Remark"),
        tags={text(row, "TagKey"): text(row, "TagValue") for row in rows(raw, "Tags")},
    )


def _inputs(configs: Sequence[Raw]) -> dict[str, Channel]:
    found = {}
    for config in configs:
        uri = _uri(table(config, "COSSource"))
        if uri:
            place = text(config, "MappingPath").rstrip("/")
            found[place.removeprefix(f"{MOUNT}/input/data/").rpartition("/")[2]] = Channel(uri=uri)
    return found


def _words(command: str) -> tuple[str, ...]:
    if not command:
        return ()
    try:
        return tuple(shlex.split(command))
    except ValueError:
        return ("sh", "-c", command)


def _object(written: str) -> dict[str, Any]:
    try:
        value = json.loads(written)
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}
