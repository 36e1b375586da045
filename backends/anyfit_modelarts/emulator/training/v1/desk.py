"""All jobs of the first generation: making, looking, stopping, deleting (reference, sections 2.4 to 2.11)."""

from __future__ import annotations

import secrets
import time
from typing import Any

from attrs import asdict

from anyfit_emulator.records import Records
from anyfit_modelarts.emulator.calls import Arguments, Query
from anyfit_modelarts.emulator.datasets import Datasets
from anyfit_modelarts.emulator.errors import V1, ApiError
from anyfit_modelarts.emulator.members import Members
from anyfit_modelarts.emulator.places import to_s3
from anyfit_modelarts.emulator.storehouse import Storehouse
from anyfit_modelarts.emulator.training import life as stages
from anyfit_modelarts.emulator.training.life import Life
from anyfit_modelarts.emulator.training.v1.bodies import Asked, check_config, dataset_of, read_head
from anyfit_modelarts.emulator.training.v1.details import detail, list_item
from anyfit_modelarts.emulator.training.v1.planning import make_plan
from anyfit_modelarts.emulator.training.v1.values import STATUS, Job, Version
from anyfit_modelarts.emulator.training.workshop import Workshop
from anyfit_modelarts.emulator.wire import milliseconds

__all__ = ["Jobs"]

QUOTA = 500
FIRST_JOB, FIRST_VERSION = 567_000, 1_108_000
_SORTS = ("job_name", "job_desc", "status", "duration", "version_count", "create_time")


