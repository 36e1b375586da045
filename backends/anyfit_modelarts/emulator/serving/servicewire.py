"""Services as they are shown (reference, sections 5.5 and 5.6)."""

from __future__ import annotations

from typing import Any

from anyfit_modelarts.emulator.models import Model
from anyfit_modelarts.emulator.serving.deployment import Deployment, Part
from anyfit_modelarts.emulator.serving.record import Service
from anyfit_modelarts.emulator.serving.specifications import OFFERED
from anyfit_modelarts.emulator.serving.traffic import Traffic

__all__ = ["detail", "head", "monitor"]

_MIB = 1 << 20
_PROGRESS = {"deploying": 50}
_FIGURES = ("usage", "total", "memory_usage", "memory_total")
_NO_ACCELERATORS = {f"{kind}_{figure}": 0 for kind in ("gpu", "npu") for figure in _FIGURES}


def head(service: Service, traffic: Traffic) -> dict[str, Any]:
    """What lists and details have in common."""
    asked, calls = service.asked, traffic.of_service(service.id)
    return {
        "service_id": service.id,
        "service_name": service.name,
        "description": asked.get("description", ""),
        "tenant": service.tenant,
        "project": service.project,
        "owner": service.owner,
        "publish_at": service.published,
        "infer_type": asked["infer_type"],
        "workspace_id": asked.get("workspace_id", "0"),
        "status": service.status,
        "progress": _PROGRESS.get(service.status, 100),
        "invocation_times": calls.invocations,
        "failed_times": calls.failures,
        "is_shared": False,
        "shared_count": 0,
        "operation_time": service.updated,
        "transition_at": service.changed,
        "schedule": asked.get("schedule", []),
        "is_free": all(_is_free(item) for item in asked["config"]),
        "is_opened_sample_collection": False,
        "additional_properties": asked.get("additional_properties", {}),
        **({"due_time": service.due} if service.due else {}),
    }


def detail(
    service: Service, traffic: Traffic, models: dict[str, Model], deployment: Deployment | None, address: str
) -> dict[str, Any]:
    """Everything; `models` are those that still exist."""
    asked = service.asked
    kept = ("cluster_id", "pool_name", "vpc_id", "subnet_network_id", "security_group_id")
    shown = {
        **head(service, traffic),
        **{name: asked[name] for name in kept if name in asked},
        "load_balancer_policy": asked.get("load_balancer_policy", "ROUND_ROBIN"),
        "priority": asked.get("priority", 1),
        "update_time": service.updated,
        "debug_url": "",
        "bind_access_address": "",
        "config": [_part(service, item, models.get(item["model_id"]), deployment) for item in asked["config"]],
    }
    if service.reachable:
        shown["access_address"] = address
    if service.message:
        shown["error_msg"] = service.message
    return shown


def monitor(
    service: Service, traffic: Traffic, models: dict[str, Model], deployment: Deployment | None
) -> dict[str, Any]:
    """What it does and what it uses."""
    found = [
        _monitor_part(service, item, traffic, models.get(item["model_id"]), _running(item["model_id"], deployment))
        for item in service.asked["config"]
    ]
    return {
        "service_id": service.id,
        "service_name": service.name,
        "monitors": found,
        "service_instance_count": sum(part["model_instance_count"] for part in found),
        "service_running_instance_count": sum(part["model_running_instance_count"] for part in found),
        "req_count_per_min": traffic.per_minute(service.id),
    }


def _monitor_part(
    service: Service, item: dict[str, Any], traffic: Traffic, model: Model | None, part: Part | None
) -> dict[str, Any]:
    calls = traffic.of_model(service.id, item["model_id"])
    alive = [instance for instance in part.instances if instance.alive] if part else []
    samples = [sample for instance in alive if (sample := instance.usage())]
    cpu, memory = _machine(item)
    return {
        **_named(item, model),
        "invocation_times": calls.invocations,
        "failed_times": calls.failures,
        "cpu_core_usage": round(sum(sample.cpu_percent for sample in samples) / 100, 3),
        "cpu_core_total": cpu * len(alive),
        "cpu_memory_usage": sum(sample.memory_bytes for sample in samples) // _MIB,
        "cpu_memory_total": memory * len(alive),
        **_NO_ACCELERATORS,
        "model_instance_count": item["instance_count"],
        "model_running_instance_count": len(alive),
    }


def _part(service: Service, item: dict[str, Any], model: Model | None, deployment: Deployment | None) -> dict[str, Any]:
    part = _running(item["model_id"], deployment)
    alive = sum(instance.alive for instance in part.instances) if part else 0
    status = "ready" if alive == item["instance_count"] else "concerning" if alive else "notReady"
    return {
        **item,
        **_named(item, model),
        "status": status,
        "scaling": False,
        "support_debug": False,
        "start_time": service.published,
        "finished_time": 0,
        "source_type": "",
        "nodes": [],
    }


def _named(item: dict[str, Any], model: Model | None) -> dict[str, Any]:
    name, version = (model.asked["model_name"], model.asked["model_version"]) if model else ("", "")
    return {"model_id": item["model_id"], "model_name": name, "model_version": version}


def _running(model_id: str, deployment: Deployment | None) -> Part | None:
    return next((part for part in deployment.parts if part.model_id == model_id), None) if deployment else None


def _machine(item: dict[str, Any]) -> tuple[float, int]:
    """Processors and memory in MiB of an instance."""
    if "custom_spec" in item:
        return float(item["custom_spec"]["cpu"]), int(item["custom_spec"]["memory"])
    machine = OFFERED[item["specification"]]
    return machine.cpu, machine.memory


def _is_free(item: dict[str, Any]) -> bool:
    machine = OFFERED.get(item["specification"])
    return machine is not None and machine.free
