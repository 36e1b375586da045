"""A version as the API shows it (reference, sections 2.7 and 2.8)."""

from __future__ import annotations

import json
import time
from typing import Any

from anyfit_modelarts.emulator.places import to_path
from anyfit_modelarts.emulator.training.usage import by_minute
from anyfit_modelarts.emulator.training.v1.values import Job, Version
from anyfit_modelarts.emulator.training.workshop import Workshop
from anyfit_modelarts.emulator.wire import milliseconds

__all__ = ["detail", "list_item"]

_ECHOED = (
    "app_url", "boot_file_url", "train_url", "log_url", "data_source", "dataset_id", "dataset_version_id", "parameter",
    "worker_server_num", "user_image_url", "user_command", "model_id", "pool_id", "volumes", "pre_version_id",
)  # fmt: skip
_EMPTY = (
    "user_frame_image", "algorithm_id", "retrain_model_id", "npu_info", "gpu", "is_zombie", "inputs", "outputs",
    "autosearch_config", "error_result", "dataset_name", "dataset_version_name", "nas_mount_path", "nas_share_addr",
)  # fmt: skip
_POOL = {"pool_id": "pool7d1e384a", "pool_name": "hec-train-pub-cpu", "pool_type": "SYSTEM_DEFINED"}
_UNUSED = ("gpuUtil", "gpuMemUsage", "diskReadRate", "diskWriteRate", "recvBytesRate", "sendBytesRate")


def detail(job: Job, version: Version, workshop: Workshop, dataset: str | None) -> dict[str, Any]:
    """The whole of it, with what it used of the machine.

    Args:
        dataset: Where its data set lies, as `s3://…`, if it has one.
    """
    head = {"job_id": job.id, "job_name": job.name, "job_desc": job.desc}
    return {**head, **_version(version, workshop, dataset), "system_metric_list": _usage(version, workshop)}


def list_item(version: Version, workshop: Workshop, dataset: str | None) -> dict[str, Any]:
    """The same in a list: figures are numbers, and those of the machine a text."""
    document = _version(version, workshop, dataset)
    machine = version.machine
    more = {"gpu": machine.kind == "GPU", "core": machine.cores, "cpu": machine.memory}
    return {**document, **more, "system_metric_list": json.dumps(_usage(version, workshop))}


def _version(version: Version, workshop: Workshop, dataset: str | None) -> dict[str, Any]:
    config, life, machine, engine = version.config, version.life, version.machine, version.engine
    return {
        **dict.fromkeys(_EMPTY),
        **{name: config.get(name) for name in _ECHOED},
        **(_POOL if "pool_id" not in config else {"pool_name": config["pool_id"], "pool_type": "USER_DEFINED"}),
        "parameter": config.get("parameter", []),
        "data_url": _data_url(config, dataset),
        "version_id": version.id,
        "version_name": version.name,
        "status": version.status,
        "job_type": 1,
        "create_time": milliseconds(life.created),
        "start_time": milliseconds(life.prepared),
        "duration": milliseconds(life.duration(time.time())),
        "engine_id": engine.id if engine else None,
        "engine_type": engine.type if engine else None,
        "engine_name": engine.name if engine else None,
        "engine_version": engine.version if engine else None,
        "pod_version": _pod_version(engine.version) if engine else None,
        "max_num": machine.most,
        "spec_id": machine.spec_id,
        "spec_code": machine.code,
        "flavor_code": machine.code,
        "core": str(machine.cores),
        "cpu": str(machine.memory),
        "storage": f"{machine.disk}GB" if machine.disk else "",
        "gpu_num": machine.cards if machine.kind == "GPU" else 0,
        "gpu_type": machine.card if machine.kind == "GPU" else "",
        "no_resource": False,
        "nas_type": "efs",
        "resource_id": version.resource_id,
        "model_outputs": [],
        "task_summary": {},
        "model_metric_list": "{}",
    }


def _data_url(config: dict[str, Any], dataset: str | None) -> str | None:
    if dataset:
        return to_path(dataset)
    url: str | None = config.get("data_url") or next((item["data_url"] for item in config.get("data_source", ())), None)
    return url


def _pod_version(engine: str) -> str:
    """`TF-1.8.0-python3.6` as `1.8.0-cp36`."""
    number, _, python = engine.partition("-")[2].rpartition("-python")
    return f"{number}-cp{python.replace('.', '')}"


def _usage(version: Version, workshop: Workshop) -> dict[str, Any]:
    """One value a minute of the first machine, as texts."""
    machine = version.machine
    cpu, memory = by_minute(workshop.usage(version.key, 0), machine.cores, machine.memory)
    figures = {"cpuUsage": cpu, "memUsage": memory, **{name: [0.0] * len(cpu) for name in _UNUSED}}
    return {**{name: [f"{value:g}" for value in values] for name, values in figures.items()}, "interval": 1}
