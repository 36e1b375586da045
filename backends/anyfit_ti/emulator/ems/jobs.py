"""Batch predictions of TI-EMS: a configuration's model is asked for every row of files in COS.

The reference tells formats no closer than "JSON". Here an input file is a JSON list, an object with `instances`, or one
JSON value on each line, and its output file, of the same name, is `{"predictions": [...]}`.
"""

from __future__ import annotations

import json
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from attrs import asdict, define

from anyfit_emulator.moving import Cancelled, Missing, download, upload
from anyfit_emulator.serving import NotServing
from anyfit_ti.emulator.desk import REGIONS, TIEMS, Call, Site, Tables
from anyfit_ti.emulator.ems.configs import Configs
from anyfit_ti.emulator.ems.services import launch_of
from anyfit_ti.emulator.ems.values import beijing, read_uri
from anyfit_ti.emulator.errors import ApiError
from anyfit_ti.emulator.fields import Fields
from anyfit_ti.emulator.ids import letters
from anyfit_ti.emulator.serving.asking import json_request
from anyfit_ti.emulator.serving.workload import Workload

__all__ = ["Jobs"]

WAITING, RUNNING, SUCCEEDED, FAILED, CANCELED = "Waiting", "Running", "Succeeded", "Failed", "Canceled"
_MOST = 256000
_LOOK = 0.05


@define
class Job:
    """A batch prediction.

    Attributes:
        shape: What was asked for, under the wire's names.
        message: Why it failed.
    """

    id: str
    region: str
    shape: dict[str, Any]
    created: float
    status: str = WAITING
    message: str = ""
    started: float = 0.0
    ended: float = 0.0
    canceled: float = 0.0


class Failed(Exception):
    """A job cannot go on; the message says why."""


class Jobs:
    """All jobs of the account; safe from any thread."""

    def __init__(self, site: Site, configs: Configs) -> None:
        self._site = site
        self._configs = configs
        self._lock = configs.lock
        self._jobs = {key: Job(**document) for key, document in site.records.all("ems-job")}
        self._runs: dict[str, _Run] = {}
        configs.users.append(
            lambda config_id: any(run.job.shape["ConfigId"] == config_id for run in self._runs.values())
        )

    def tables(self) -> Tables:
        """What it answers."""
        return {TIEMS: {"CreateJob": self.create, "UpdateJob": self.update, "DeleteJob": self.delete}}

    def start(self) -> None:
        """End what an earlier emulator left running; its processes are gone."""
        for job in self._jobs.values():
            if job.status in (WAITING, RUNNING):
                self._end(job, FAILED, "the emulator ended while this was running")

    def end(self, grace: float) -> None:
        """Ask all processes to end, because the emulator ends; does not wait."""
        for run in list(self._runs.values()):
            run.abandoned.set()
            run.stopping.set()

    def join(self, deadline: float) -> None:
        """Wait for the end of it, until a moment of the monotonic clock."""
        for run in list(self._runs.values()):
            run.thread.join(max(0.0, deadline - time.monotonic()))

    def create(self, call: Call) -> dict[str, Any]:
        """A job, begun at once."""
        shape = _shape(call.fields)
        with self._lock:
            config = self._configs.find(shape["ConfigId"])
            shape |= {"Runtime": config.runtime, "ConfigName": config.name, "ConfigVersion": config.version}
            job = Job(letters(16), call.region, shape, time.time())
            self._jobs[job.id] = job
            self._save(job)
            run = self._runs[job.id] = _Run(job, self._live)
            run.thread.start()
            return {"Job": self._to_wire(job)}

    def update(self, call: Call) -> dict[str, Any]:
        """Another description, or the end of it."""
        fields = call.fields
        with self._lock:
            job = self._job(fields)
            cancel = fields.text("JobAction", one_of=("Cancel",))
            if fields.has("Description"):
                job.shape["Description"] = fields.text("Description")
            if cancel and job.id in self._runs:
                job.canceled = time.time()
                self._runs[job.id].stopping.set()
            elif cancel:
                raise ApiError("FailedOperation", f"The job {job.id} is {job.status}.")
            self._save(job)
            return {"Job": self._to_wire(job)}

    def delete(self, call: Call) -> dict[str, Any]:
        """A job, also one that runs."""
        with self._lock:
            job = self._job(call.fields)
            del self._jobs[job.id]
            self._site.records.remove("ems-job", job.id)
            if job.id in self._runs:
                self._runs[job.id].stopping.set()
        return {}

    # the work

    def _live(self, run: _Run) -> None:
        job = run.job
        folder = self._site.folder / "ems-jobs" / job.id
        with self._lock:
            launch = launch_of(self._configs.find(job.shape["ConfigId"]))
        workload = Workload(launch, folder / f"{job.id}-worker", self._site.store, lambda: None)
        try:
            workload.scale(job.shape["WorkerCount"], 0.0)
            self._wait(workload, run)
            self._predict(job, workload, folder, run.stopping.is_set)
            status, message = SUCCEEDED, ""
        except Cancelled:
            status, message = CANCELED, ""
        except (Failed, Missing, NotServing, ValueError) as error:
            status, message = FAILED, str(error)
        workload.stop(1.0)
        workload.join(time.monotonic() + 2.0)
        shutil.rmtree(folder, ignore_errors=True)
        with self._lock:
            if not run.abandoned.is_set():
                self._end(job, status, message)
            del self._runs[job.id]

    def _wait(self, workload: Workload, run: _Run) -> None:
        """Until all workers are ready."""
        while (health := workload.health()).status != "Normal":
            if health.failed:
                raise Failed(health.reason)
            if run.stopping.wait(_LOOK):
                raise Cancelled
        with self._lock:
            run.job.status, run.job.started = RUNNING, time.time()
            self._save(run.job)

    def _predict(self, job: Job, workload: Workload, folder: Path, cancelled: Callable[[], bool]) -> None:
        asked = Fields(job.shape["PredictInput"])
        inputs, outputs = folder / "input", folder / "output"
        inputs.mkdir(parents=True)
        source = read_uri(asked, "InputPath").uri.rstrip("/")
        download(self._site.store, source, inputs, cancelled)
        for file in sorted(path for path in inputs.rglob("*") if path.is_file()):
            target = outputs / file.relative_to(inputs)
            target.parent.mkdir(parents=True, exist_ok=True)
            predictions = list(self._answers(_rows(file), asked, workload, cancelled))
            target.write_text(json.dumps({"predictions": predictions}, ensure_ascii=False))
        upload(self._site.store, outputs, read_uri(asked, "OutputPath").uri)

    @staticmethod
    def _answers(rows: list[Any], asked: Fields, workload: Workload, cancelled: Callable[[], bool]) -> Iterator[Any]:
        size = asked.integer("BatchSize", 64)
        signature = asked.text("SignatureName")
        for first in range(0, len(rows), size):
            if cancelled():
                raise Cancelled
            document: dict[str, Any] = {"instances": rows[first : first + size]}
            if signature:
                document["signature_name"] = signature
            response = workload.forward(json_request(document), "/v1/models/m:predict")
            content = response.body if isinstance(response.body, bytes) else b""
            if response.status != 200:
                raise Failed(f"the model answered {response.status}: {content[:200].decode('utf-8', 'replace')}")
            try:
                yield from json.loads(content)["predictions"]
            except (KeyError, TypeError):
                raise Failed("the model's answer has no predictions") from None

    def _end(self, job: Job, status: str, message: str) -> None:
        job.status, job.message, job.ended = status, message, time.time()
        self._save(job)

    def _save(self, job: Job) -> None:
        if job.id in self._jobs:
            self._site.records.put("ems-job", job.id, asdict(job))

    def _job(self, fields: Fields) -> Job:
        job_id = fields.text("JobId", required=True)
        try:
            return self._jobs[job_id]
        except KeyError:
            raise ApiError("ResourceNotFound", f"The job {job_id} does not exist.") from None

    def _to_wire(self, job: Job) -> dict[str, Any]:
        workers = job.shape["WorkerCount"]
        return {
            **job.shape,
            "Id": job.id,
            "Region": job.region,
            "ResourceGroupName": job.shape["ResourceGroupId"],
            "CreateTime": beijing(job.created),
            "StartTime": beijing(job.started),
            "EndTime": beijing(job.ended),
            "CancelTime": beijing(job.canceled),
            "Status": {
                "Status": job.status,
                "Message": job.message,
                "DesiredWorkers": workers,
                "CurrentWorkers": workers if job.status == RUNNING else 0,
            },
        }