class Jobs:
    """The desk; safe from any thread."""

    def __init__(self, records: Records, workshop: Workshop, datasets: Datasets) -> None:
        self._records = records
        self._workshop = workshop
        self._lock = workshop.lock
        self._datasets = datasets
        self._storehouse = Storehouse(workshop.store)
        self._jobs = {int(key): Job(**document) for key, document in records.all("v1-job")}
        self._versions = {int(key): Version.load(document) for key, document in records.all("v1-version")}

    def recover(self) -> None:
        """Call lost what an earlier emulator left running; its processes are gone."""
        for version in self._versions.values():
            if not version.life.has_ended:
                self._workshop.lose(version.key, version.life)
                self._save(version)

    # calls

    def create(self, arguments: Arguments) -> dict[str, Any]:
        """`POST /training-jobs`."""
        name, desc, workspace = read_head(arguments.body)
        with self._lock:
            if any(job.name == name for job in self._jobs.values()):
                raise ApiError("ModelArts.0103", f"Job name:{name} is existed")
            members = Members(arguments.body)
            config = members.child("config", required=True)
            members.finish(V1.invalid)
            assert config is not None  # noqa: S101  the line before
            wanted = config.flag("create_version")
            asked = self._checked(check_config(config))
            if len(self._jobs) >= QUOTA:
                raise ApiError("ModelArts.0118", "The quota of training jobs is insufficient.")
            job = Job(self._records.next_id(FIRST_JOB, "v1-job"), name, desc, workspace, time.time())
            self._jobs[job.id] = job
            self._keep(job)
            if wanted is False:
                return {"job_id": job.id, "job_name": job.name, "create_time": milliseconds(job.created)}
            version = self._start(job, asked)
            return {**self._made(job, version), "resource_id": version.resource_id}

    def create_version(self, arguments: Arguments) -> dict[str, Any]:
        """`POST /training-jobs/{job}/versions`."""
        members = Members(arguments.body)
        desc = members.text("job_desc", 256)
        config = members.child("config", required=True)
        members.finish(V1.invalid)
        assert config is not None  # noqa: S101  the line before
        with self._lock:
            job = self._job(arguments)
            asked = self._checked(check_config(config, version=True))
            before = self._versions.get(asked.config["pre_version_id"])
            if before is None or before.job_id != job.id:
                raise ApiError(V1.invalid, f"Invalid parameter: pre_version_id is no version of job {job.id}.")
            job.desc = job.desc if desc is None else desc
            return self._made(job, self._start(job, asked))

    def all(self, arguments: Arguments) -> dict[str, Any]:
        """`GET /training-jobs`."""
        query = arguments.query
        size, page = query.whole("per_page", 10, 1, 1000), query.whole("page", 1, 1, 65535)
        sort, order = query.word("sortBy", "job_name", _SORTS), query.word("order", "asc", ("asc", "desc"))
        search = query.text("search_content")
        if len(search) > 100:
            raise ApiError(V1.invalid, "The length of search_content must be of [0,100].")
        status = query.whole("status", -1, 0, 21)
        with self._lock:
            rows = [self._row(job) for job in self._jobs.values() if self._fits(job, search, query)]
            total = len(self._jobs)
        rows = [row for row in rows if status in (-1, row["status"])]
        rows.sort(key=lambda row: (row[sort], row["job_id"]), reverse=order == "desc")
        return {
            "quotas": QUOTA,
            "job_total_count": len(rows),
            "job_count_limit": QUOTA - total,
            "jobs": rows[(page - 1) * size : page * size],
        }

    def versions(self, arguments: Arguments) -> dict[str, Any]:
        """`GET /training-jobs/{job}/versions`, the newest first."""
        size, page = arguments.query.whole("per_page", 10, 1, 1000), arguments.query.whole("page", 0, 0, 65535)
        with self._lock:
            job = self._job(arguments)
            found = self._versions_of(job)[::-1]
            part = found[(page - 1) * size : page * size] if page else found
            items = [list_item(version, self._workshop, self._dataset(version)) for version in part]
        head = {"job_id": job.id, "job_name": job.name, "job_desc": job.desc}
        return {**head, "version_count": len(found), "versions": items}

    def version(self, arguments: Arguments) -> dict[str, Any]:
        """`GET /training-jobs/{job}/versions/{version}`."""
        with self._lock:
            job, version = self.find(arguments)
            return detail(job, version, self._workshop, self._dataset(version))

    def describe(self, arguments: Arguments) -> dict[str, Any]:
        """`PUT /training-jobs/{job}`."""
        members = Members(arguments.body)
        desc = members.text("job_desc", 256, required="job_desc" not in arguments.body)
        members.finish(V1.invalid)
        with self._lock:
            job = self._job(arguments)
            job.desc = desc or ""
            self._keep(job)
        return {}

    def stop(self, arguments: Arguments) -> dict[str, Any]:
        """`POST …/stop`."""
        with self._lock:
            _, version = self.find(arguments)
            if version.life.has_ended or version.life.stage == stages.STOPPING:
                raise ApiError("ModelArts.0105", f"This job can't be stop. job status: {version.status}")
            self._workshop.stop(version.key)
        return {}

    def delete_version(self, arguments: Arguments) -> dict[str, Any]:
        """`DELETE …/versions/{version}`."""
        with self._lock:
            self._drop(self.find(arguments)[1])
        return {}

    def delete(self, arguments: Arguments) -> dict[str, Any]:
        """`DELETE /training-jobs/{job}`, with all versions."""
        with self._lock:
            job = self._job(arguments)
            for version in self._versions_of(job):
                self._drop(version)
            del self._jobs[job.id]
            self._records.remove("v1-job", job.id)
        return {}

    def find(self, arguments: Arguments) -> tuple[Job, Version]:
        """The job and the version of a path; the lock must be held.

        Raises:
            ApiError: There is no such thing.
        """
        job, number = self._job(arguments), arguments.number("version")
        version = self._versions.get(number)
        if version is None or version.job_id != job.id:
            raise ApiError("ModelArts.0105", f"The training job {job.id} has no version {number}.", 404)
        return job, version

    # rules

    def _checked(self, asked: Asked) -> Asked:
        """What was asked for, if the places that it names are there."""
        config = asked.config
        if (found := dataset_of(config)) and self._datasets.place(*found) is None:
            raise ApiError("ModelArts.0901", f"The URL of dataset {found[0]} could not be resolved.")
        if "boot_file_url" in config and not self._storehouse.has_file(to_s3(config["boot_file_url"])):
            raise ApiError("ModelArts.1002", f"The OBS file {config['boot_file_url']} does not exist.")
        places = [config[name] for name in ("data_url", "train_url", "log_url") if name in config]
        places += [item["data_url"] for item in config.get("data_source", ()) if "data_url" in item]
        for place in places:
            if not self._storehouse.has_bucket(to_s3(place)):
                raise ApiError("ModelArts.1003", f"The OBS path {place} cannot be accessed.")
        return asked

    def _start(self, job: Job, asked: Asked) -> Version:
        job.made += 1
        self._keep(job)
        version = Version(
            self._records.next_id(FIRST_VERSION, "v1-version"),
            job.id,
            job.made,
            asked.config,
            asked.flavor.code if asked.flavor else "",
            f"job{secrets.token_hex(4)}",
            Life(asked.config["worker_server_num"], time.time()),
        )
        self._versions[version.id] = version
        self._save(version)
        endpoint, datasets = self._workshop.obs_endpoint, self._datasets
        self._workshop.start(
            version.key,
            version.life,
            lambda cluster, keys: make_plan(job, version, cluster, keys, endpoint, datasets),
            lambda: self._save(version),
        )
        return version

    def _made(self, job: Job, version: Version) -> dict[str, Any]:
        return {
            "job_id": job.id,
            "job_name": job.name,
            "status": STATUS[stages.CREATED],
            "create_time": milliseconds(version.life.created),
            "version_id": version.id,
            "version_name": version.name,
        }

    def _drop(self, version: Version) -> None:
        del self._versions[version.id]
        self._records.remove("v1-version", version.id)
        self._workshop.drop(version.key, version.life)

    def _keep(self, job: Job) -> None:
        self._records.put("v1-job", job.id, asdict(job))

    def _save(self, version: Version) -> None:
        self._records.put("v1-version", version.id, version.dump())

    def _job(self, arguments: Arguments) -> Job:
        number = arguments.number("job")
        if number not in self._jobs:
            raise ApiError("ModelArts.0105", f"The training job {number} does not exist.", 404)
        return self._jobs[number]

    def _versions_of(self, job: Job) -> list[Version]:
        return sorted((one for one in self._versions.values() if one.job_id == job.id), key=lambda one: one.number)

    def _dataset(self, version: Version) -> str | None:
        found = dataset_of(version.config)
        return self._datasets.place(*found) if found else None

    @staticmethod
    def _fits(job: Job, search: str, query: Query) -> bool:
        return search in job.name and query.text("workspace_id", "0") == job.workspace

    def _row(self, job: Job) -> dict[str, Any]:
        versions = self._versions_of(job)
        newest = versions[-1] if versions else None
        return {
            "job_id": job.id,
            "job_name": job.name,
            "job_desc": job.desc,
            "version_id": newest.id if newest else None,
            "status": newest.status if newest else 0,
            "create_time": milliseconds(job.created),
            "duration": milliseconds(newest.life.duration(time.time())) if newest else 0,
            "version_count": len(versions),
        }
