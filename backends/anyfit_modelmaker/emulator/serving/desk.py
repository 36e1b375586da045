"""All online services of the account (reference, section 9)."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from attrs import asdict, define

from anyfit_emulator.http import Request, Response
from anyfit_emulator.records import Records
from anyfit_emulator.serving import NotServing
from anyfit_emulator.storage import ObjectStore
from anyfit_modelmaker.emulator.bodies import check_service
from anyfit_modelmaker.emulator.errors import SERVICE_EXISTS, SERVICE_MISSING, ApiError
from anyfit_modelmaker.emulator.ids import next_id
from anyfit_modelmaker.emulator.models import Models
from anyfit_modelmaker.emulator.serving.deployment import Deployment
from anyfit_modelmaker.emulator.wire import answer, timestamp

__all__ = ["Services"]

GRACE = 5.0
_RESTING = ("STOPPED", "DEPLOYING_FAIL")


@define
class Service:
    """An endpoint.

    Attributes:
        config: What was asked for, under the wire's names.
        status: A word of section 9.6.
        wanted: Whether it shall run.
        round: How often it was deployed.
    """

    id: int
    config: dict[str, Any]
    status: str
    created: float
    updated: float
    wanted: bool = True
    round: int = 0
    message: str = ""


class Services:
    """The serving half of the service; safe from any thread.

    A service has one deployment at a time. While an earlier one is still ending, `wanted` and `config` say what comes
    after it, and `_after` sees to that.

    Args:
        folder: Where logs and sandboxes lie.
        address: Where a service of an id is called.
    """

    def __init__(
        self, records: Records, models: Models, store: ObjectStore, folder: Path, address: Callable[[int], str]
    ) -> None:
        self._records = records
        self._models = models
        self._store = store
        self._folder = folder
        self._address = address
        self._lock = models.lock  # one for both, since each asks the other
        self._services = {int(key): Service(**document) for key, document in records.all("service")}
        self._deployments: dict[int, Deployment] = {}
        self._closing = False
        models.is_used = self._uses

    def recover(self) -> None:
        """Deploy again what shall run; what an earlier emulator left of it is gone."""
        with self._lock:
            for service in self._services.values():
                shutil.rmtree(self._folder / str(service.id), ignore_errors=True)
                if service.wanted and service.status != "DEPLOYING_FAIL":
                    self._deploy(service)
                elif service.status not in _RESTING:
                    self._set(service, "STOPPED")

    def end(self, grace: float) -> None:
        """Ask all processes to end, because the emulator ends; does not wait."""
        with self._lock:
            self._closing = True
            for deployment in self._deployments.values():
                deployment.stop(grace)

    def join(self, deadline: float) -> None:
        """Wait for the end of it, until a moment of the monotonic clock."""
        with self._lock:
            deployments = list(self._deployments.values())
        for deployment in deployments:
            deployment.join(max(0.0, deadline - time.monotonic()))

    # calls

    def create(self, body: dict[str, Any]) -> dict[str, Any]:
        """Call 27."""
        with self._lock:
            config = self._checked(body)
            self._refuse_name(config["name"])
            now = time.time()
            service = Service(next_id(self._records), config, "DEPLOYING", now, now)
            self._services[service.id] = service
            self._deploy(service)
            return {"id": service.id}

    def all(self) -> dict[str, Any]:
        """Call 28."""
        with self._lock:
            return {"services": [self._to_wire(service) for service in self._services.values()]}

    def detail(self, service_id: int) -> dict[str, Any]:
        """Call 29."""
        with self._lock:
            return self._to_wire(self._service(service_id))

    def start(self, service_id: int) -> dict[str, Any]:
        """Call 30."""
        with self._lock:
            service = self._service(service_id)
            service.wanted = True
            if service.id not in self._deployments:
                self._deploy(service)
            else:
                self._save(service)
            return {"id": service.id}

    def stop(self, service_id: int) -> dict[str, Any]:
        """Call 30."""
        with self._lock:
            service = self._service(service_id)
            service.wanted = False
            if service.id in self._deployments:
                self._set(service, "STOPPING")
                self._deployments[service.id].stop(GRACE)
            else:
                self._set(service, "STOPPED")
            return {"id": service.id}

    def update(self, service_id: int, body: dict[str, Any]) -> dict[str, Any]:
        """Call 31: another configuration, and always a new deployment."""
        with self._lock:
            service = self._service(service_id)
            config = self._checked(body)
            self._refuse_name(config["name"], service)
            service.config, service.updated, service.wanted = config, time.time(), True
            if service.id in self._deployments:
                self._set(service, "DEPLOYING")
                self._deployments[service.id].stop(GRACE)
            else:
                self._deploy(service)
            return {"id": service.id}

    def delete(self, service_id: int) -> dict[str, Any]:
        """Call 32."""
        with self._lock:
            service = self._service(service_id)
            del self._services[service.id]
            self._records.remove("service", service.id)
            if service.id in self._deployments:
                self._deployments[service.id].stop(GRACE)
            else:
                shutil.rmtree(self._folder / str(service.id), ignore_errors=True)
        return {}

    def predict(self, service_id: int, request: Request) -> Response:
        """Pass a prediction on."""
        with self._lock:
            service = self._services.get(service_id)
            deployment = self._deployments.get(service_id)
        if service is None:
            return answer({"message": f"there is no service {service_id}"}, 404)
        if service.status != "RUNNING" or deployment is None:
            return answer({"message": f"the service is {service.status}"}, 503)
        try:
            return deployment.predict(request)
        except NotServing as error:
            return answer({"message": str(error)}, 502)

    # rules

    def _checked(self, body: dict[str, Any]) -> dict[str, Any]:
        config = check_service(body)
        for item in config["serviceModels"]:
            self._models.find(item["modelVersionId"])
        return config

    def _deploy(self, service: Service) -> None:
        service.round += 1
        shutil.rmtree(self._folder / str(service.id), ignore_errors=True)
        folder = self._folder / str(service.id) / str(service.round)
        try:
            models = [(item, self._models.find(item["modelVersionId"])) for item in service.config["serviceModels"]]
        except ApiError as error:  # a version was deleted while the service was stopped
            self._set(service, "DEPLOYING_FAIL", error.message)
            return
        deployment = Deployment(models, folder, self._store, lambda *news: self._after(service, *news))
        self._deployments[service.id] = deployment
        self._set(service, "DEPLOYING")
        deployment.start()

    def _after(self, service: Service, deployment: Deployment, status: str, message: str) -> None:
        """Take note of what a deployment has come to, and go on to what is wanted next."""
        with self._lock:
            gone = service.id not in self._services
            if status == "RUNNING":
                if not gone and not deployment.stopping:
                    self._set(service, status)
                return
            del self._deployments[service.id]
            if self._closing:
                return
            if gone:
                shutil.rmtree(self._folder / str(service.id), ignore_errors=True)
            elif not deployment.stopping:
                self._set(service, status, message)
            elif service.wanted:
                self._deploy(service)
            else:
                self._set(service, "STOPPED")

    def _set(self, service: Service, status: str, message: str = "") -> None:
        service.status, service.message = status, message
        self._save(service)

    def _save(self, service: Service) -> None:
        if service.id in self._services:
            self._records.put("service", service.id, asdict(service))

    def _uses(self, version_id: int) -> bool:
        with self._lock:
            return any(
                item["modelVersionId"] == version_id
                for service in self._services.values()
                if service.status != "STOPPED"
                for item in service.config["serviceModels"]
            )

    def _refuse_name(self, name: str, own: Service | None = None) -> None:
        if any(service.config["name"] == name for service in self._services.values() if service is not own):
            raise ApiError(SERVICE_EXISTS, f"there is a service {name!r} already")

    def _service(self, service_id: int) -> Service:
        try:
            return self._services[service_id]
        except KeyError:
            raise ApiError(SERVICE_MISSING, f"there is no service {service_id}") from None

    def _to_wire(self, service: Service) -> dict[str, Any]:
        document = {
            **service.config,
            "id": service.id,
            "status": service.status,
            "accessAddress": self._address(service.id),
            "createTime": timestamp(service.created),
            "updateTime": timestamp(service.updated),
        }
        return {**document, "message": service.message} if service.message else document
