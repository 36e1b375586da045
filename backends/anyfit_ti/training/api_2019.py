"""Training jobs of 2019-10-22, their log and their use of machines."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from threading import Lock
from typing import Any
from urllib.parse import parse_qs, urlsplit

from anyfit.backend import Artifact, JobState, LogPage, Plan, Series, Status
from anyfit.cloud.ending import ask_to_end
from anyfit.cloud.leavings import End
from anyfit.errors import NotFound, ServiceError, Unsupported
from anyfit.spec import Channel, JobSpec
from anyfit.storage import Uri
from anyfit_ti.client import LIST_2019, Client
from anyfit_ti.errors import name_is_taken
from anyfit_ti.facts import Bucket, FactBook, Facts, results_of
from anyfit_ti.logs import Entry, entries_2019, read_page
from anyfit_ti.places import folder
from anyfit_ti.series import USE, use_series
from anyfit_ti.states import ENDED_2019, state_2019
from anyfit_ti.wire import Job2019, Raw, beijing, nanoseconds, rows, says, table, text, whole

__all__ = ["OldJobs"]

_FEW = 2  # so many jobs are asked for one by one, which tells more of each
_PAGE = "100"
_ENDING = ENDED_2019 | {"Stopping"}
_MADE_OF = ("HyperParameters", "OutputDataConfig", "AlgorithmSpecification")
_MINUTE = 60 * 10**9
_PERIOD = 60
_KEPT = "checkpoints/anyfit/"


class OldJobs:
    """The jobs of one account.

    Args:
        client: Makes the calls.
        bucket: Reads what belongs to jobs.
        now: The time as the service counts it, in seconds since 1970.
    """

    def __init__(self, client: Client, bucket: Bucket, now: Callable[[], float]) -> None:
        self._client = client
        self._bucket = bucket
        self._now = now
        self._lock = Lock()
        self._facts = FactBook(lambda name: _facts(client.job(name)), bucket)
        self._ended: dict[str, JobState | None] = {}
        self._topic: tuple[str, str] | None = None

    def submit(self, plan: Plan, body: Raw) -> str:
        """Start the job; an answer that was lost is looked up by name, and never asked for twice."""
        spec = plan.spec
        if spec.checkpoint_path:
            self._bucket.bring_checkpoints(folder(spec.checkpoint_path))
        try:
            self._client.create_job(body)
        except ServiceError as fault:
            self._lost(spec, body, fault)
        if spec.checkpoint_path:
            place = f"{_results(body)}checkpoints/"
            self._bucket.records.note_checkpoints(folder(spec.checkpoint_path), place)
        return spec.key

    def find(self, key: str) -> str | None:
        """The job of that name, unless it was deleted."""
        try:
            self._client.job(key)
        except NotFound:
            return None
        return None if self._bucket.records.is_deleted(key) else key

    def every(self, limit: int | None) -> list[tuple[int, str, str]]:
        """All jobs but those that were deleted: when they were made, their names and ids, which are the same.

        The platform promises no order, so a limit spares nothing.
        """
        jobs = self._client.jobs()
        gone = self._bucket.records.deleted() if jobs else set()
        return [(nanoseconds(job.created) or 0, job.name, job.name) for job in jobs if job.name not in gone]

    def describe(self, names: Sequence[str]) -> dict[str, JobState]:
        """How jobs are: many in one request, of which those that have ended are then asked for one by one, once."""
        found: dict[str, JobState] = {}
        open_ones = [name for name in names if name not in self._ended]
        listed = self._listed(open_ones) if len(open_ones) > _FEW else {}
        for name in names:
            if name in self._ended:
                state = self._ended[name]
            elif name in listed and listed[name].status not in ENDED_2019:
                state = state_2019(listed[name])
            elif len(open_ones) > _FEW and name not in listed:
                state = None
            else:
                state = self._asked(name)
            if state is not None:
                found[name] = state
        return found

    def logs(self, name: str, cursor: str) -> LogPage:
        """A page of the log, as the log service has it."""
        facts = self._facts.of(name)
        topic = self._find_topic()
        if topic is None:
            return LogPage((), cursor)

        def fetch(start: int, context: str) -> tuple[list[Entry], str]:
            parameters = {
                "logset_id": topic[0],
                "topic_ids": topic[1],
                "query": f"job:{name}",
                "limit": _PAGE,
                "sort": "asc",
                "start_time": beijing(start),
                "end_time": beijing(int(self._now()) * 10**9 + _MINUTE),
                "context": context,
            }
            found, after = self._client.search_log(parameters)
            return entries_2019(found), after

        return read_page(fetch, cursor, begin=facts.created - _MINUTE, nodes=facts.nodes)

    def logs_tail(self, name: str, lines: int) -> LogPage | None:
        """None: the log service sorts, but its pages cannot be told from a whole."""
        return None

    def job_spec(self, name: str) -> JobSpec:
        """What was asked for."""
        return self._facts.whole(name).spec

    def artifacts(self, name: str) -> list[Artifact]:
        """What the job left; empty before it ends."""
        job = self._client.job(name)
        if job.status not in ENDED_2019:
            return []
        return self._bucket.artifacts(self._facts.of(name).results, _shown)

    def output_uri(self, name: str) -> str:
        """Where results come to."""
        return results_of(self._facts.of(name))

    def pushed(self, name: str) -> list[Series]:
        """None: scripts have nothing to push curves with."""
        return []

    def push(self, name: str, values: Mapping[str, float], at: int, step: int | None) -> None:
        """Refused: there is no such call."""
        raise Unsupported("jobs of 2019 have no call for metrics", backend="ti")

    def utilization(self, name: str) -> list[Series]:
        """Use of machines, one question for each curve."""
        job = self._client.job(name)
        now = int(self._now()) * 10**9
        span = {
            "StartTime": beijing(nanoseconds(job.started or job.created) or now),
            "EndTime": beijing(nanoseconds(job.ended) or now),
        }
        instance = [{"Dimensions": [{"Name": "JobId", "Value": job.instance}]}]
        found: list[Series] = []
        for metric in USE:
            asked = {"Namespace": "qce/tione_sdk_job", "MetricName": metric, "Period": _PERIOD}
            found += use_series(metric, self._client.monitor({**asked, "Instances": instance, **span}))
        return found

    def stop(self, name: str) -> None:
        """Ask the job to end; one that has ended, or is ending, is fine."""
        if self._client.job(name).status in _ENDING:
            return
        ask_to_end(lambda: self._client.stop_job(name), lambda: self._client.job(name).status in _ENDING)

    def is_over(self, name: str) -> bool:
        """Whether the job has ended."""
        return self._client.job(name).status in ENDED_2019

    def delete(self, name: str) -> None:
        """Hide the job, for the platform keeps it for ever, and remove the code that anyfit had put there."""
        facts = self._facts.whole(name)
        self._bucket.records.mark_deleted(name)
        if facts.job:
            code = [facts.code.rpartition("/")[0]]
            self._bucket.remove([*code, str(Uri.parse(code[0]).parent.join("code"))])
        self._facts.forget(name)
        with self._lock:
            self._ended[name] = None

    def _lost(self, spec: JobSpec, body: Raw, fault: ServiceError) -> None:
        """Nobody knows whether the job was made: look."""
        try:
            found = self._client.job(spec.key)
        except NotFound:
            raise fault from None
        if any(not says(_plain(found.raw.get(name)), _plain(body.get(name))) for name in _MADE_OF):
            raise name_is_taken("InvalidParameterValue.DuplicateName", f"job {spec.key}") from fault

    def _listed(self, names: Sequence[str]) -> dict[str, Job2019]:
        found = {}
        for start in range(0, len(names), LIST_2019):
            for job in self._client.jobs(names[start : start + LIST_2019]):
                found[job.name] = job
        return found

    def _asked(self, name: str) -> JobState | None:
        """How a job is, None where there is none; its end is asked for once."""
        try:
            job = self._client.job(name)
        except NotFound:
            return None
        state = state_2019(job)
        if job.status not in ENDED_2019:
            return state
        ended: JobState | None = state
        if self._bucket.records.is_deleted(name):
            ended = None
        elif state.status == Status.FAILED and (results := _results(job.raw)):
            end = self._end(results)
            if end is None:
                return state
            ended = end.told(state)
        with self._lock:
            self._ended[name] = ended
        return ended

    def _end(self, results: str) -> End | None:
        return self._bucket.end(f"{results}{_KEPT}")

    def _find_topic(self) -> tuple[str, str] | None:
        """The log set and the topic of training jobs; None before the first job has made them."""
        if self._topic is None:
            sets = [text(row, "logset_id") for row in self._client.log_sets() if text(row, "logset_name") == "TiOne"]
            for log_set in sets[:1]:
                topics = self._client.log_topics(log_set)
                found = [text(row, "topic_id") for row in topics if text(row, "topic_name") == "TrainingJob"]
                self._topic = (log_set, found[0]) if found else None
        return self._topic


def _shown(name: str) -> str:
    """The launcher leaves plain files beside the checkpoints, for the platform packs everything else."""
    return name.removeprefix(_KEPT)


def _results(raw: Raw) -> str:
    """The folder of what a job leaves, by what was asked or by what is told; "" where it is not in COS."""
    output = table(raw, "OutputDataConfig")
    bucket, prefix = text(output, "CosOutputBucket"), text(output, "CosOutputKeyPrefix")
    if not bucket:
        return _of_console(text(table(raw, "ModelArtifacts"), "CosModelArtifacts"))
    name = text(raw, "TrainingJobName")
    return f"cos://{bucket}/{prefix}{'/' if prefix and not prefix.endswith('/') else ''}{name}/output/"


def _of_console(url: str) -> str:
    """The folder of the model's archive, whose address is told as that of a page of the console."""
    asked = parse_qs(urlsplit(url).query)
    bucket, path = asked.get("bucketName", [""])[0], asked.get("path", [""])[0]
    return f"cos://{bucket}/{path.lstrip('/').rpartition('/')[0]}/" if bucket and path else ""


