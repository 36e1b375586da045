"""Services of one API with their lives: deployed, stopped, started again, deleted, remembered."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from attrs import asdict

from anyfit_emulator.records import Records
from anyfit_modelarts.emulator.errors import ApiError
from anyfit_modelarts.emulator.serving.deployment import Deployment, Part
from anyfit_modelarts.emulator.serving.record import Service
from anyfit_modelarts.emulator.serving.stage import Stage
from anyfit_modelarts.emulator.serving.traffic import Traffic
from anyfit_modelarts.emulator.wire import milliseconds

__all__ = ["EXISTS", "MISSING", "Book"]

MISSING = "ModelArts.3502"
EXISTS = "ModelArts.3503"
WRONG_STATE = "ModelArts.3519"
_STARTABLE = ("stopped", "failed")


class Book:
    """Services; safe from any thread.

    Args:
        kind: Under which they are recorded.
        lock: Held by every method.
        folder: Where instances live.
        build: Makes the parts of a service that is to be deployed, below a folder of its own.

    Attributes:
        traffic: How often services were called.
    """

    def __init__(
        self,
        records: Records,
        kind: str,
        lock: threading.RLock,
        folder: Path,
        build: Callable[[Service, Path], list[Part]],
    ) -> None:
        self._records = records
        self._kind = kind
        self._lock = lock
        self._services = {key: Service(**document) for key, document in records.all(kind)}
        self._stage = Stage(folder, lock, build, self._after)
        self.traffic = Traffic(records)

    def recover(self) -> None:
        """Deploy again what was running; what an earlier emulator left of it is gone."""
        with self._lock:
            for service in list(self._services.values()):
                if service.status == "deleting":
                    self._forget(service)
                elif service.status == "stopping":
                    self._set(service, "stopped")
                elif service.status not in _STARTABLE:
                    self._deploy(service)

    def end(self, grace: float) -> None:
        """Ask all processes to end, because the emulator ends; does not wait."""
        self._stage.close(grace)

    def join(self, deadline: float) -> None:
        """Wait for the end of it, until a moment of the monotonic clock."""
        self._stage.join(deadline)

    def lookup(self, service_id: str) -> tuple[Service | None, Deployment | None]:
        """A service that exists, and what answers for it, if anything does."""
        with self._lock:
            service = self._services.get(service_id)
            if service is None or service.status == "deleting":
                return None, None
            return service, self._stage.serving(service_id)

    # changes; all are called with the lock held

    def _add(self, service: Service) -> None:
        self._services[service.id] = service
        service.schedule_stop()
        self._deploy(service)

    def _start(self, service: Service) -> None:
        if service.status not in _STARTABLE:
            raise _wrong_state(service, "be started")
        service.schedule_stop()
        service.note("The service is being started.")
        self._deploy(service)

    def _stop(self, service: Service, text: str = "The service is being stopped.") -> None:
        self._refuse_if(service, ("stopped", "stopping", "deleting"), "be stopped")
        service.note(text)
        self._set(service, "stopping" if self._stage.retire(service.id) else "stopped")

    def _delete(self, service: Service) -> None:
        if self._stage.retire(service.id):
            self._set(service, "deleting")
        else:
            self._forget(service)

    def _deploy(self, service: Service) -> None:
        service.round += 1
        self._set(service, "deploying")
        try:
            self._stage.deploy(service)
        except ApiError as error:  # a model that was there when the service was stopped
            self._fail(service, error.message)

    def _after(self, service_id: str, status: str, message: str) -> None:
        """Take note of what has become of a service's deployment."""
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

    def _set(self, service: Service, status: str, message: str = "") -> None:
        service.status, service.message = status, message
        service.changed = milliseconds(time.time())
        self._save(service)

    def _save(self, service: Service) -> None:
        self._records.put(self._kind, service.id, asdict(service))

    def _forget(self, service: Service) -> None:
        del self._services[service.id]
        self._records.remove(self._kind, service.id)
        self.traffic.forget(service.id)
        self._stage.sweep(service.id)

    # rules

    def _find(self, service_id: str) -> Service:
        try:
            return self._services[service_id]
        except KeyError:
            raise ApiError(MISSING, f"The service {service_id} does not exist.", 404) from None

    def _refuse_name(self, name: str) -> None:
        if any(other.name == name for other in self._services.values() if other.status != "deleting"):
            raise ApiError(EXISTS, f"There is a service {name} already.", 409)

    @staticmethod
    def _refuse_if(service: Service, statuses: tuple[str, ...], what: str) -> None:
        if service.status in statuses:
            raise _wrong_state(service, what)

    @staticmethod
    def _events(service: Service, kind: str, text: str, since: int, until: int) -> list[dict[str, Any]]:
        return [
            event
            for event in service.events
            if kind in ("", event["event_type"])
            if text in event["event_info"]
            if since <= event["occur_time"] <= until
        ]


def _wrong_state(service: Service, what: str) -> ApiError:
    return ApiError(WRONG_STATE, f"The service is {service.status}, so it cannot {what}.")
