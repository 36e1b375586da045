"""What jobs tell of themselves: logs, metrics, tasks, stages, events, tags (reference, section 3.8)."""

from __future__ import annotations

from typing import Any

from anyfit_emulator.http import Response
from anyfit_modelarts.emulator.calls import Arguments
from anyfit_modelarts.emulator.errors import V2, ApiError
from anyfit_modelarts.emulator.members import Members
from anyfit_modelarts.emulator.training.usage import by_minute
from anyfit_modelarts.emulator.training.v2 import history
from anyfit_modelarts.emulator.training.v2.desk import TrainingJobs
from anyfit_modelarts.emulator.training.v2.logs import Links, page, preview
from anyfit_modelarts.emulator.training.v2.planning import log_object
from anyfit_modelarts.emulator.training.v2.values import Job
from anyfit_modelarts.emulator.training.workshop import Workshop
from anyfit_modelarts.emulator.wire import answer

__all__ = ["Reports"]

_CARDS = {"GPU": ("gpuUtil", "gpuMemUsage"), "Ascend": ("npuUtil", "npuMemUsage")}


class Reports:
    """The desk."""

    def __init__(self, jobs: TrainingJobs, workshop: Workshop, links: Links) -> None:
        self._jobs = jobs
        self._workshop = workshop
        self._links = links

    def preview(self, arguments: Arguments) -> dict[str, Any] | Response:
        """`GET …/tasks/{task}/logs/preview`: 204 without a body while there is none."""
        job, node = self._task(arguments)
        if not self._has_log(job):
            return answer(None, 204)
        return preview(self._workshop.log_file(job.key, node))

    def link(self, arguments: Arguments) -> dict[str, Any]:
        """`GET …/tasks/{task}/logs/url`: the wanted type is in the query or, as a table has it, in a header."""
        job, node = self._task(arguments)
        if not self._has_log(job):
            raise ApiError("ModelArts.2818", "The log has not been generated yet.")
        asked = arguments.query.text("Content-Type") or arguments.headers.get("content-type", "")
        kind = "text/plain" if asked.startswith("text/plain") else "application/octet-stream"
        return {"obs_url": self._links.make(f"{job.id}/{log_object(job, node)}", kind)}

    def lines(self, arguments: Arguments) -> dict[str, Any]:
        """`GET …/logs/{task}`."""
        job, node = self._task(arguments)
        if not self._has_log(job):
            raise ApiError("ModelArts.2818", "The log has not been generated yet.")
        return page(self._workshop.log(job.key, node), arguments.query)

    def metrics(self, arguments: Arguments) -> dict[str, Any] | Response:
        """`GET …/metrics/{task}`: 204 without a body while there are none."""
        job, node = self._task(arguments)
        machine = job.machine
        cpu, memory = by_minute(self._workshop.usage(job.key, node), machine.cores, machine.memory)
        if not cpu:
            return answer(None, 204)
        figures = {"cpuUsage": cpu, "memUsage": memory}
        figures |= {name: [0.0] * len(cpu) for name in _CARDS.get(machine.kind, ())}
        names = ("cpuUsage", "memUsage", "gpuUtil", "gpuMemUsage", "npuUtil", "npuMemUsage")
        return {"metrics": [{"metric": name, "value": figures.get(name, [-1.0] * len(cpu))} for name in names]}

    def tasks(self, arguments: Arguments) -> list[dict[str, Any]]:
        """`GET …/tasks`: a bare list."""
        arguments.query.whole("schedule_count", 1, 0)
        with self._workshop.lock:
            job = self._jobs.find(arguments.path["job"])
            pairs = zip(job.tasks, job.life.address, strict=False)
            return [{"task": task, "ip": ip, "host_ip": ip, "schedule_count": 1} for task, ip in pairs]

    def stages(self, arguments: Arguments) -> dict[str, Any]:
        """`GET …/stages`."""
        with self._workshop.lock:
            return history.running_records(self._jobs.find(arguments.path["job"]))

    def events(self, arguments: Arguments) -> dict[str, Any]:
        """`GET …/events`."""
        with self._workshop.lock:
            job = self._jobs.find(arguments.path["job"])
            return history.events(job, arguments.query, arguments.headers.get("x-language", "en-us"))

    def tags(self, arguments: Arguments) -> dict[str, Any]:
        """`GET /modelarts-training-job/{job}/tags`."""
        with self._workshop.lock:
            return {"tags": _pairs(self._jobs.find(arguments.path["job"]))}

    def all_tags(self, arguments: Arguments) -> dict[str, Any]:
        """`GET /modelarts-training-job/tags`."""
        found: dict[str, set[str]] = {}
        for job in self._jobs.all():
            for key, value in job.tags.items():
                found.setdefault(key, set()).add(value)
        return {"tags": [{"key": key, "values": sorted(values)} for key, values in sorted(found.items())]}

    def add_tags(self, arguments: Arguments) -> None:
        """`POST …/tags/create`."""
        self._retag(arguments, lambda job, key, value: job.tags.update({key: value}))

    def remove_tags(self, arguments: Arguments) -> None:
        """`DELETE …/tags/delete`."""
        self._retag(arguments, lambda job, key, value: job.tags.pop(key, None))

    def _retag(self, arguments: Arguments, change: Any) -> None:
        members = Members(arguments.body)
        pairs = [(item.text("key", required=True), item.text("value") or "") for item in members.children("tags")]
        members.finish(V2.invalid)
        with self._workshop.lock:
            job = self._jobs.find(arguments.path["job"])
            for key, value in pairs:
                change(job, key, value)
            if len(job.tags) > 20:
                raise ApiError(V2.invalid, "A job can have at most 20 tags.")
            self._jobs.save(job)

    def _task(self, arguments: Arguments) -> tuple[Job, int]:
        with self._workshop.lock:
            job = self._jobs.find(arguments.path["job"])
            if arguments.path["task"] not in job.tasks:
                raise ApiError("ModelArts.2764", f"The job has no task {arguments.path['task']}.")
            return job, job.tasks.index(arguments.path["task"])

    @staticmethod
    def _has_log(job: Job) -> bool:
        return job.life.prepared > 0 or job.life.has_ended


def _pairs(job: Job) -> list[dict[str, str]]:
    return [{"key": key, "value": value} for key, value in sorted(job.tags.items())]
