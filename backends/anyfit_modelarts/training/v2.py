"""The second generation: jobs with UUIDs, whose list is a search."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import timedelta
from typing import Any
from urllib.parse import quote

from attrs import frozen

from anyfit.backend import Series, Status
from anyfit.cloud.numbers import number, whole
from anyfit.errors import NotFound, ServiceError
from anyfit_modelarts.client import Client
from anyfit_modelarts.errors import NO_CALL, NO_LOG, normal
from anyfit_modelarts.logs import LINES, Window, window_of_v2
from anyfit_modelarts.places import obs_uri
from anyfit_modelarts.series import use_series
from anyfit_modelarts.states import PHASES, v2_state
from anyfit_modelarts.training.preview import is_byte, window_after
from anyfit_modelarts.wire import Engine, Flavor, Run, moment, rows, table, text

__all__ = ["OUTPUT", "TrainingV2"]

OUTPUT = "train_url"
"""The output channel that anyfit's jobs write their results to."""

_PAGE = 50
_ROOT = "/v2/{project}"
_LIVE = [phase for phase, status in PHASES.items() if not status.finished]


@frozen
class TrainingV2:
    """The calls of the second generation.

    Attributes:
        client: Makes them.
        workspace: Whose jobs are listed, "" for the default one's.
    """

    client: Client
    workspace: str = ""

    def flavors(self) -> list[Flavor]:
        answer = self.client.get(f"{_ROOT}/training-job-flavors", "machines")
        return [_flavor(row) for row in rows(answer.get("flavors")) if row.get("flavor_id")]

    def engines(self) -> list[Engine]:
        answer = self.client.get(f"{_ROOT}/training-job-engines", "frameworks")
        return [
            Engine(text(row.get("engine_id")), text(row.get("engine_name")), text(row.get("engine_version")))
            for row in rows(answer.get("items"))
        ]

    def create(self, body: Mapping[str, Any]) -> str:
        what = f"job {body['metadata']['name']}"
        made = _run(table(self.client.post(f"{_ROOT}/training-jobs", body, what)))
        if not made.id:
            raise ServiceError(f"{what}: ModelArts answers without an id", backend="modelarts")
        return made.id

    def get(self, id: str) -> Run:
        return _run(table(self.client.get(self._path(id), f"job {id}")))

    def live(self, ids: Collection[str]) -> dict[str, Run]:
        wanted = set(ids)
        found = {}
        for run in self._search([{"key": "phase", "operator": "in", "value": _LIVE}]):
            if run.id in wanted:
                found[run.id] = run
            if len(found) == len(wanted):
                break
        return found

    def every(self) -> Iterator[Run]:
        return self._search([])

    def named(self, name: str) -> list[Run]:
        return [run for run in self._search([{"key": "name", "operator": "like", "value": [name]}]) if run.name == name]

    def stop(self, id: str) -> None:
        body = {"action_type": "terminate"}
        self.client.post(f"{self._path(id)}/actions", body, f"stop of job {id}", repeatable=True)

    def delete(self, id: str) -> None:
        try:
            self.client.delete(self._path(id), f"job {id}")
        except NotFound:
            return

    def describe(self, id: str, description: str) -> None:
        self.client.put(self._path(id), {"description": description}, f"description of job {id}")

    def log_files(self, run: Run) -> Sequence[str]:
        return run.tasks

    def after(self, id: str, file: str, line: str) -> Window:
        if not is_byte(line):
            query = {"lines": LINES, "order": "asc", **({"base_line": line} if line else {})}
            path = f"{self._path(id)}/logs/{quote(file, safe='')}"
            try:
                return window_of_v2(table(self.client.get(path, f"log of job {id}", query)))
            except (NotFound, ServiceError) as fault:
                if line or normal(fault.status) not in NO_CALL:
                    raise
        path = f"{self._path(id)}/tasks/{quote(file, safe='')}"
        return window_after(self.client, path, f"log of job {id}", line, lambda: self.get(id).status.finished)

    def newest(self, id: str, file: str, count: int) -> Window | None:
        return None

    def utilization(self, run: Run) -> list[Series]:
        found = []
        for node, task in enumerate(run.tasks):
            metrics = self._metrics(run.id, task)
            tail = f".{node}" if len(run.tasks) > 1 else ""
            found += use_series(metrics, run.started, tail=tail)
        return found

    def results(self, run: Run) -> list[Series]:
        return []

    def _metrics(self, id: str, task: str) -> Mapping[str, Any]:
        path = f"{self._path(id)}/metrics/{quote(task, safe='')}"
        try:
            answer = table(self.client.get(path, f"machine use of job {id}"))
        except NotFound as fault:
            if normal(fault.status) not in NO_LOG:
                raise
            return {}
        return {text(row.get("metric")): row.get("value") for row in rows(answer.get("metrics"))}

    def _path(self, id: str) -> str:
        return f"{_ROOT}/training-jobs/{quote(id, safe='')}"

    def _search(self, filters: list[Mapping[str, Any]]) -> Iterator[Run]:
        """Jobs, newest first; a page may repeat what the one before had when jobs were made meanwhile."""
        seen: set[str] = set()
        page = 0
        while True:
            body = {"offset": page, "limit": _PAGE, "sort_by": "create_time", "order": "desc", "filters": filters}
            body |= {"workspace_id": self.workspace} if self.workspace else {}
            answer = table(self.client.post(f"{_ROOT}/training-job-searches", body, "jobs", repeatable=True))
            items = [_run(row) for row in rows(answer.get("items"))]
            fresh = [run for run in items if run.id not in seen]
            yield from fresh
            seen.update(run.id for run in fresh)
            page += 1
            if not fresh or len(items) < _PAGE or len(seen) >= number(answer.get("count"), len(seen) + 1):
                return


