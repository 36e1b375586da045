"""Every call of the platform, as a method that answers a value; faults leave here as anyfit's errors."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from attrs import Factory, frozen

from anyfit.cloud.numbers import whole
from anyfit.errors import AnyfitError, AuthError, NotFound, ServiceError
from anyfit.http import RetryPolicy, Transport
from anyfit_modelmaker import wire
from anyfit_modelmaker.answers import object_of
from anyfit_modelmaker.auth import Account
from anyfit_modelmaker.errors import STALE, fault_of_code, fault_of_status

__all__ = ["Client"]

Raw = Mapping[str, Any]


@frozen
class Client:
    """The calls of one account.

    Attributes:
        base: The URL below which all calls are.
        account: Whose calls they are.
        transport: Makes them.
        policy: How to wait when the service finds us too hasty.
    """

    base: str
    account: Account
    transport: Transport
    policy: RetryPolicy = Factory(RetryPolicy)

    # what there is

    def resources(self, env: str) -> list[wire.Machine]:
        """Machines for TRAIN, PREDICT or DEVELOPMENT."""
        return wire.machines(self._get(f"/v1/resource/{env}", "machines"))

    def frameworks(self, env: str) -> list[wire.Entry]:
        """Basic frameworks for TRAIN or PREDICT."""
        return wire.entries(self._get(f"/v1/basic-framework/{env}", "frameworks"), "frameWorks")

    def algorithms(self) -> list[wire.Entry]:
        """Preset algorithms."""
        return wire.entries(self._get("/v1/preset-algorithm", "preset algorithms"), "presetAlgorithms")

    def preset_models(self) -> list[wire.Entry]:
        """Preset models."""
        return wire.entries(self._get("/v1/preset-model", "preset models"), "presetModels")

    # training

    def create_train(self, body: Raw) -> wire.Created:
        """A new job."""
        return self._create("/v1/train", body, f"job {body['name']}")

    def create_train_version(self, job: int, body: Raw) -> wire.Created:
        """A new version of a job."""
        return self._create(f"/v1/train/{job}/version", body, f"new version of job {body['name']}")

    def trains(self) -> list[wire.Entry]:
        """Every job of the account."""
        return wire.entries(self._get("/v1/train", "jobs"), "trainTasks")

    def train(self, job: int) -> list[wire.Version]:
        """The versions of a job, the oldest first."""
        return wire.versions(self._get(f"/v1/train/{job}", f"job {job}"))

    def train_version(self, version: int) -> wire.Version:
        """How a version is."""
        answer = self._get(f"/v1/train/version/{version}", f"job version {version}")
        return wire.version(answer, version)

    def log(self, version: int, query: Raw) -> list[wire.Log]:
        """A page of a log, by `lastId`, or by `lastTime` and `lastNan`."""
        return wire.log_page(self._get(f"/v1/train/version/{version}/log", f"log of {version}", query))

    def resource_monitor(self, version: int) -> Raw:
        """Machine use over time."""
        return self._get(f"/v1/train/version/{version}/resource-monitor", f"machine use of {version}")

    def performance_monitor(self, version: int) -> Raw:
        """What the monitors found."""
        return self._get(f"/v1/train/version/{version}/performance-monitor", f"metrics of {version}")

    def stop_train(self, version: int) -> None:
        """Ask a version to end."""
        self._post(f"/v1/train/{version}/stop", {}, f"stop of job version {version}", repeatable=True)

    def delete_train_version(self, version: int) -> None:
        """Remove a version; one that is gone is fine."""
        self._delete(f"/v1/train/version/{version}", f"job version {version}")

    def delete_train(self, job: int) -> None:
        """Remove a job with all versions; one that is gone is fine."""
        self._delete(f"/v1/train/{job}", f"job {job}")

    # models

    def create_model(self, body: Raw) -> wire.Created:
        """A new model."""
        return self._create("/v1/model", body, f"model {body['name']}")

    def create_model_version(self, model: int, body: Raw) -> wire.Created:
        """A new version of a model."""
        return self._create(f"/v1/model/{model}/version/", body, f"new version of model {body['name']}")

    def models(self) -> list[wire.Entry]:
        """Every model of the account."""
        return wire.entries(self._get("/v1/model", "models"), "models")

    def model(self, model: int) -> list[wire.Version]:
        """The versions of a model, the oldest first."""
        return wire.versions(self._get(f"/v1/model/{model}", f"model {model}"))

    def model_version(self, version: int) -> wire.Version:
        """One version."""
        return wire.version(self._get(f"/v1/model/version/{version}", f"model version {version}"), version)

    def delete_model(self, model: int) -> None:
        """Remove a model with all versions; one that is gone is fine."""
        self._delete(f"/v1/model/{model}", f"model {model}")

    def delete_model_version(self, version: int) -> None:
        """Remove a version; one that is gone is fine."""
        self._delete(f"/v1/model/version/{version}", f"model version {version}")

    # services

    def create_service(self, body: Raw) -> wire.Created:
        """A new service."""
        return self._create("/v1/service", body, f"endpoint {body['name']}", versioned=False)

    def services(self) -> list[wire.Entry]:
        """Every service of the account."""
        return wire.entries(self._get("/v1/service", "endpoints"), "services")

    def service(self, service: int) -> wire.Service:
        """How a service is."""
        return wire.service(self._get(f"/v1/service/{service}", f"endpoint {service}"))

    def update_service(self, service: int, body: Raw) -> None:
        """Serve something else."""
        self._call("PUT", f"/v1/service/{service}", f"update of endpoint {body['name']}", json=body)

    def start_service(self, service: int) -> None:
        """Serve again."""
        self._post(f"/v1/service/{service}/start", {}, f"start of endpoint {service}", repeatable=True)

    def stop_service(self, service: int) -> None:
        """Stop serving."""
        self._post(f"/v1/service/{service}/stop", {}, f"stop of endpoint {service}", repeatable=True)

    def delete_service(self, service: int) -> None:
        """Remove a service; one that is gone is fine."""
        self._delete(f"/v1/service/{service}", f"endpoint {service}")

    # below

    def _create(self, path: str, body: Raw, what: str, *, versioned: bool = True) -> wire.Created:
        answer = self._post(path, body, what, repeatable=False)
        own, version = whole(answer.get("id")), whole(answer.get("versionId"))
        if own is None or (versioned and version is None):
            raise ServiceError(f"{what}: ModelMaker answers without an id", backend="modelmaker")
        return wire.Created(own, version or 0)

    def _get(self, path: str, what: str, params: Raw | None = None) -> Raw:
        return self._call("GET", path, what, params=params)

    def _post(self, path: str, body: Raw, what: str, *, repeatable: bool) -> Raw:
        return self._call("POST", path, what, json=body, repeatable=repeatable)

    def _delete(self, path: str, what: str) -> None:
        try:
            self._call("DELETE", path, what, json={})
        except NotFound:
            return

    def _call(self, method: str, path: str, what: str, *, repeatable: bool = True, **arguments: Any) -> Raw:
        """One call, with a new token where the old one has ended: the service has then done nothing yet."""
        token = self.account.token()
        try:
            return self._patiently(method, path, what, token, repeatable, arguments)
        except _StaleToken:
            token = self.account.renew(token)
        try:
            return self._patiently(method, path, what, token, repeatable, arguments)
        except _StaleToken as fault:
            raise AuthError(
                f"{what}: ModelMaker does not take the token that it has just given",
                hint="try again; if it goes on, the account may have been closed",
                backend="modelmaker",
                status=fault.status,
            ) from None

    def _patiently(self, method: str, path: str, what: str, token: str, repeatable: bool, arguments: Raw) -> Raw:
        """Asked too fast, the service answers with a page of HTML: wait, longer each time."""
        headers = {"Auth-Token": token, "Content-Type": "application/json", "Accept": "application/json"}
        attempt = 0
        while True:
            attempt += 1
            response = self.transport.send(
                method, self.base + path, headers=headers, repeatable=repeatable, **arguments
            )
            if response.status_code == 401:
                raise _StaleToken("401")
            answer = object_of(response)
            if answer is not None:
                return _checked(response.status_code, answer, what)
            if not response.ok:
                raise fault_of_status(response.status_code, what)
            if not repeatable or attempt >= self.policy.attempts:
                raise ServiceError(
                    f"{what}: ModelMaker answers with a page that is no JSON",
                    hint="it does so when it is asked too often; wait a minute, or raise poll_seconds",
                    backend="modelmaker",
                    status=str(response.status_code),
                )
            self.policy.pause(attempt + 1, None)


class _StaleToken(Exception):
    """The service no longer takes the token."""

    def __init__(self, status: str) -> None:
        super().__init__(status)
        self.status = status


def _checked(status: int, answer: Raw, what: str) -> Raw:
    """The answer, unless it is a refusal."""
    code = whole(answer.get("errorCode")) or 0
    if code in STALE:
        raise _StaleToken(str(code))
    message = str(answer.get("errorMessage") or "")
    if code:
        fault: AnyfitError = fault_of_code(code, message, what)
        raise fault
    if not 200 <= status <= 299:
        raise fault_of_status(status, what, message)
    return answer
