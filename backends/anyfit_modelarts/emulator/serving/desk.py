"""All services of the account (reference, sections 5.4 to 5.8)."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import uuid4

from attrs import asdict

from anyfit_emulator.records import Records
from anyfit_modelarts.emulator.calls import Caller, Query
from anyfit_modelarts.emulator.errors import ApiError
from anyfit_modelarts.emulator.models import Model, Models
from anyfit_modelarts.emulator.serving import servicewire
from anyfit_modelarts.emulator.serving.deploying import check_changes, check_service
from anyfit_modelarts.emulator.serving.deployment import Deployment
from anyfit_modelarts.emulator.serving.paging import page, wanted
from anyfit_modelarts.emulator.serving.record import Service
from anyfit_modelarts.emulator.serving.stage import Stage
from anyfit_modelarts.emulator.serving.traffic import Traffic
from anyfit_modelarts.emulator.wire import milliseconds

__all__ = ["Services"]

MISSING = "ModelArts.3502"
EXISTS = "ModelArts.3503"
MODEL_MISSING = "ModelArts.3507"
MODEL_UNFIT = "ModelArts.3515"
WRONG_STATE = "ModelArts.3519"
_SORTS = ("publish_at", "service_name", "transition_at")
_EVENT_KINDS = ("normal", "abnormal")
_UNCHANGEABLE = ("deploying", "stopping", "deleting")
_STARTABLE = ("stopped", "failed")


class Services:
    """The serving half of ModelArts; safe from any thread.

    Args:
        folder: Where instances live.
        address: Where the service of an id is called.

    Attributes:
        traffic: How often services were called.
    """

    def __init__(self, records: Records, models: Models, folder: Path, address: Callable[[str], str]) -> None:
        self._records = records
        self._models = models
        self._address = address
        self._lock = models.lock  # one for both, since each asks the other
        self._services = {key: Service(**document) for key, document in records.all("service")}
        self._stage = Stage(models, folder, self._lock, self._after)
        self.traffic = Traffic(records)
        models.is_used = self._uses

    def recover(self) -> None:
        """Deploy again what was running; what an earlier emulator left of it is gone."""
        with self._lock:
            for service in list(self._services.values()):
                if service.status == "deleting":
                    self._forget(service)
                elif service.status == "stopping":
                    self._set(service, "stopped")
                elif service.status not in ("stopped", "failed"):
                    self._deploy(service)

    def end(self, grace: float) -> None:
        """Ask all processes to end, because the emulator ends; does not wait."""
        self._stage.close(grace)

    def join(self, deadline: float) -> None:
        """Wait for the end of it, until a moment of the monotonic clock."""
        self._stage.join(deadline)

    # calls

    def create(self, caller: Caller, body: dict[str, Any]) -> dict[str, Any]:
        """Deploy a service."""
        asked = check_service(body)
        with self._lock:
            if any(other.name == asked["service_name"] for other in self._services.values() if _stays(other)):
                raise ApiError(EXISTS, f"There is a service {asked['service_name']} already.", 409)
            self._check_models(asked["config"])
            now = milliseconds(time.time())
            owners = (caller.user_id, caller.domain_id, caller.project)
            service = Service(str(uuid4()), asked, "deploying", now, now, now, *owners)
            self._services[service.id] = service
            service.schedule_stop()
            service.begin_update()
            self._deploy(service)
            resources = [f"INF-{item['model_id']}@{service.id}" for item in asked["config"]]
            return {"service_id": service.id, "resource_ids": resources}

    def all(self, query: Query) -> dict[str, Any]:
        """The list."""
        names = ("service_id", "infer_type", "status", "workspace_id")
        with self._lock:
            shown = [
                document
                for service in self._services.values()
                if self._names(service, query)
                if wanted(document := servicewire.head(service, self.traffic), query, names)
            ]
        total, shown = page(shown, query, _SORTS, "publish_at")
        return {"total_count": total, "count": len(shown), "services": shown}

    def detail(self, service_id: str) -> dict[str, Any]:
        """One service."""
        with self._lock:
            service = self._service(service_id)
            deployment = self._stage.serving(service.id)
            address = self._address(service.id)
            return servicewire.detail(service, self.traffic, self._models_of(service), deployment, address)

    def change(self, service_id: str, body: dict[str, Any]) -> dict[str, Any]:
        """Start, stop, or configure anew."""
        with self._lock:
            service = self._service(service_id)
            changes = check_changes(body, service.asked)
            if "status" in changes:
                self._switch(service, changes["status"])
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
            found = [self._service(service_id) for service_id in service_ids.split(",") if service_id]
            for service in found:
                if self._stage.retire(service.id):
                    self._set(service, "deleting")
                else:
                    self._forget(service)
        return {}

    def events(self, service_id: str, query: Query) -> dict[str, Any]:
        """What happened to a service."""
        with self._lock:
            service = self._service(service_id)
            kind = query.word("event_type", "", ("", *_EVENT_KINDS))
            since, until = query.whole("start_time", 0, 0), query.whole("end_time", 1 << 62, 0)
            found = [
                event
                for event in service.events
                if kind in ("", event["event_type"])
                if query.text("event_info") in event["event_info"]
                if since <= event["occur_time"] <= until
            ]
        total, shown = page(found, query, ("occur_time",), "occur_time")
        return {**_named(service), "total_count": total, "count": len(shown), "events": shown}

    def updates(self, service_id: str, query: Query) -> dict[str, Any]:
        """The history of a service's configuration, latest first."""
        moment = query.whole("update_time", 0, 0)
        with self._lock:
            service = self._service(service_id)
            found = [update for update in reversed(service.updates) if moment in (0, update["update_time"])]
        return {**_named(service), "logs": found}

    def monitor(self, service_id: str) -> dict[str, Any]:
        """What a service does and uses."""
        with self._lock:
            service = self._service(service_id)
            deployment = self._stage.serving(service.id)
            return servicewire.monitor(service, self.traffic, self._models_of(service), deployment)

    # what the gateway needs

    def lookup(self, service_id: str) -> tuple[Service | None, Deployment | None]:
        """A service that exists, and what answers for it, if anything does."""
        with self._lock:
            service = self._services.get(service_id)
            if service is None or not _stays(service):
                return None, None
            return service, self._stage.serving(service_id)

    # changes

    def _switch(self, service: Service, status: str) -> None:
        if status == "running":
            if service.status not in _STARTABLE:
                raise _wrong_state(service, "be started")
            self._check_models(service.asked["config"])
            service.schedule_stop()
            service.note("The service is being started.")
            self._deploy(service)
            return
        self._refuse_if(service, ("stopped", "stopping", "deleting"), "be stopped")
        self._stop(service, "The service is being stopped.")

    def _stop(self, service: Service, text: str) -> None:
        service.note(text)
        self._set(service, "stopping" if self._stage.retire(service.id) else "stopped")

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

    def _deploy(self, service: Service) -> None:
        service.round += 1
        self._set(service, "deploying")
        try:
            self._stage.deploy(service)
        except ApiError as error:  # a model that was there when the service was stopped
            self._fail(service, error.message)

    def _after(self, service_id: str, status: str, message: str) -> None:
        """Take note of what has become of a service's deployment; called with the lock held."""
        service = self._services[service_id]
        if status == "running":
            service.reachable = True
            service.note("The model has been started, the service is running.")
            service.end_update("SUCCESS")
            self._set(service, "running")
        elif status == "concerning":
            service.note(f"The service is abnormal: {message}", bad=True)
            self._set(service, "concerning", message)
        elif status == "failed":
            self._fail(service, message)
        elif status == "due":
            self._stop(service, "The service is being stopped as scheduled.")
        elif service.status == "deleting":
            self._forget(service)
        elif service.status == "stopping":
            service.note("The service is stopped.")
            service.end_update("FAIL")
            self._set(service, "stopped")

    def _fail(self, service: Service, message: str) -> None:
        service.note(f"Starting the model failed: {message}", bad=True)
        service.end_update("FAIL")
        self._set(service, "failed", message)

    # rules

    def _check_models(self, config: list[dict[str, Any]]) -> None:
        for item in config:
            try:
                model = self._models.find(item["model_id"])
            except ApiError as error:
                raise ApiError(MODEL_MISSING, error.message, 404) from None
            if model.status != "published":
                raise ApiError(MODEL_UNFIT, f"The model {model.id} is {model.status}, it must be published.")

    def _names(self, service: Service, query: Query) -> bool:
        """Whether the service has the name and the model that are looked for."""
        model_id = query.text("model_id")
        has_model = not model_id or any(item["model_id"] == model_id for item in service.asked["config"])
        return has_model and query.text("service_name") in service.name

    def _models_of(self, service: Service) -> dict[str, Model]:
        found: dict[str, Model] = {}
        for item in service.asked["config"]:
            try:
                found[item["model_id"]] = self._models.find(item["model_id"])
            except ApiError:
                continue
        return found

    def _refuse_if(self, service: Service, statuses: tuple[str, ...], what: str) -> None:
        if service.status in statuses:
            raise _wrong_state(service, what)

    def _set(self, service: Service, status: str, message: str = "") -> None:
        service.status, service.message = status, message
        service.changed = milliseconds(time.time())
        self._save(service)

    def _save(self, service: Service) -> None:
        self._records.put("service", service.id, asdict(service))

    def _forget(self, service: Service) -> None:
        del self._services[service.id]
        self._records.remove("service", service.id)
        self.traffic.forget(service.id)
        self._stage.sweep(service.id)

    def _uses(self, model_id: str) -> bool:
        with self._lock:
            return any(
                item["model_id"] == model_id for service in self._services.values() for item in service.asked["config"]
            )

    def _service(self, service_id: str) -> Service:
        try:
            return self._services[service_id]
        except KeyError:
            raise ApiError(MISSING, f"The service {service_id} does not exist.", 404) from None


def _stays(service: Service) -> bool:
    return service.status != "deleting"


def _wrong_state(service: Service, what: str) -> ApiError:
    return ApiError(WRONG_STATE, f"The service is {service.status}, so it cannot {what}.")


def _named(service: Service) -> dict[str, Any]:
    return {"service_id": service.id, "service_name": service.name}
