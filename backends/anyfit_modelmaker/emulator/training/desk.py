"""All training jobs of the account: making, looking, stopping, deleting (reference, section 7)."""

from __future__ import annotations

import shutil
import threading
import time
from pathlib import Path
from typing import Any

from attrs import asdict

from anyfit_emulator.moving import entries, split_uri
from anyfit_emulator.records import Records
from anyfit_emulator.running import Courses, LineLog
from anyfit_emulator.storage import ObjectStore
from anyfit_emulator.storage.errors import StoreError
from anyfit_modelmaker.emulator.bodies import check_job
from anyfit_modelmaker.emulator.errors import TRAIN_EXISTS, TRAIN_MISSING, ApiError
from anyfit_modelmaker.emulator.ids import next_id
from anyfit_modelmaker.emulator.training.execution import Execution
from anyfit_modelmaker.emulator.training.metrics import MetricReader
from anyfit_modelmaker.emulator.training.utilization import utilization
from anyfit_modelmaker.emulator.training.values import ENDED, Job, Version
from anyfit_modelmaker.emulator.wire import timestamp

__all__ = ["Training"]

GRACE = 10.0
PAGE = 200


class Training:
    """The training half of the service; safe from any thread.

    Args:
        folder: Where logs and sandboxes lie.
        pause: See `Execution`.
    """

    def __init__(self, records: Records, store: ObjectStore, folder: Path, pause: float = 0.0) -> None:
        self._records = records
        self._store = store
        self._folder = folder
        self._pause = pause
        self._lock = threading.RLock()
        self._jobs = {int(key): Job(**document) for key, document in records.all("job")}
        self._versions = {int(key): Version(**document) for key, document in records.all("version")}
        self._running: Courses[int, Execution] = Courses(self._lock)
        self._logs: dict[int, LineLog] = {}
        self._metrics: dict[int, MetricReader] = {}

    def recover(self) -> None:
        """End what an earlier emulator left running; its processes are gone."""
        for version in self._versions.values():
            if version.status not in ENDED:
                version.message = "the emulator ended while this was running"
                version.status, version.ended = "TRAINING_FAIL", time.time()
                self._log(version).say(f"ModelMaker: {version.message}")
                shutil.rmtree(self._folder / str(version.id) / "root", ignore_errors=True)
                self._save(version)

    def end(self, grace: float) -> None:
        """Ask all processes to end, because the emulator ends; does not wait."""
        self._running.end(grace)

    def join(self, deadline: float) -> None:
        """Wait for the end of it, until a moment of the monotonic clock."""
        self._running.join(deadline)

    # calls

    def create(self, body: dict[str, Any]) -> dict[str, Any]:
        """Call 7: a new job with its first version."""
        config = check_job(body)
        with self._lock:
            if any(job.name == config["name"] for job in self._jobs.values()):
                raise ApiError(TRAIN_EXISTS, f"there is a job {config['name']!r} already")
            job = Job(next_id(self._records), config["name"], config["type"], time.time())
            self._jobs[job.id] = job
            return self._start(job, config)

    def create_version(self, job_id: int, body: dict[str, Any]) -> dict[str, Any]:
        """Call 8: a further version."""
        config = check_job(body)
        with self._lock:
            return self._start(self._job(job_id), config)

    def all(self) -> dict[str, Any]:
        """Call 9."""
        with self._lock:
            return {"trainTasks": [self._summary(job) for job in self._jobs.values()]}

    def detail(self, job_id: int) -> dict[str, Any]:
        """Call 10."""
        with self._lock:
            job = self._job(job_id)
            versions = [version.to_wire(time.time()) for version in self._versions_of(job)]
            return {**_head(job), "versions": versions}

    def version(self, version_id: int) -> dict[str, Any]:
        """Call 11."""
        with self._lock:
            return self._version(version_id).to_wire(time.time())

    def log_by_number(self, version_id: int, first: int) -> dict[str, Any]:
        """Call 12: lines from a number on, that line included."""
        with self._lock:
            log = self._log(self._version(version_id))
        return _lines(log, first)

    def log_by_time(self, version_id: int, milliseconds: int, nanoseconds: int) -> dict[str, Any]:
        """Call 13: lines after a moment, that moment excluded."""
        with self._lock:
            log = self._log(self._version(version_id))
        return _lines(log, log.after(milliseconds * 1_000_000 + nanoseconds))

    def utilization(self, version_id: int) -> dict[str, Any]:
        """Call 14."""
        with self._lock:
            version = self._version(version_id)
        return utilization(version, self._folder / str(version.id))

    def metrics(self, version_id: int) -> dict[str, Any]:
        """Call 15."""
        with self._lock:
            version = self._version(version_id)
            reader = self._metrics.get(version.id)
            if reader is None:
                monitors = version.config.get("monitors") or []
                reader = MetricReader(monitors, self._log(version), prefixed=version.instances > 1)
                self._metrics[version.id] = reader
        return reader.to_wire()

    def output(self, version_id: int) -> dict[str, Any]:
        """Call 16: what lies at the output place now."""
        with self._lock:
            place = self._version(version_id).config["output"]
        bucket, prefix = split_uri(place)
        prefix = prefix if not prefix or prefix.endswith("/") else prefix + "/"
        try:
            found = list(entries(self._store, bucket, prefix))
        except StoreError:  # there is no such bucket
            found = []
        files = [
            {
                "name": key.decode()[len(prefix) :],
                "path": f"s3://{bucket}/{key.decode()}",
                "type": "FILE",
                "size": size,
                "updateTime": timestamp(mtime_ns / 1e9),
            }
            for key, size, mtime_ns, _ in found
        ]
        return {"output": f"s3://{bucket}/{prefix}", "outputs": files}

    def stop(self, number: int) -> dict[str, Any]:
        """Call 17: the number is a version's, or a job's whose newest version is meant."""
        with self._lock:
            version = self._versions.get(number) or self._newest(self._job(number))
            if version is None:
                raise ApiError(TRAIN_MISSING, f"job {number} has no version")
            execution = self._running.get(version.id)
        if execution is not None:
            execution.stop(GRACE)
        return {"id": version.job_id, "versionId": version.id}

    def delete_version(self, version_id: int) -> dict[str, Any]:
        """Call 18."""
        with self._lock:
            self._drop(self._version(version_id))
        return {}

    def delete(self, job_id: int) -> dict[str, Any]:
        """Call 19: a job with all its versions."""
        with self._lock:
            job = self._job(job_id)
            for version in self._versions_of(job):
                self._drop(version)
            del self._jobs[job.id]
            self._records.remove("job", job.id)
        return {}

    # rules

    def _start(self, job: Job, config: dict[str, Any]) -> dict[str, Any]:
        job.made += 1
        self._records.put("job", job.id, asdict(job))
        version = Version(next_id(self._records), job.id, job.made, config, "STARTING", time.time())
        self._versions[version.id] = version
        self._save(version)
        folder = self._folder / str(version.id)
        execution = Execution(version, folder, self._log(version), self._store, self._lock, self._pause, self._changed)
        self._running[version.id] = execution
        execution.start()
        return {"id": job.id, "versionId": version.id}

    def _changed(self, version: Version) -> None:
        if version.status in ENDED:
            self._running.pop(version.id, None)
        if version.deleted:
            if version.status in ENDED:
                shutil.rmtree(self._folder / str(version.id), ignore_errors=True)
            return
        self._save(version)

    def _drop(self, version: Version) -> None:
        version.deleted = True
        del self._versions[version.id]
        self._logs.pop(version.id, None)
        self._metrics.pop(version.id, None)
        self._records.remove("version", version.id)
        execution = self._running.get(version.id)
        if execution is not None:
            execution.stop(GRACE)
        else:
            shutil.rmtree(self._folder / str(version.id), ignore_errors=True)

    def _save(self, version: Version) -> None:
        self._records.put("version", version.id, asdict(version))

    def _job(self, job_id: int) -> Job:
        try:
            return self._jobs[job_id]
        except KeyError:
            raise ApiError(TRAIN_MISSING, f"there is no job {job_id}") from None

    def _version(self, version_id: int) -> Version:
        try:
            return self._versions[version_id]
        except KeyError:
            raise ApiError(TRAIN_MISSING, f"there is no job version {version_id}") from None

    def _versions_of(self, job: Job) -> list[Version]:
        return [version for version in self._versions.values() if version.job_id == job.id]

    def _newest(self, job: Job) -> Version | None:
        return max(self._versions_of(job), key=lambda version: version.number, default=None)

    def _summary(self, job: Job) -> dict[str, Any]:
        newest = self._newest(job)
        return _head(job) | ({"status": newest.status, "versionId": newest.id} if newest else {})

    def _log(self, version: Version) -> LineLog:
        """The version's log: one object for writing and reading, as long as this emulator runs."""
        if version.id not in self._logs:
            self._logs[version.id] = LineLog(self._folder / str(version.id) / "log")
        return self._logs[version.id]


def _head(job: Job) -> dict[str, Any]:
    return {"id": job.id, "name": job.name, "type": job.type, "createTime": timestamp(job.created)}


def _lines(log: LineLog, first: int) -> dict[str, Any]:
    lines = [
        {
            "id": line.number,
            "content": line.text,
            "time": line.time_ns // 1_000_000,
            "nanTime": line.time_ns % 1_000_000,
        }
        for line in log.page(first, PAGE)
    ]
    return {"logs": lines}
