"""Services of the second API as they are shown, and its lists (reference, section 5.12)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from anyfit_modelarts.emulator.calls import Query
from anyfit_modelarts.emulator.serving.record import Service
from anyfit_modelarts.emulator.serving.specifications import OFFERED, Specification

__all__ = ["detail", "event", "flavors", "item", "page"]

_MOST = 500


def item(service: Service) -> dict[str, Any]:
    """In lists; times are numbers there."""
    asked = service.asked
    return {
        "id": service.id,
        "name": service.name,
        "status": service.status.upper(),
        "version": asked.get("version") or "1.0.0",
        "version_count": 1,
        "description": asked.get("description") or "",
        "type": asked["type"],
        "deploy_type": asked["deploy_type"],
        "user_name": service.owner,
        "workspace_id": asked.get("workspace_id") or "0",
        "create_at": service.published,
        "update_at": service.changed,
        "auth_type": asked["runtime_config"]["service_invoke"]["auth_type"],
        "tags": asked.get("tags") or [],
        "schedule": _schedule(service),
    }


def detail(service: Service, running: int, address: str) -> dict[str, Any]:
    """By itself; times are strings there."""
    asked = service.asked
    group = asked["group_configs"][0]
    shown = {
        **group,
        "count": int(group.get("count") or 1),
        "running_count": running,
        "status": service.status.upper(),
    }
    version = {
        "id": service.id,
        "version": asked.get("version") or "1.0.0",
        "description": asked.get("description") or "",
        "predict_url": address,
        "runtime_config": asked["runtime_config"],
        "upgrade_config": asked.get("upgrade_config"),
        "instance_groups": [shown],
    }
    return {
        "id": service.id,
        "name": service.name,
        "workspace_id": asked.get("workspace_id") or "0",
        "type": asked["type"],
        "deploy_type": asked["deploy_type"],
        "status": service.status.upper(),
        "failure_reason": service.message,
        "version": version,
        "predict_url": [{"type": "PUBLIC", "urls": [address]}] if service.reachable else [],
        "tags": asked.get("tags") or [],
        "schedule": _schedule(service),
        "create_at": str(service.published),
        "update_at": str(service.changed),
    }


def event(service: Service, found: dict[str, Any]) -> dict[str, Any]:
    """One event."""
    return {
        "id": f"{service.id}-{found['occur_time']}",
        "service_id": service.id,
        "event_count": 1,
        "event_type": found["event_type"],
        "event_info": found["event_info"],
        "event_info_cn": found["event_info"],
        "create_at": found["occur_time"],
        "update_at": found["occur_time"],
    }


def flavors(query: Query) -> dict[str, Any]:
    """The machines."""
    return page([_flavor(machine) for machine in OFFERED.values()], query, ("id", "vcpus", "memory"), "id")


def page(found: list[dict[str, Any]], query: Query, sorts: Sequence[str], default: str) -> dict[str, Any]:
    """Those that the query asks for; `offset` counts items, in steps of `limit`."""
    limit = query.whole("limit", 10, 1, _MOST)
    offset = query.whole("offset", 0, 0)
    by = query.word("sort_key", default, sorts)
    backwards = query.word("sort_dir", "DESC", ("ASC", "DESC")) == "DESC"
    ordered = sorted(found, key=lambda document: document[by], reverse=backwards)
    shown = ordered[offset : offset + limit]
    pages = -(-len(found) // limit)
    return {"data": shown, "current": offset // limit, "size": len(shown), "pages": pages, "total": len(found)}


def _flavor(machine: Specification) -> dict[str, Any]:
    card = {"type": machine.card, "gpu": 1, "gpu_memory": "8192"} if machine.category == "GPU" else None
    ascend = {"type": machine.card, "npu": 1, "npu_memory": "8192"} if machine.category == "NPU" else None
    return {
        "id": machine.code,
        "name": machine.code,
        "arch": "aarch64" if ".arm." in machine.code else "x86_64",
        "category": "ASCEND" if ascend else machine.category,
        "vcpus": int(machine.cpu),
        "memory": machine.memory >> 10,
        "free": machine.free,
        "sold_out": machine.sold_out,
        "billing": {"code": machine.code, "unit_num": 1},
        "gpu": card,
        "ascend": ascend,
    }


def _schedule(service: Service) -> list[dict[str, Any]]:
    return [{**stop, "due_time": service.due} for stop in service.asked.get("schedule") or []]
