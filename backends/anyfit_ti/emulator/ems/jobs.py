"""Batch predictions of TI-EMS, one after the other asked for: made, cancelled, deleted."""

from __future__ import annotations

import shutil
import threading
import time
from collections.abc import Callable
from typing import Any

from attrs import asdict, define

from anyfit_emulator.moving import Cancelled, Missing
from anyfit_emulator.serving import NotServing
from anyfit_ti.emulator.desk import TIEMS, Call, Site, Tables
from anyfit_ti.emulator.ems.configs import Configs
from anyfit_ti.emulator.ems.orders import launch_of, read_shape
from anyfit_ti.emulator.ems.prediction import Failed, predict
from anyfit_ti.emulator.ems.values import beijing, read_uri
from anyfit_ti.emulator.errors import ApiError
from anyfit_ti.emulator.fields import Fields
from anyfit_ti.emulator.ids import letters
from anyfit_ti.emulator.serving.workload import Workload

__all__ = ["Jobs"]

WAITING, RUNNING, SUCCEEDED, FAILED, CANCELED = "Waiting", "Running", "Succeeded", "Failed", "Canceled"
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
            predict(job.shape["PredictInput"], workload, self._site.store, folder, run.stopping.is_set)
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
    asked = fields.part("PredictInput", required=True) or fields
    for name in ("InputPath", "OutputPath"):
        read_uri(asked, name)
    for name in ("InputDataFormat", "OutputDataFormat"):
        asked.text(name, one_of=("JSON",))
    asked.integer("BatchSize", 64, least=1)
    if fields.has("QuantizationInput"):
        raise ApiError("UnsupportedOperation", "Models cannot be quantized here.")
    return {
        **read_shape(fields),
        "Name": fields.text("Name", required=True, longest=60),
        "ConfigId": fields.text("ConfigId", required=True),
        "WorkerCount": fields.integer("WorkerCount", 1, least=1, most=10),
        "PredictInput": asked.values,
    }
