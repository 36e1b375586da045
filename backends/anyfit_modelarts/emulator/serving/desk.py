"""All real-time services of the first API (reference, sections 5.4 to 5.8)."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import uuid4

from anyfit_emulator.records import Records
from anyfit_modelarts.emulator.calls import Caller, Query
from anyfit_modelarts.emulator.errors import ApiError
from anyfit_modelarts.emulator.models import Model, Models
from anyfit_modelarts.emulator.serving import servicewire
from anyfit_modelarts.emulator.serving.book import Book
from anyfit_modelarts.emulator.serving.deploying import check_changes, check_service
from anyfit_modelarts.emulator.serving.deployment import Part
from anyfit_modelarts.emulator.serving.paging import page, wanted
from anyfit_modelarts.emulator.serving.parts import parts_of
from anyfit_modelarts.emulator.serving.record import Service
from anyfit_modelarts.emulator.wire import milliseconds

__all__ = ["Services"]

MODEL_MISSING = "ModelArts.3507"
MODEL_UNFIT = "ModelArts.3515"
_SORTS = ("publish_at", "service_name", "transition_at")
_EVENT_KINDS = ("normal", "abnormal")
_UNCHANGEABLE = ("deploying", "stopping", "deleting")


class Services(Book):
    """The services; their lock is that of the models, since each asks the other.

    Args:
        address: Where the service of an id is called.
    """

    def __init__(self, records: Records, models: Models, folder: Path, address: Callable[[str], str]) -> None:
        self._models = models
        self._address = address
        super().__init__(records, "service", models.lock, folder, self._build)
        models.is_used = self._uses

    def create(self, caller: Caller, body: dict[str, Any]) -> dict[str, Any]:
        """Deploy a service."""
        asked = check_service(body)
        with self._lock:
            self._refuse_name(asked["service_name"])
            self._check_models(asked["config"])
            now = milliseconds(time.time())
            owners = (caller.user_id, caller.domain_id, caller.project)
            service = Service(str(uuid4()), asked["service_name"], asked, "deploying", now, now, now, *owners)
            service.begin_update()
            self._add(service)
            resources = [f"INF-{item['model_id']}@{service.id}" for item in asked["config"]]
            return {"service_id": service.id, "resource_ids": resources}

    def all(self, query: Query) -> dict[str, Any]:
        """The list."""
        names = ("service_id", "infer_type", "status", "workspace_id")
        with self._lock:
            found = [
                document
                for service in self._services.values()
                if self._names(service, query)
                if wanted(document := servicewire.head(service, self.traffic), query, names)
            ]
        total, shown = page(found, query, _SORTS, "publish_at")
        return {"total_count": total, "count": len(shown), "services": shown}

    def detail(self, service_id: str) -> dict[str, Any]:
        """One service."""
        with self._lock:
            service = self._find(service_id)
            deployment = self._stage.serving(service.id)
            address = self._address(service.id)
            return servicewire.detail(service, self.traffic, self._models_of(service), deployment, address)

    def change(self, service_id: str, body: dict[str, Any]) -> dict[str, Any]:
        """Start, stop, or configure anew."""
        with self._lock:
            service = self._find(service_id)
            changes = check_changes(body, service.asked)
            if changes.get("status") == "running":
                self._start(service)
            elif "status" in changes:
                self._stop(service)
            elif "config" in changes:
                self._refuse_if(service, _UNCHANGEABLE, "be configured")
                self._check_models(changes["config"])
                self._configure(service, changes)
            else:
                self._refuse_if(service, ("deleting",), "be changed")
                self._describe(service, changes)
            return {"update_time": service.updated}

    def delete(self, service_ids: str) -> dict[str, Any]:
        """Delete one or, separated by commas, many."""
        with self._lock:
            for service in [self._find(service_id) for service_id in service_ids.split(",") if service_id]:
                self._delete(service)
        return {}

    def events(self, service_id: str, query: Query) -> dict[str, Any]:
        """What happened to a service."""
        kind = query.word("event_type", "", ("", *_EVENT_KINDS))
        since, until = query.whole("start_time", 0, 0), query.whole("end_time", 1 << 62, 0)
        with self._lock:
            service = self._find(service_id)
            found = self._events(service, kind, query.text("event_info"), since, until)
        total, shown = page(found, query, ("occur_time",), "occur_time")
        return {**_named(service), "total_count": total, "count": len(shown), "events": shown}

    def updates(self, service_id: str, query: Query) -> dict[str, Any]:
        """The history of a service's configuration, latest first."""
        moment = query.whole("update_time", 0, 0)
        with self._lock:
            service = self._find(service_id)
            found = [update for update in reversed(service.updates) if moment in (0, update["update_time"])]
        return {**_named(service), "logs": found}

    def monitor(self, service_id: str) -> dict[str, Any]:
        """What a service does and uses."""
        with self._lock:
            service = self._find(service_id)
            deployment = self._stage.serving(service.id)
            return servicewire.monitor(service, self.traffic, self._models_of(service), deployment)

    def _build(self, service: Service, folder: Path) -> list[Part]:
        return parts_of(service, self._models, folder)

    def _start(self, service: Service) -> None:
        self._check_models(service.asked["config"])
        super()._start(service)

    def _configure(self, service: Service, changes: dict[str, Any]) -> None:
        """What serves now goes on until the new configuration does; a stopped service stays stopped."""
        service.asked = {**service.asked, **changes}
        service.begin_update()
        service.note("The configuration is being updated.")
        if "schedule" in changes:
            service.schedule_stop()
        if service.status == "stopped":
            service.end_update("SUCCESS")
            self._save(service)
        else:
            self._deploy(service)

    def _describe(self, service: Service, changes: dict[str, Any]) -> None:
        service.asked = {**service.asked, **changes}
        service.updated = milliseconds(time.time())
        if "schedule" in changes:
            service.schedule_stop()
            self._stage.set_due(service)
        self._save(service)

    def _check_models(self, config: list[dict[str, Any]]) -> None:
        for item in config:
            try:
                model = self._models.find(item["model_id"])
            except ApiError as error:
                raise ApiError(MODEL_MISSING, error.message, 404) from None
            if model.status != "published":
                raise ApiError(MODEL_UNFIT, f"The model {model.id} is {model.status}, it must be published.")

    def _models_of(self, service: Service) -> dict[str, Model]:
        return {item["model_id"]: self._models.find(item["model_id"]) for item in service.asked["config"]}

    def _uses(self, model_id: str) -> bool:
        with self._lock:
            return any(
                item["model_id"] == model_id for service in self._services.values() for item in service.asked["config"]
            )

    @staticmethod
    def _names(service: Service, query: Query) -> bool:
        """Whether the service has the name and the model that are looked for."""
        model_id = query.text("model_id")
        has_model = not model_id or any(item["model_id"] == model_id for item in service.asked["config"])
        return has_model and query.text("service_name") in service.name


def _named(service: Service) -> dict[str, Any]:
    return {"service_id": service.id, "service_name": service.name}
