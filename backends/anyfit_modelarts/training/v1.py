"""The first generation: jobs and their versions, both numbered; a reference is `job/version`."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any

from attrs import frozen

from anyfit.backend import Series
from anyfit.cloud.numbers import number, whole
from anyfit.errors import NotFound, ServiceError
from anyfit_modelarts.client import Client
from anyfit_modelarts.logs import LINES, Window, window_of_v1
from anyfit_modelarts.places import obs_uri
from anyfit_modelarts.series import use_series, v1_results
from anyfit_modelarts.states import v1_state
from anyfit_modelarts.wire import Engine, Flavor, Run, moment, rows, table, text

__all__ = ["TrainingV1", "ids_of"]

_PAGE = 1000
_ROOT = "/v1/{project}"


@frozen
class TrainingV1:
    """The calls of the first generation.

    Attributes:
        client: Makes them.
        workspace: Whose jobs are listed, "" for the default one's.
    """

    client: Client
    workspace: str = ""

    def flavors(self) -> list[Flavor]:
        answer = self.client.get(f"{_ROOT}/job/resource-specs", "machines", {"job_type": "train"})
        return [_flavor(row) for row in rows(answer.get("specs")) if row.get("spec_code")]

    def engines(self) -> list[Engine]:
        answer = self.client.get(f"{_ROOT}/job/ai-engines", "frameworks", {"job_type": "train"})
        return [
            Engine(text(row.get("engine_id")), text(row.get("engine_name")), text(row.get("engine_version")))
            for row in rows(answer.get("engines"))
        ]

    def algorithms(self) -> list[tuple[str, str]]:
        """Built-in algorithms: name and number."""
        found = self._rows("built-in-algorithms", "models", "built-in algorithms", {"per_page": 100})
        return [(text(row.get("model_name")), text(row.get("model_id"))) for row in found]

    def create(self, body: Mapping[str, Any]) -> str:
        return _made(self.client.post(f"{_ROOT}/training-jobs", body, f"job {body['job_name']}"))

    def create_version(self, job: int, body: Mapping[str, Any], what: str) -> str:
        """A new version of a job."""
        return _made(self.client.post(f"{_ROOT}/training-jobs/{job}/versions", body, what), job)

    def get(self, id: str) -> Run:
        job, version = ids_of(id)
        if version is None:
            return self._newest_version(job)
        answer = self.client.get(f"{_ROOT}/training-jobs/{job}/versions/{version}", f"job {id}")
        return _run({"version_id": version, **answer}, job)

    def live(self, ids: Collection[str]) -> dict[str, Run]:
        wanted = set(ids)
        found = {}
        for run in self._listed({"sortBy": "create_time", "order": "desc"}):
            if run.id in wanted:
                wanted.discard(run.id)
                if not run.status.finished:
                    found[run.id] = run
            if not wanted:
                break
        return found

    def every(self) -> Iterator[Run]:
        for run in self._listed({"sortBy": "create_time", "order": "desc"}):
            if number(run.raw.get("version_count"), 1) > 1:
                yield from self.versions(ids_of(run.id)[0])
            else:
                yield run

    def named(self, name: str) -> list[Run]:
        job = self.job_named(name)
        return self.versions(job) if job is not None else []

    def job_named(self, name: str) -> int | None:
        """The number of the job of exactly this name."""
        for run in self._listed({"search_content": name[:64]}):
            if run.name == name:
                return ids_of(run.id)[0]
        return None

    def versions(self, job: int) -> list[Run]:
        """The versions of a job, newest first; none where it has gone."""
        try:
            answer = self.client.get(f"{_ROOT}/training-jobs/{job}/versions", f"versions of job {job}")
        except NotFound:
            return []
        names = {name: answer.get(name) for name in ("job_name", "job_desc")}
        found = [_run({**names, **row}, job) for row in rows(answer.get("versions"))]
        return sorted(found, key=lambda run: ids_of(run.id)[1] or 0, reverse=True)

    def stop(self, id: str) -> None:
        job, version = ids_of(id)
        path = f"{_ROOT}/training-jobs/{job}/versions/{version}/stop"
        self.client.post(path, None, f"stop of job {id}", repeatable=True)

    def delete(self, id: str) -> None:
        job, version = ids_of(id)
        path = f"{_ROOT}/training-jobs/{job}"
        with suppress(NotFound):
            self.client.delete(f"{path}/versions/{version}", f"job {id}")
        # Only now, for another version may be made meanwhile, but none of none. An empty job keeps its name taken.
        if [run.id for run in self.versions(job)] in ([], [id]):
            with suppress(NotFound):
                self.client.delete(path, f"job {id}")

    def describe(self, id: str, description: str) -> None:
        job, _ = ids_of(id)
        self.client.put(f"{_ROOT}/training-jobs/{job}", {"job_desc": description}, f"description of job {id}")

    def log_files(self, run: Run) -> Sequence[str]:
        job, version = ids_of(run.id)
        path = f"{_ROOT}/training-jobs/{job}/versions/{version}/log/file-names"
        files = self.client.get(path, f"logs of job {run.id}").get("log_file_list")
        if isinstance(files, str):  # as the documents' table has it; their sample is a list
            files = [files] if files else []
        return sorted(map(str, files or []), key=_by_node)

    def after(self, id: str, file: str, line: str) -> Window:
        if line:
            return self._window(id, file, LINES, line, "desc")
        windows = [self._window(id, file, LINES, "", "desc")]  # the newest; from there back to the beginning
        while len(windows[-1].lines) >= LINES:
            windows.append(self._window(id, file, LINES, windows[-1].start, "asc"))
        lines = tuple(line for window in reversed(windows) for line in window.lines)
        return Window(lines, windows[-1].start, windows[0].end)

    def newest(self, id: str, file: str, count: int) -> Window | None:
        return self._window(id, file, min(count, LINES), "", "desc")

    def utilization(self, run: Run) -> list[Series]:
        found = table(run.raw.get("system_metric_list"))
        interval = 60 * number(found.get("interval"), 1)
        return use_series({name: values for name, values in found.items() if name != "interval"}, run.started, interval)

    def results(self, run: Run) -> list[Series]:
        return v1_results(table(run.raw.get("model_metric_list")))

    def _window(self, id: str, file: str, count: int, line: str, order: str) -> Window:
        job, version = ids_of(id)
        path = f"{_ROOT}/training-jobs/{job}/versions/{version}/aom-log"
        query = {"log_file": file, "lines": count, "order": order, **({"base_line": line} if line else {})}
        return window_of_v1(self.client.get(path, f"log of job {id}", query))

    def _newest_version(self, job: int) -> Run:
        found = self.versions(job)
        if not found:
            raise NotFound(f"there is no job {job} on ModelArts", hint="anyfit jobs lists them", backend="modelarts")
        return found[0]

    def _listed(self, query: Mapping[str, Any]) -> Iterator[Run]:
        """Jobs with their newest versions."""
        where = {"workspace_id": self.workspace} if self.workspace else {}
        for row in self._rows("training-jobs", "jobs", "jobs", {"per_page": _PAGE, **where, **query}):
            yield _run(row, whole(row.get("job_id")) or 0)

    def _rows(self, path: str, member: str, what: str, asked: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
        """All rows of a list, page by page, each once: what is made meanwhile moves rows to the next page."""
        id = f"{member[:-1]}_id"
        seen: set[str] = set()
        page = 0
        while True:
            page += 1
            answer = self.client.get(f"{_ROOT}/{path}", what, {**asked, "page": page})
            found = rows(answer.get(member))
            fresh = [row for row in found if text(row.get(id)) not in seen]
            yield from fresh
            seen.update(text(row.get(id)) for row in fresh)
            total = number(answer.get(f"{member[:-1]}_total_count"), len(seen) + 1)
            if not fresh or len(found) < asked["per_page"] or len(seen) >= total:
                return


def ids_of(id: str) -> tuple[int, int | None]:
    """The numbers of job and version; the version is None where only the job is named."""
    job, slash, version = id.partition("/")
    if not job.isdigit() or (slash and not version.isdigit()):
        raise NotFound(
            f"there is no job {id!r} on ModelArts",
            hint="a job is found by job id/version id, or by the UUID of the second generation",
            backend="modelarts",
        )
    return int(job), int(version) if slash else None


def _made(answer: Mapping[str, Any], job: int | None = None) -> str:
    made, version = whole(answer.get("job_id")) or job, whole(answer.get("version_id"))
    if made is None or version is None:
        raise ServiceError("ModelArts answers without an id", backend="modelarts")
    return f"{made}/{version}"


def _by_node(file: str) -> tuple[int, str]:
    """Logs end with the number of their node, which has no leading zeros."""
    tail = file.rpartition(".")[2]
    return (int(tail) if tail.isdigit() else 0, file)


def _flavor(row: Mapping[str, Any]) -> Flavor:
    return Flavor(
        code=text(row.get("spec_code")),
        cpus=number(row.get("core")),
        memory_gib=number(row.get("cpu")),  # yes: the field named so is the memory
        gpu_model=text(row.get("gpu_type")),
        gpu_count=int(number(row.get("gpu_num"))),
        max_nodes=whole(row.get("max_num")),
        in_stock=row.get("no_resource") is not True,
    )


def _run(row: Mapping[str, Any], job: int) -> Run:
    """A version, as a list or its detail has it."""
    native, status = v1_state(whole(row.get("status")))
    started, duration = moment(row.get("start_time")), number(row.get("duration"))
    created = moment(row.get("create_time"))
    label, output = text(row.get("version_name")), text(row.get("train_url"))
    image = text(row.get("user_image_url"))
    if output and label and not image:
        output = f"{output.rstrip('/')}/{label}/"  # the platform puts the version's folder below it at run time
    return Run(
        id=f"{job}/{whole(row.get('version_id')) or 0}",
        name=text(row.get("job_name")),
        label=label,
        native=native,
        status=status,
        message=text(row.get("error_result")),
        description=text(row.get("job_desc")),
        created=created,
        started=started,
        ended=_ended(started, created, duration) if status.finished else None,
        nodes=int(number(row.get("worker_server_num"), 1)) or 1,
        code=_uri(row.get("app_url")),
        boot_file=text(row.get("boot_file_url")),
        output=_uri(output),
        raw=row,
    )


def _ended(started: datetime | None, created: datetime | None, duration: float) -> datetime | None:
    """The platform tells how long a job ran, and not when it ended."""
    begin = started or created
    return begin + timedelta(milliseconds=duration) if begin else None


def _uri(value: object) -> str:
    given = text(value)
    return str(obs_uri(given)) if given.strip("/") else ""
