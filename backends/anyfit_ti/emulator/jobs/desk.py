"""All training jobs of the account: making, looking, stopping (reference, sections 2.1 to 2.4)."""

from __future__ import annotations

import threading
import time
from pathlib import Path
from typing import Any

from attrs import asdict

from anyfit_emulator.running import Courses, LineLog
from anyfit_ti.emulator.container import install_programs
from anyfit_ti.emulator.desk import TIONE_2019, Call, Site, Tables
from anyfit_ti.emulator.errors import ApiError
from anyfit_ti.emulator.execution import Surroundings
from anyfit_ti.emulator.fields import Fields
from anyfit_ti.emulator.filesystems import FileSystems
from anyfit_ti.emulator.ids import letters
from anyfit_ti.emulator.jobs.bodies import check_job
from anyfit_ti.emulator.jobs.execution import JobExecution, Means
from anyfit_ti.emulator.jobs.values import ENDED, Job
from anyfit_ti.emulator.loglines import say
from anyfit_ti.emulator.times import parse

__all__ = ["Jobs"]

GRACE = 10.0
_PAGE = 20
_LONGEST_PAGE = 100
_STATUSES = ("InProgress", "Completed", "Failed", "Stopping", "Stopped")


class Jobs:
    """The older generation of training; safe from any thread."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._folder = site.folder / "jobs"
        self._around = Surroundings(threading.RLock(), site.pause, site.machines)
        programs = install_programs(site.folder / "programs")
        systems = FileSystems(site.folder / "cfs")
        self._means = Means(site.store, systems, programs, lambda: site.endpoint() + site.account.door, self._changed)
        found = [_loaded(document) for _, document in site.records.all("job")]
        self._jobs = {job.name: job for job in sorted(found, key=lambda job: job.number)}
        self._running: Courses[str, JobExecution] = Courses(self._around.lock)
        self._logs: dict[str, LineLog] = {}

    def tables(self) -> Tables:
        """What it answers."""
        return {
            TIONE_2019: {
                "CreateTrainingJob": self.create,
                "DescribeTrainingJob": self.describe,
                "DescribeTrainingJobs": self.describe_all,
                "StopTrainingJob": self.stop,
            }
        }

    def start(self) -> None:
        """End what an earlier emulator left running; its processes are gone."""
        for job in self._jobs.values():
            if job.status not in ENDED:
                job.failure = "the emulator ended while this was running"
                job.ended = time.time()
                say(self.log_of(job), 0, job.failure)
                job.move("Failed", job.failure, job.ended, "Failed")
                self._changed(job)

    def end(self, grace: float) -> None:
        """Ask all processes to end, because the emulator ends; does not wait."""
        self._running.end(grace)

    def join(self, deadline: float) -> None:
        """Wait for the end of it, until a moment of the monotonic clock."""
        self._running.join(deadline)

    # actions

    def create(self, call: Call) -> dict[str, Any]:
        """`CreateTrainingJob`."""
        config = check_job(call.fields, self._site.store)
        name = config["TrainingJobName"]
        with self._around.lock:
            if name in self._jobs:
                message = f"There is a job {name} already."
                raise ApiError("InvalidParameterValue.DuplicateName", message)
            count = config["ResourceConfig"]["InstanceCount"]
            taken = self._site.machines.take(count)
            if not taken and config["RetryWhenResourceInsufficient"] == "Disabled":
                raise ApiError("ResourceInsufficient", f"There are not {count} machines free.")
            now = time.time()
            number = self._site.records.next_id(1, "job")
            job = Job(name, number, f"timaker-{letters(10)}", call.region, config, now, now)
            self._jobs[name] = job
            job.move("Starting", "Launching ML instance", now)
            self._changed(job)
            execution = JobExecution(job, self._means, self._around, self._place(job), self.log_of(job), taken=taken)
            self._running[name] = execution
            execution.start()
        return {"TrainingJobName": name}

    def describe(self, call: Call) -> dict[str, Any]:
        """`DescribeTrainingJob`."""
        with self._around.lock:
            return self._job(call.fields).to_detail()

    def describe_all(self, call: Call) -> dict[str, Any]:
        """`DescribeTrainingJobs`: the newest first."""
        fields = call.fields
        offset = fields.integer("Offset")
        limit = fields.integer("Limit", _PAGE, most=_LONGEST_PAGE)
        with self._around.lock:
            found = [job for job in reversed(self._jobs.values()) if _fits(job, fields)]
            page = [job.to_summary() for job in found[offset : offset + limit]]
        return {"TrainingJobSet": page, "TotalCount": len(found)}

    def stop(self, call: Call) -> dict[str, Any]:
        """`StopTrainingJob`."""
        with self._around.lock:
            job = self._job(call.fields)
            if job.status in ENDED:
                raise ApiError("FailedOperation.NotAllow", f"The job {job.name} is {job.status}.")
            if job.status != "Stopping":
                job.move("Stopping", "Stopping training job", time.time(), "Stopping")
                self._changed(job)
            if job.name in self._running:
                self._running[job.name].stop(GRACE)
        return {}

    # for the log service and monitoring

    def find(self, name: str) -> Job | None:
        """A job by name."""
        return self._jobs.get(name)

    def by_instance(self, instance_id: str) -> Job | None:
        """A job by the id that monitoring knows it under."""
        with self._around.lock:
            return next((job for job in self._jobs.values() if job.instance_id == instance_id), None)

    def log_of(self, job: Job) -> LineLog:
        """A job's log: one object for writing and reading, as long as this emulator runs."""
        with self._around.lock:
            if job.name not in self._logs:
                self._logs[job.name] = LineLog(self._place(job) / "log")
            return self._logs[job.name]

    def usage_of(self, job: Job) -> list[Path]:
        """Files with samples of what its processes used, one for each host."""
        return [self._place(job) / f"usage-{index}.txt" for index in range(job.instances)]

    # rules

    def _place(self, job: Job) -> Path:
        return self._folder / str(job.number)

    def _changed(self, job: Job) -> None:
        if job.status in ENDED:
            self._running.pop(job.name, None)
        self._site.records.put("job", job.name, asdict(job))

    def _job(self, fields: Fields) -> Job:
        name = fields.text("TrainingJobName", required=True)
        try:
            return self._jobs[name]
        except KeyError:
            raise ApiError("ResourceNotFound", f"There is no job {name}.") from None


def _loaded(document: dict[str, Any]) -> Job:
    model = document.pop("model")
    return Job(**document, model=tuple(model) if model else None)


def _fits(job: Job, fields: Fields) -> bool:
    status = fields.text("StatusEquals", one_of=_STATUSES)
    if fields.text("NameContains") not in job.name or (status and job.status != status):
        return False
    after, before = _moment(fields, "CreationTimeAfter"), _moment(fields, "CreationTimeBefore")
    if (after is not None and job.created < after) or (before is not None and job.created > before):
        return False
    return all(_passes(job, one) for one in fields.parts("Filters"))


def _passes(job: Job, fields: Fields) -> bool:
    name, values = fields.text("Name", required=True), fields.texts("Values")
    if name == "instance-name":
        return job.name in values
    if name == "search-by-name":
        return any(value in job.name for value in values)
    if name == "status":
        return job.status in values
    raise fields.bad("Name", "must be one of instance-name, search-by-name, status")


def _moment(fields: Fields, name: str) -> float | None:
    text = fields.text(name)
    if not text:
        return None
    try:
        return parse(text)
    except ValueError:
        raise fields.bad(name, f"is no time: {text}") from None
