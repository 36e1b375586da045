"""Looking after jobs that were started: states, logs, series, artifacts, ending them, removing them."""

from __future__ import annotations

import os
import shutil
import signal
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from datetime import datetime, timezone
from functools import partial
from pathlib import Path
from uuid import uuid4

from attrs import evolve

from anyfit.backend import Artifact, JobRef, JobState, LogPage, Named, Point, Series, Status
from anyfit.codec import dumps, from_data, loads, to_data
from anyfit.errors import NotFound, ServiceError
from anyfit.metrics import scan_log
from anyfit.spec import JobSpec
from anyfit.storage.atomic import write_atomically
from anyfit_local.layout import REGION, Home, JobFolder, id_here
from anyfit_local.logbook import read_page, read_tail
from anyfit_local.states import is_over, job_state, when
from anyfit_local.supervise.collecting import files_below
from anyfit_local.supervise.processes import started
from anyfit_local.supervise.records import read_record, write_record

__all__ = [
    "artifacts",
    "delete",
    "every_job",
    "logs",
    "logs_tail",
    "metrics",
    "output_uri",
    "set_description",
    "spec_of",
    "state",
    "stop",
    "utilization",
]

_DELETE_MARGIN_SECONDS = 60


def spec_of(folder: JobFolder) -> JobSpec:
    """What was asked for."""
    return loads(JobSpec, folder.spec.read_text(encoding="utf-8"))


def set_description(folder: JobFolder, description: str) -> None:
    """Change what was said about the job."""
    text = dumps(evolve(spec_of(folder), description=description))
    modified = datetime.fromtimestamp(folder.spec.stat().st_mtime, timezone.utc)  # lists go by it
    write_atomically(folder.spec, text.encode(), modified)


def state(home: Home, ref: JobRef) -> JobState:
    """How the job is; one that cannot be here is gone."""
    try:
        return job_state(home.job(id_here(ref)))
    except NotFound as fault:
        return JobState(status=Status.UNKNOWN, reason=fault.message, gone=True)


def every_job(home: Home) -> list[Named[JobRef]]:
    """All jobs, newest first."""
    found = []
    with suppress(FileNotFoundError), os.scandir(home.jobs) as entries:
        for entry in entries:
            if not entry.name.startswith("."):
                with suppress(OSError):
                    found.append((os.stat(f"{entry.path}/job.json").st_mtime_ns, entry.name))  # noqa: PTH116
    return [Named(name, JobRef("local", REGION, name)) for _, name in sorted(found, reverse=True)]


def logs(folder: JobFolder, cursor: str) -> LogPage:
    """One page of the log; whether the job is over is asked first, so that its last words are not missed."""
    over = is_over(folder)
    return read_page(_log_files(folder), cursor, over=over)


def logs_tail(folder: JobFolder, lines: int, node: int | None) -> LogPage:
    """The end of the log."""
    over = is_over(folder)
    return read_tail(_log_files(folder), lines, node, over=over)


def _log_files(folder: JobFolder) -> list[Path]:
    run = read_record(str(folder.path / "run.json")) or {"worlds": [None]}
    return [folder.log(node) for node in range(len(run["worlds"]))]


def metrics(folder: JobFolder) -> list[Series]:
    """What the job has printed of its metrics so far; once it has ended they are looked for but once."""
    kept = folder.path / "metrics.json"
    over = is_over(folder)
    if over and (record := read_record(str(kept))) is not None:
        return [from_data(Series, each) for each in record["series"]]
    series = scan_log(partial(logs, folder), spec_of(folder).metric_definitions)
    if over:
        with suppress(OSError):  # a full disk costs time, not metrics
            write_record(str(kept), {"series": to_data(series)})
    return series


def utilization(folder: JobFolder) -> list[Series]:
    """What the job's processes together use of the machine: 100 % is one core."""
    rows = []
    with suppress(FileNotFoundError), (folder.path / "usage.txt").open(encoding="ascii") as stream:
        rows = [row.split() for row in stream if row.endswith("\n")]
    if not rows:
        return []
    first = int(rows[0][0])
    cpu, memory = [], []
    for at, percent, resident in rows:
        step, moment = round((int(at) - first) / 1e9), when(int(at))
        cpu.append(Point(step, float(percent), moment))
        memory.append(Point(step, int(resident) / 1024**2, moment))
    return [Series("cpu", tuple(cpu), "%"), Series("memory", tuple(memory), "MiB")]


