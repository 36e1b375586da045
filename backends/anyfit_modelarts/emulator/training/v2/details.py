"""A job as the API shows it (reference, section 3.4)."""

from __future__ import annotations

import time
from typing import Any

from anyfit_modelarts.emulator.training import life as stages
from anyfit_modelarts.emulator.training.v2.algorithm_bodies import engine_shown
from anyfit_modelarts.emulator.training.v2.offers import flavor_info
from anyfit_modelarts.emulator.training.v2.planning import local_dir
from anyfit_modelarts.emulator.training.v2.values import PHASES, Job
from anyfit_modelarts.emulator.wire import milliseconds

__all__ = ["job_object"]

_ADDED = {"job_template": "Template DL", "key_task": "worker"}
_ENGINE = ("engine_id", "engine_name", "engine_version", "image_url")
_ECHOED = (
    "volumes", "schedule_policy", "custom_metrics", "output_model", "asset_model", "auto_stop", "notification",
    "retention", "reserved_time", "log_export_config", "asset_id",
)  # fmt: skip


def job_object(job: Job, user: str, experiment: dict[str, Any] | None) -> dict[str, Any]:
    """The whole of it.

    Args:
        user: Who made it.
        experiment: The reference to its experiment, if it has one.
    """
    metadata = {
        "id": job.id,
        **job.metadata,
        "annotations": {**_ADDED, **job.metadata["annotations"]},
        "user_name": user,
        "create_time": milliseconds(job.life.created),
    }
    if experiment:
        metadata["training_experiment_reference"] = experiment
    return {
        "kind": "job",
        "metadata": metadata,
        "status": _status(job),
        "algorithm": _algorithm(job),
        "spec": _spec(job),
        **job.more,
    }


def _status(job: Job) -> dict[str, Any]:
    life = job.life
    phase, secondary = PHASES[life.stage]
    document: dict[str, Any] = {
        "phase": phase,
        "secondary_phase": secondary,
        "duration": milliseconds(life.duration(time.time())),
        "start_time": milliseconds(life.prepared),
        "node_count_metrics": _node_counts(job),
        "tasks": job.tasks,
        "running_records": _records(job),
    }
    if life.address:
        pairs = zip(job.tasks, life.address, strict=True)
        document["task_ips"] = [
            {"task": task, "ip": address, "host_ip": address, "schedule_count": 1} for task, address in pairs
        ]
    if life.stage == stages.FAILED:
        codes = life.codes or [-1] * life.nodes
        document["task_statuses"] = [
            {"task": task, "exit_code": code, "message": life.message}
            for task, code in zip(job.tasks, codes, strict=True)
            if code
        ]
    return document


def _node_counts(job: Job) -> list[list[int]] | None:
    if not job.life.prepared:
        return None
    ended = [[milliseconds(job.life.ended), 0]] if job.life.ended else []
    return [[milliseconds(job.life.prepared), job.life.nodes], *ended]


def _records(job: Job) -> list[dict[str, Any]]:
    life = job.life
    spans = [(begin, end, f"exited with code {code:g}") for begin, end, code in life.failures]
    spans += [(life.started, life.ended, life.message)] if life.started else []
    found: list[dict[str, Any]] = []
    for begin, end, reason in spans:
        start = "restarted" if found else "init_or_rescheduled"
        found.append({"start_at": int(begin), "start_type": start})
        if end:
            found[-1] |= {"end_at": int(end), "end_reason": reason}
    return found


def _algorithm(job: Job) -> dict[str, Any]:
    algorithm = job.algorithm
    engine = {**dict.fromkeys(_ENGINE, ""), **engine_shown(algorithm.get("engine", {}))}
    shown = {
        **algorithm,
        "parameters": algorithm.get("parameters", []),
        "policies": algorithm.get("policies", {}),
        "engine": engine,
        "environments": algorithm.get("environments", {}),
    }
    for kind in ("inputs", "outputs"):
        mode = {"mode": "upload_periodically", "period": 30} if kind == "outputs" else {}
        shown[kind] = [
            {"access_method": "parameter", **item, "local_dir": local_dir(job, item, kind), **mode}
            for item in algorithm.get(kind, ())
        ]
    return shown


def _spec(job: Job) -> dict[str, Any]:
    spec, machine = job.spec, job.machine
    resource = {"policy": "regular", **spec["resource"]}
    if job.flavor:
        resource |= {"flavor_name": machine.code}
        resource["flavor_detail"] = {
            "flavor_type": machine.kind,
            "billing": {"code": machine.code, "unit_num": 1},
            "flavor_info": flavor_info(machine, texts=True),
        }
    return {
        "resource": resource,
        "log_export_path": spec.get("log_export_path") or {},
        "is_hosted_log": not spec.get("log_export_path"),
        **{name: spec[name] for name in _ECHOED if name in spec},
    }
