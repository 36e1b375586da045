"""Visualization jobs (reference, section 2.13): kept and told of; nothing is served at their address."""

from __future__ import annotations

import secrets
import threading
import time
from typing import Any

from attrs import asdict, define

from anyfit_emulator.records import Records
from anyfit_modelarts.emulator.calls import Arguments
from anyfit_modelarts.emulator.errors import V1, ApiError
from anyfit_modelarts.emulator.members import Members
from anyfit_modelarts.emulator.wire import milliseconds

__all__ = ["Visualization"]

_RUNNING, _STOPPED = 8, 12
_SORTS = ("job_id", "job_name", "job_desc", "status", "duration", "create_time")
FIRST = 30_000


@define
class _Job:
    id: int
    name: str
    desc: str
    train_url: str
    resource_id: str
    hours: int | None
    created: float
    began: float
    ended: float = 0.0

    def end_by_schedule(self, now: float) -> None:
        """Stop it if its time is over."""
        if not self.ended and self.hours and now >= self.began + self.hours * 3600:
            self.ended = self.began + self.hours * 3600

    @property
    def status(self) -> int:
        """A number of section 2.12."""
        return _STOPPED if self.ended else _RUNNING


class Visualization:
    """The desk."""

    def __init__(self, records: Records) -> None:
        self._records = records
        self._lock = threading.Lock()
        self._jobs = {int(key): _Job(**document) for key, document in records.all("v1-view")}

    def create(self, arguments: Arguments) -> dict[str, Any]:
        """`POST /visualization-jobs`."""
        members = Members(arguments.body)
        name = members.text("job_name", required=True, pattern=r"[A-Za-z0-9_-]{1,20}")
        desc = members.text("job_desc", 256) or ""
        members.place("train_url", required=True)
        members.word("job_type", ("tensorboard", "mindinsight"))
        hours = _hours(members)
        members.finish(V1.invalid)
        with self._lock:
            if any(job.name == name for job in self._jobs.values()):
                raise ApiError("ModelArts.0103", f"Job name:{name} is existed")
            now = time.time()
            number = self._records.next_id(FIRST, "v1-view")
            url, resource = str(arguments.body["train_url"]), f"job{secrets.token_hex(4)}"
            job = _Job(number, str(name), desc, url, resource, hours, now, now)
            self._jobs[number] = job
            self._save(job)
        row = _row(job)
        return {key: row[key] for key in ("job_id", "job_name", "status", "create_time", "service_url")}

    def all(self, arguments: Arguments) -> dict[str, Any]:
        """`GET /visualization-jobs`."""
        query = arguments.query
        size, page = query.whole("per_page", 10, 1, 1000), query.whole("page", 1, 1, 65535)
        sort, order = query.word("sortBy", "job_id", _SORTS), query.word("order", "asc", ("asc", "desc"))
        status = query.whole("status", -1, 0, 21)
        with self._lock:
            rows = [_row(job) for job in self._jobs.values() if query.text("search_content") in job.name]
        rows = [row for row in rows if status in (-1, row["status"])]
        rows.sort(key=lambda row: (row[sort], row["job_id"]), reverse=order == "desc")
        part = rows[(page - 1) * size : page * size]
        return {"job_total_count": len(rows), "job_count_limit": 100 - len(self._jobs), "quotas": 100, "jobs": part}

    def detail(self, arguments: Arguments) -> dict[str, Any]:
        """`GET /visualization-jobs/{id}`."""
        with self._lock:
            job = self._find(arguments)
            left = job.hours and not job.ended and job.began + job.hours * 3600 - time.time()
            return _row(job) | ({"remaining_duration": milliseconds(left)} if left else {})

    def describe(self, arguments: Arguments) -> dict[str, Any]:
        """`PUT /visualization-jobs/{id}`."""
        members = Members(arguments.body)
        desc = members.text("job_desc", 256, required="job_desc" not in arguments.body)
        members.finish(V1.invalid)
        with self._lock:
            job = self._find(arguments)
            job.desc = desc or ""
            self._save(job)
        return {}

    def stop(self, arguments: Arguments) -> dict[str, Any]:
        """`POST …/stop`."""
        with self._lock:
            job = self._find(arguments)
            if job.ended:
                raise ApiError("ModelArts.0105", f"This job can't be stop. job status: {job.status}")
            job.ended = time.time()
            self._save(job)
        return {}

    def restart(self, arguments: Arguments) -> dict[str, Any]:
        """`POST …/restart`."""
        with self._lock:
            job = self._find(arguments)
            if not job.ended:
                raise ApiError("ModelArts.0105", f"This job can't be restart. job status: {job.status}")
            job.began, job.ended = time.time(), 0.0
            self._save(job)
        return {}

    def delete(self, arguments: Arguments) -> dict[str, Any]:
        """`DELETE /visualization-jobs/{id}`."""
        with self._lock:
            job = self._find(arguments)
            del self._jobs[job.id]
            self._records.remove("v1-view", job.id)
        return {}

    def _find(self, arguments: Arguments) -> _Job:
        number = arguments.number("id")
        if number not in self._jobs:
            raise ApiError("ModelArts.0105", f"The visualization job {number} does not exist.", 404)
        self._jobs[number].end_by_schedule(time.time())
        return self._jobs[number]

    def _save(self, job: _Job) -> None:
        self._records.put("v1-view", job.id, asdict(job))


def _hours(members: Members) -> int | None:
    """From a schedule, which is an object or a list of one (reference, section 9, number 20)."""
    flavor = members.child("flavor")
    if flavor is not None:
        flavor.text("code", required=True)
    single = isinstance(members.raw("schedule"), dict)
    schedules = [members.child("schedule")] if single else members.children("schedule")
    hours = None
    for schedule in schedules:
        if schedule is not None:
            schedule.word("type", ("stop",), required=True)
            schedule.word("time_unit", ("HOURS",), required=True)
            hours = schedule.whole("duration", 0, 24, required=True)
    return hours


def _row(job: _Job) -> dict[str, Any]:
    job.end_by_schedule(time.time())
    return {
        "job_id": job.id,
        "job_name": job.name,
        "job_desc": job.desc,
        "status": job.status,
        "create_time": milliseconds(job.created),
        "duration": milliseconds((job.ended or time.time()) - job.began),
        "train_url": job.train_url,
        "resource_id": job.resource_id,
        "service_url": f"https://modelarts-visualization.invalid/{job.resource_id}/",
    }