def artifacts(folder: JobFolder) -> Sequence[Artifact]:
    """What the job left: where it was published if it was, else in its own folder."""
    if not is_over(folder):
        return ()
    run = read_record(str(folder.path / "run.json")) or {}
    published = run.get("output_folder") or ""
    root = Path(published) if published and Path(published).is_dir() else None
    return tuple(_artifacts(folder, root, run.get("output_uri") or ""))


def _artifacts(folder: JobFolder, published: Path | None, output_uri: str) -> Iterator[Artifact]:
    model = published if published and (published / "model.tar.gz").exists() else folder.path
    output = published / "output" if published else folder.path / "output" / "data"
    for name, path in files_below(str(model / "model")):
        uri = f"{output_uri}/model/{name}" if output_uri else Path(path).as_uri()
        yield Artifact(f"model/{name}", uri, _size(path), "model")
    if (model / "model.tar.gz").exists():
        archive = model / "model.tar.gz"
        uri = f"{output_uri}/model.tar.gz" if output_uri else archive.as_uri()
        yield Artifact("model.tar.gz", uri, _size(str(archive)), "model")
    for name, path in files_below(str(output)):
        uri = f"{output_uri}/output/{name}" if output_uri else Path(path).as_uri()
        yield Artifact(f"output/{name}", uri, _size(path), "output")
    for name, path in files_below(str(folder.path / "checkpoints")):
        yield Artifact(f"checkpoints/{name}", Path(path).as_uri(), _size(path), "checkpoint")
    for name, path in files_below(str(folder.path / "logs")):
        if name.endswith(".log"):
            yield Artifact(f"logs/{name}", Path(path).as_uri(), _size(path), "log")


def output_uri(folder: JobFolder) -> str:
    """Where the running script writes its outputs."""
    return f"{(folder.path / 'output' / 'data').as_uri()}/"


def stop(folder: JobFolder) -> None:
    """Ask the supervisor to end the job; it looks for the request by itself too, within a second.

    Nothing is asked of a job that is stopping. One that saves its results is asked to leave off.
    """
    state = job_state(folder).status
    if state.finished or state is Status.STOPPING:
        return
    with suppress(FileNotFoundError):  # deleted meanwhile
        _request_stop(folder)
    record = read_record(str(folder.status)) or {}
    pid, since = record.get("supervisor", (0, ""))
    if pid and started(pid) == since:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGTERM)


def _request_stop(folder: JobFolder) -> None:
    """Requests differ by their times, so that the supervisor knows a new one."""
    request = folder.path / f"stop.{uuid4().hex}"
    request.touch()
    os.utime(request, ns=(0, time.time_ns()))
    request.replace(folder.stop)


def delete(home: Home, ref: JobRef) -> None:
    """End the job if need be, and remove its folder; what went to `output_path` stays."""
    key = id_here(ref)
    try:
        folder = home.job(key)
    except NotFound:
        return
    if not folder.path.exists():
        return
    _stop_and_wait(folder)
    gone = home.jobs / f".gone-{uuid4().hex}"
    with suppress(FileNotFoundError):  # somebody else deletes it too
        folder.path.rename(gone)
    shutil.rmtree(gone, ignore_errors=True)


def _stop_and_wait(folder: JobFolder) -> None:
    """Until it is over; when its script has stopped, saving its outputs is stopped too."""
    run = read_record(str(folder.path / "run.json")) or {}
    patience = time.monotonic() + run.get("grace_seconds", 0) + _DELETE_MARGIN_SECONDS
    while folder.path.exists() and not is_over(folder):
        if time.monotonic() > patience:
            raise ServiceError(f"job {folder.path.name} does not end", hint="try again later", backend="local")
        stop(folder)
        time.sleep(0.01)


def _size(path: str) -> int:
    return os.stat(path).st_size  # noqa: PTH116
