"""All services of the second API (reference, section 5.12)."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import uuid4

from anyfit_emulator.records import Records
from anyfit_emulator.storage import ObjectStore
from anyfit_modelarts.emulator.calls import Caller, Query
from anyfit_modelarts.emulator.errors import V2, ApiError
from anyfit_modelarts.emulator.places import to_s3
from anyfit_modelarts.emulator.serving.book import Book
from anyfit_modelarts.emulator.serving.deployment import Part
from anyfit_modelarts.emulator.serving.instance import Image, Instance
from anyfit_modelarts.emulator.serving.record import Service
from anyfit_modelarts.emulator.serving.v2 import wire
from anyfit_modelarts.emulator.serving.v2.bodies import MOUNTS, check_service
from anyfit_modelarts.emulator.serving.v2.unit import Unit, UnitPlan
from anyfit_modelarts.emulator.wire import milliseconds

__all__ = ["InferServices"]

_START_MINUTES = 20
_SORTS = ("create_at", "update_at", "name", "status")
_FILTERS = ("id", "status", "type", "auth_type", "workspace_id", "user_name")
_EVENT_SORTS = ("create_at", "update_at")


class InferServices(Book):
    """The services.

    Args:
        address: Where the service of an id is called.
    """

    def __init__(self, records: Records, store: ObjectStore, folder: Path, address: Callable[[str], str]) -> None:
        self._store = store
        self._address = address
        super().__init__(records, "infer-service", threading.RLock(), folder, self._build)

    def create(self, caller: Caller, body: dict[str, Any]) -> dict[str, Any]:
        """Deploy a service."""
        asked = check_service(body)
        with self._lock:
            self._refuse_name(asked["name"])
            now = milliseconds(time.time())
            owners = (caller.user, caller.domain_id, caller.project)
            service = Service(str(uuid4()), asked["name"], asked, "deploying", now, now, now, *owners)
            self._add(service)
            return self._shown(service)

    def all(self, query: Query) -> dict[str, Any]:
        """The list."""
        with self._lock:
            items = [wire.item(service) for service in self._services.values()]
        found = [
            item
            for item in items
            if query.text("name") in item["name"]
            if query.text("description") in item["description"]
            if all(query.text(name, item[name]) == item[name] for name in _FILTERS)
        ]
        return wire.page(found, query, _SORTS, "update_at")

    def detail(self, service_id: str) -> dict[str, Any]:
        """One service."""
        with self._lock:
            return self._shown(self._find(service_id))

    def start(self, service_id: str) -> dict[str, Any]:
        """Start a service."""
        with self._lock:
            service = self._find(service_id)
            self._start(service)
            return self._shown(service)

    def stop(self, service_id: str) -> dict[str, Any]:
        """Stop a service."""
        with self._lock:
            service = self._find(service_id)
            self._stop(service)
            return self._shown(service)

    def delete(self, body: dict[str, Any]) -> dict[str, Any]:
        """Delete services."""
        ids = body.get("service_ids")
        if not isinstance(ids, list) or not ids:
            raise ApiError(V2.invalid, "service_ids must be a list of ids, and not empty")
        with self._lock:
            found = [self._find(str(service_id)) for service_id in ids]
            for service in found:
                self._delete(service)
            return {"service_responses": [{**self._shown(service), "status": "DELETING"} for service in found]}

    def events(self, service_id: str, query: Query) -> dict[str, Any]:
        """What happened to a service."""
        kind = query.word("event_type", "", ("", "normal", "abnormal"))
        since, until = query.whole("start_time", 0, 0), query.whole("end_time", 1 << 62, 0)
        with self._lock:
            service = self._find(service_id)
            found = self._events(service, kind, query.text("event_info_key"), since, until)
        return wire.page([wire.event(service, event) for event in found], query, _EVENT_SORTS, "create_at")

    def _shown(self, service: Service) -> dict[str, Any]:
        deployment = self._stage.serving(service.id)
        running = sum(instance.alive for instance in deployment.parts[0].instances) if deployment else 0
        return wire.detail(service, running, self._address(service.id))

    def _build(self, service: Service, folder: Path) -> list[Part]:
        group = service.asked["group_configs"][0]
        unit = group["unit_configs"][0]
        count = int(group.get("count") or 1)
        if not unit.get("cmd"):
            service.note("The image is not pulled here and no cmd is told, a stand-in answers.")
            instances: list[Instance] = [Image() for _ in range(count)]
        else:
            service.note(f"{count} instances are scheduled; the image is not pulled, its cmd runs on this machine.")
            plan = _plan(service.asked, unit)
            instances = [Unit(plan, self._store, folder / str(copy)) for copy in range(count)]
        return [Part(service.id, 100, instances, {})]


def _plan(asked: dict[str, Any], unit: dict[str, Any]) -> UnitPlan:
    mounts = [mount for kind in MOUNTS for mount in unit.get(kind) or []]
    return UnitPlan(
        command=unit["cmd"],
        mounts={mount["mount_path"]: to_s3(mount["address"]) for mount in mounts},
        port=int(unit.get("port") or asked["runtime_config"]["service_invoke"]["port"]),
        envs=unit.get("envs") or {},
        start_seconds=60.0 * float(asked.get("deploy_timeout_minutes") or _START_MINUTES),
        answer_seconds=float(asked["runtime_config"]["service_limit"]["request_timeout"]),
    )