def _flavor(row: Mapping[str, Any]) -> Flavor:
    info = table(row.get("flavor_info"))
    cpu, memory = table(info.get("cpu")), table(info.get("memory"))
    card = table(info.get("gpu")) or table(info.get("npu"))
    most = whole(row.get("max_num"))
    return Flavor(
        code=text(row.get("flavor_id")),
        cpus=number(cpu.get("core_num")),
        memory_gib=number(memory.get("size")),
        gpu_model=text(card.get("product_name")),
        gpu_count=int(number(card.get("unit_num"))),
        gpu_memory_gib=_gib(card.get("memory")),
        max_nodes=most if most is not None else whole(info.get("max_num")),
    )


def _gib(value: object) -> float:
    """The memory of a card, which is written as `16GB`."""
    digits = text(value).upper().removesuffix("B").removesuffix("GI").removesuffix("G").strip()
    return number(digits)


def _run(row: Mapping[str, Any]) -> Run:
    metadata, told, algorithm = table(row.get("metadata")), table(row.get("status")), table(row.get("algorithm"))
    spec = table(row.get("spec"))
    phase, secondary = text(told.get("phase")), text(told.get("secondary_phase"))
    native, status = v2_state(phase, secondary)
    started, duration = moment(told.get("start_time")), number(told.get("duration"))
    created = moment(metadata.get("create_time"))
    begin = started or created
    nodes = int(number(table(spec.get("resource")).get("node_count"), 1)) or 1
    tasks = told.get("tasks")
    exit_code, message = _exit(rows(told.get("task_statuses")))
    stop = table(spec.get("auto_stop"))
    return Run(
        id=text(metadata.get("id")),
        name=text(metadata.get("name")),
        native=native,
        status=status,
        message=message,
        description=text(metadata.get("description")),
        created=created,
        started=started,
        ended=begin + timedelta(milliseconds=duration) if begin and status.finished else None,
        exit_code=exit_code if status == Status.FAILED else None,
        limit_seconds=3600 * number(stop.get("duration")) if stop.get("duration") else None,
        nodes=nodes,
        tasks=tuple(map(str, tasks)) if isinstance(tasks, list) else tuple(f"worker-{n}" for n in range(nodes)),
        code=_uri(algorithm.get("code_dir")),
        boot_file=text(algorithm.get("boot_file")),
        output=_output(rows(algorithm.get("outputs"))),
        raw=row,
    )


def _exit(statuses: list[Mapping[str, Any]]) -> tuple[int | None, str]:
    """The first exit code that is no success, and what the platform says about it."""
    for each in statuses:
        code = whole(each.get("exit_code"))
        if code:
            return code, text(each.get("message"))
    return None, ""


def _output(outputs: list[Mapping[str, Any]]) -> str:
    """Where results come to: the channel that anyfit names so, or the only one."""
    by_name = {text(row.get("name")): _obs_url(row) for row in outputs}
    if OUTPUT in by_name:
        return by_name[OUTPUT]
    return next(iter(by_name.values())) if len(by_name) == 1 else ""


def _obs_url(channel: Mapping[str, Any]) -> str:
    return _uri(table(table(channel.get("remote")).get("obs")).get("obs_url"))


def _uri(value: object) -> str:
    given = text(value)
    if not given.strip("/") or given.startswith("file://"):
        return ""
    return str(obs_uri(given))
