"""All jobs of the second generation: making, finding, changing, stopping, deleting (reference, section 3)."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any
from uuid import uuid4

from anyfit_emulator.records import Records
from anyfit_modelarts.emulator.calls import Arguments
from anyfit_modelarts.emulator.datasets import Datasets
from anyfit_modelarts.emulator.errors import V2, ApiError
from anyfit_modelarts.emulator.members import Members
from anyfit_modelarts.emulator.places import to_s3
from anyfit_modelarts.emulator.storehouse import Storehouse
from anyfit_modelarts.emulator.training import life as stages
from anyfit_modelarts.emulator.training.life import Life
from anyfit_modelarts.emulator.training.v2.algorithm_bodies import check_code
from anyfit_modelarts.emulator.training.v2.algorithms import Algorithms
from anyfit_modelarts.emulator.training.v2.bodies import Asked, check_job, check_schedule, check_suits
from anyfit_modelarts.emulator.training.v2.details import job_object
from anyfit_modelarts.emulator.training.v2.experiments import Experiments
from anyfit_modelarts.emulator.training.v2.planning import make_plan
from anyfit_modelarts.emulator.training.v2.resolving import check_value, from_definition
from anyfit_modelarts.emulator.training.v2.searching import Search
from anyfit_modelarts.emulator.training.v2.values import Job
from anyfit_modelarts.emulator.training.workshop import Workshop

__all__ = ["TrainingJobs"]

QUOTA = 10_000
_STOPPABLE = (stages.CREATED, stages.QUEUED, stages.PREPARING, stages.RUNNING)


class TrainingJobs:
    """The desk; safe from any thread."""

    def __init__(
        self,
        records: Records,
        workshop: Workshop,
        datasets: Datasets,
        algorithms: Algorithms,
        experiments: Experiments,
    ) -> None:
        self._records = records
        self._workshop = workshop
        self._lock = workshop.lock
        self._user = workshop.account.username
        self._datasets = datasets
        self._storehouse = Storehouse(workshop.store)
        self._algorithms = algorithms
        self._experiments = experiments
        experiments.count = self._count
        self._jobs = {key: Job.load(document) for key, document in records.all("v2-job")}

    def recover(self) -> None:
        """Call lost what an earlier emulator left running; its processes are gone."""
        for job in self._jobs.values():
            if not job.life.has_ended:
                self._workshop.lose(job.key, job.life)
                self._save(job)

    # calls

    def create(self, arguments: Arguments) -> dict[str, Any]:
        """`POST /training-jobs`."""
        asked = check_job(arguments.body)
        program = asked.program
        if "id" in asked.given:
            program = from_definition(self._algorithms.find(asked.given["id"]), program)
            check_suits(program.get("engine", {}), asked.flavor)
        elif asked.given:
            raise ApiError("ModelArts.2755", "The subscribed algorithm does not exist.")
        self._check(asked, program)
        with self._lock:
            if self._named(asked.metadata["name"]):
                raise ApiError("ModelArts.2751", f"The training job name {asked.metadata['name']} already exists.")
            if len(self._jobs) >= QUOTA:
                raise ApiError("ModelArts.2815", "The quota of training jobs is used up.")
            job = Job(
                str(uuid4()),
                asked.metadata,
                program,
                asked.spec,
                asked.more,
                asked.flavor.code if asked.flavor else "",
                Life(asked.nodes, time.time()),
                self._experiments.of_job(asked.experiment),
            )
            self._jobs[job.id] = job
            self._save(job)
            shown = self._shown(job)
            self._begin(job)
        return shown

    def search(self, arguments: Arguments) -> dict[str, Any]:
        """`POST /training-job-searches`."""
        search = Search.read(arguments.body)
        with self._lock:
            found = search.find(self._jobs.values(), arguments.caller.user_id)
            items = [self._shown(job) for job in search.page(found)]
            total = len(self._jobs)
        return {
            "total": total,
            "count": len(found),
            "limit": search.limit,
            "offset": search.offset,
            "sort_by": search.sort,
            "order": search.order,
            "group_by": arguments.body.get("group_by") or "",
            "workspace_id": search.workspace,
            "ai_project": "default-ai-project",
            "items": items,
        }

    def detail(self, arguments: Arguments) -> dict[str, Any]:
        """`GET /training-jobs/{job}`."""
        with self._lock:
            return self._shown(self.find(arguments.path["job"]))

    def change(self, arguments: Arguments) -> None:
        """`PUT /training-jobs/{job}`."""
        members = Members(arguments.body)
        description = members.text("description", 256)
        spec, metadata = members.child("spec"), members.child("metadata")
        if spec is not None:
            check_schedule(spec)
        annotation = metadata.texts("annotation") if metadata is not None else {}  # sic: not annotations
        members.finish(V2.invalid)
        with self._lock:
            job = self.find(arguments.path["job"])
            if description is not None:
                job.metadata["description"] = description
            job.metadata["annotations"] = {**job.metadata["annotations"], **annotation}
            for name in ("notification", "schedule_policy"):
                if spec is not None and name in spec:
                    job.spec[name] = {**job.spec.get(name, {}), **spec.raw(name)}
            if members.child("endpoints") is not None:
                job.more["endpoints"] = members.raw("endpoints")
            self._save(job)

    def act(self, arguments: Arguments) -> dict[str, Any]:
        """`POST …/actions`: the one there is, is to terminate."""
        if arguments.body.get("action_type") != "terminate":
            raise ApiError("ModelArts.2812", f"The action {arguments.body.get('action_type')} is not supported.")
        with self._lock:
            job = self.find(arguments.path["job"])
            if job.life.stage not in _STOPPABLE:
                raise ApiError("ModelArts.2796", f"The job cannot be terminated in the phase {job.phase}.", 409)
            self._workshop.stop(job.key)
            return self._shown(job)

    def delete(self, arguments: Arguments) -> None:
        """`DELETE /training-jobs/{job}`."""
        with self._lock:
            self._drop(self.find(arguments.path["job"]))

    def delete_many(self, arguments: Arguments) -> None:
        """`POST /training-jobs/batch-delete`."""
        members = Members(arguments.body)
        items = members.children("jobs")
        ids = [
            metadata.text("id", required=True) for item in items if (metadata := item.child("metadata", required=True))
        ]
        if not 1 <= len(items) <= 100:
            members.fault("jobs", "must be a list of 1 to 100 jobs")
        members.finish(V2.invalid)
        with self._lock:
            for job in [self.find(str(one)) for one in dict.fromkeys(ids)]:
                self._drop(job)

    def check_name(self, arguments: Arguments) -> dict[str, Any]:
        """`GET /training-job-names`."""
        with self._lock:
            return {"is_duplicate": self._named(arguments.query.text("job_name"))}

    def quotas(self, arguments: Arguments) -> dict[str, Any]:
        """`GET /training-quotas`."""
        return {"quotas": [{"resource": "job-num", "quota": QUOTA, "used": len(self._jobs)}]}

    # for the other desks of jobs

    def find(self, job_id: str) -> Job:
        """A job; the lock must be held.

        Raises:
            ApiError: There is none.
        """
        if job_id not in self._jobs:
            raise ApiError("ModelArts.2775", f"The training job {job_id} does not exist.")
        return self._jobs[job_id]

    def all(self) -> list[Job]:
        """Every job."""
        with self._lock:
            return list(self._jobs.values())

    def save(self, job: Job) -> None:
        """Keep what was changed."""
        self._save(job)

    def log_file(self, name: str) -> Path | None:
        """The file of a log, by the name `<job>/modelarts-job-<job>-worker-<node>.log` of its link."""
        job_id, _, file = name.partition("/")
        node = file.rpartition("-worker-")[2].removesuffix(".log")
        with self._lock:
            known = job_id in self._jobs and node.isdigit() and int(node) < self._jobs[job_id].life.nodes
            return self._workshop.log_file(job_id, int(node)) if known else None

    # rules

    def _check(self, asked: Asked, program: dict[str, Any]) -> None:
        for parameter in program.get("parameters", ()):
            check_value(parameter)
        for channel in program.get("inputs", ()):
            dataset = (channel.get("remote") or {}).get("dataset")
            if dataset and self._datasets.newest(dataset["id"]) is None:
                raise ApiError("ModelArts.2783", f"The dataset {dataset['id']} does not exist.")
            if dataset and dataset.get("version_id") and not self._datasets.place(dataset["id"], dataset["version_id"]):
                raise ApiError("ModelArts.2782", f"The dataset version {dataset['version_id']} does not exist.")
            self._check_channel(channel)
        for channel in program.get("outputs", ()):
            self._check_channel(channel)
        export = (asked.spec.get("log_export_path") or {}).get("obs_url")
        if export and not self._storehouse.has_bucket(to_s3(export)):
            raise ApiError("ModelArts.2820", f"The log export path {export} does not exist.")
        check_code(program, self._storehouse)

    def _check_channel(self, channel: dict[str, Any]) -> None:
        if not channel.get("remote"):
            raise ApiError("ModelArts.2753", f"The channel {channel['name']} needs a place.")
        obs = channel["remote"].get("obs")
        if obs and not self._storehouse.has_bucket(to_s3(obs["obs_url"])):
            raise ApiError("ModelArts.2791", f"The OBS path {obs['obs_url']} cannot be accessed.")

    def _begin(self, job: Job) -> None:
        endpoint, api, datasets = self._workshop.obs_endpoint, self._workshop.api_endpoint, self._datasets
        self._workshop.start(
            job.key,
            job.life,
            lambda cluster, keys: make_plan(job, cluster, keys, endpoint, api, datasets),
            lambda: self._save(job),
        )

    def _shown(self, job: Job) -> dict[str, Any]:
        return job_object(job, self._user, self._experiments.reference(job.experiment))

    def _drop(self, job: Job) -> None:
        del self._jobs[job.id]
        self._records.remove("v2-job", job.id)
        self._workshop.drop(job.key, job.life)

    def _save(self, job: Job) -> None:
        self._records.put("v2-job", job.id, job.dump())

    def _named(self, name: str) -> bool:
        return any(job.name == name for job in self._jobs.values())

    def _count(self, experiment_id: str) -> int:
        return sum(job.experiment == experiment_id for job in self.all())