def _decoded(written: str) -> dict[str, Any]:
    """Hyperparameters as the vendor's launcher reads them: texts that are JSON are what they mean."""
    try:
        given = json.loads(written or "{}")
    except ValueError:
        return {}
    return {name: _value(value) for name, value in given.items()} if isinstance(given, dict) else {}


def _value(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except ValueError:
        return value


def _plain(value: Any) -> Any:
    """Without the members that are null, which the platform adds."""
    if isinstance(value, Mapping):
        return {name: _plain(each) for name, each in value.items() if each is not None}
    return value


def _facts(job: Job2019) -> Facts:
    hyperparameters = _decoded(text(job.raw, "HyperParameters"))
    code = hyperparameters.get("ti_submit_directory")
    return Facts(
        key=job.name,
        created=nanoseconds(job.created) or 0,
        results=_results(job.raw),
        code=code if isinstance(code, str) and code.startswith("cos://") else "",
        guess=_guessed(job, hyperparameters),
    )


def _guessed(job: Job2019, hyperparameters: Mapping[str, Any]) -> JobSpec:
    """A spec of what others than anyfit have started, as the vendor's own `attach` would have it."""
    raw = job.raw
    resources = table(raw, "ResourceConfig")
    inputs = {}
    for row in rows(raw, "InputDataConfig"):
        source = table(table(row, "DataSource"), "CosDataSource")
        if text(source, "Bucket"):
            uri = f"cos://{text(source, 'Bucket')}/{text(source, 'KeyPrefix')}"
            inputs[text(row, "ChannelName")] = Channel(uri=uri)
    output = table(raw, "OutputDataConfig")
    bucket = text(output, "CosOutputBucket")
    program = hyperparameters.get("ti_program")
    return JobSpec(
        name=job.name,
        entry_point=program if isinstance(program, str) else "",
        image=text(table(raw, "AlgorithmSpecification"), "TrainingImageName"),
        hyperparameters={name: value for name, value in hyperparameters.items() if not name.startswith("ti_")},
        inputs=inputs,
        instance_type=text(resources, "InstanceType"),
        instance_count=whole(resources.get("InstanceCount")) or 1,
        volume_size=whole(resources.get("VolumeSizeInGB")) or None,
        output_path=f"cos://{bucket}/{text(output, 'CosOutputKeyPrefix')}" if bucket else "",
        max_run=whole(table(raw, "StoppingCondition").get("MaxRuntimeInSeconds")) or 86400,
    )