class _Run:
    """A job that is under way.

    Attributes:
        stopping: Whether it shall end early.
        abandoned: Whether that is because the emulator ends.
    """

    def __init__(self, job: Job, live: Callable[[_Run], None]) -> None:
        self.job = job
        self.stopping, self.abandoned = threading.Event(), threading.Event()
        self.thread = threading.Thread(target=live, args=(self,), name=f"ems-{job.id}", daemon=True)


def _shape(fields: Fields) -> dict[str, Any]:
    group = fields.text("ResourceGroupId", required=True)
    if group not in REGIONS:
        raise ApiError("ResourceNotFound", f"The resource group {group} does not exist.")
    asked = fields.part("PredictInput", required=True) or fields
    for name in ("InputPath", "OutputPath"):
        read_uri(asked, name)
    for name in ("InputDataFormat", "OutputDataFormat"):
        asked.text(name, one_of=("JSON",))
    asked.integer("BatchSize", 64, least=1)
    if fields.has("QuantizationInput"):
        raise ApiError("UnsupportedOperation", "Models cannot be quantized here.")
    return {
        "Name": fields.text("Name", required=True, longest=60),
        "ResourceGroupId": group,
        "Cpu": fields.integer("Cpu", required=True, least=100, most=_MOST),
        "Memory": fields.integer("Memory", required=True, least=100, most=_MOST),
        "Gpu": fields.integer("Gpu", most=_MOST),
        "GpuMemory": fields.integer("GpuMemory", most=_MOST),
        "GpuType": fields.text("GpuType"),
        "Cluster": fields.text("Cluster", "default"),
        "Description": fields.text("Description"),
        "LogTopicId": fields.text("LogTopicId"),
        "ConfigId": fields.text("ConfigId", required=True),
        "WorkerCount": fields.integer("WorkerCount", 1, least=1, most=10),
        "PredictInput": asked.values,
    }


def _rows(file: Path) -> list[Any]:
    """The rows of an input file.

    Raises:
        ValueError: It is no JSON.
    """
    text = file.read_text()
    try:
        whole = json.loads(text)
    except ValueError:
        return [json.loads(line) for line in text.splitlines() if line.strip()]
    if isinstance(whole, dict) and isinstance(whole.get("instances"), list):
        whole = whole["instances"]
    return whole if isinstance(whole, list) else [whole]
