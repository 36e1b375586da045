"""The 32 calls: which method and path does what (reference, section 5)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from attrs import field, frozen

from anyfit_emulator.routing import Router
from anyfit_modelmaker.emulator import catalog
from anyfit_modelmaker.emulator.account import Account
from anyfit_modelmaker.emulator.errors import INVALID, ApiError
from anyfit_modelmaker.emulator.models import Models
from anyfit_modelmaker.emulator.serving.desk import Services
from anyfit_modelmaker.emulator.training.desk import Training

__all__ = ["LOGIN", "Arguments", "Desks", "Operation", "routes"]

LOGIN = "Login"
KEYS = "GetKeys"


@frozen
class Desks:
    """Who does the work.

    Attributes:
        s3_endpoint: The object store's address.
    """

    account: Account
    training: Training
    models: Models
    services: Services
    s3_endpoint: str
    s3_region: str


@frozen
class Arguments:
    """What a call carries: words of the path, the query, the body."""

    path: dict[str, str] = field(factory=dict)
    query: dict[str, str] = field(factory=dict)
    body: dict[str, Any] = field(factory=dict)

    @property
    def id(self) -> int:
        """The id in the path."""
        return int(self.path["id"])

    def number(self, name: str) -> int:
        """A whole number of the query."""
        text = self.query.get(name) or "0"
        if not text.isascii() or not text.isdigit():
            raise ApiError(INVALID, f"{name}: must be a whole number, 0 or more")
        return int(text)


@frozen
class Operation:
    """One call.

    Attributes:
        name: For faults and logs.
        do: Does it.
    """

    name: str
    do: Callable[[Arguments], dict[str, Any]]


def routes(desks: Desks) -> Router[Operation]:
    """The table."""
    training, models, services = desks.training, desks.models, desks.services
    calls: list[tuple[str, str, str, Callable[[Arguments], dict[str, Any]]]] = [
        ("POST", "/auth-token", LOGIN, lambda a: desks.account.login(a.body)),
        ("GET", "/account/auth-access", KEYS, lambda a: _keys(desks)),
        ("GET", "/resource/{env}", "ListResources", lambda a: _offered("resources", catalog.RESOURCES, a)),
        ("GET", "/basic-framework/{env}", "ListFrameworks", lambda a: _offered("frameWorks", catalog.FRAMEWORKS, a)),
        ("GET", "/preset-algorithm", "ListAlgorithms", lambda a: _listed("presetAlgorithms", catalog.ALGORITHMS)),
        ("GET", "/preset-model", "ListPresetModels", lambda a: _listed("presetModels", catalog.PRESET_MODELS)),
        ("POST", "/train", "CreateTrain", lambda a: training.create(a.body)),
        ("POST", "/train/{id:int}/version", "CreateTrainVersion", lambda a: training.create_version(a.id, a.body)),
        ("GET", "/train", "ListTrains", lambda a: training.all()),
        ("GET", "/train/{id:int}", "GetTrain", lambda a: training.detail(a.id)),
        ("GET", "/train/version/{id:int}", "GetTrainVersion", lambda a: training.version(a.id)),
        ("GET", "/train/version/{id:int}/log", "GetLog", lambda a: _log(training, a)),
        ("GET", "/train/version/{id:int}/resource-monitor", "GetUtilization", lambda a: training.utilization(a.id)),
        ("GET", "/train/version/{id:int}/performance-monitor", "GetMetrics", lambda a: training.metrics(a.id)),
        ("GET", "/train/version/{id:int}/output", "GetOutput", lambda a: training.output(a.id)),
        ("POST", "/train/{id:int}/stop", "StopTrain", lambda a: training.stop(a.id)),
        ("DELETE", "/train/version/{id:int}", "DeleteTrainVersion", lambda a: training.delete_version(a.id)),
        ("DELETE", "/train/{id:int}", "DeleteTrain", lambda a: training.delete(a.id)),
        ("POST", "/model", "CreateModel", lambda a: models.create(a.body)),
        ("POST", "/model/{id:int}/version", "CreateModelVersion", lambda a: models.create_version(a.id, a.body)),
        ("GET", "/model", "ListModels", lambda a: models.all()),
        ("GET", "/model/{id:int}", "GetModel", lambda a: models.detail(a.id)),
        ("GET", "/model/version/{id:int}", "GetModelVersion", lambda a: models.version(a.id)),
        ("DELETE", "/model/{id:int}", "DeleteModel", lambda a: models.delete(a.id)),
        ("DELETE", "/model/version/{id:int}", "DeleteModelVersion", lambda a: models.delete_version(a.id)),
        ("POST", "/service", "CreateService", lambda a: services.create(a.body)),
        ("GET", "/service", "ListServices", lambda a: services.all()),
        ("GET", "/service/{id:int}", "GetService", lambda a: services.detail(a.id)),
        ("POST", "/service/{id:int}/start", "StartService", lambda a: services.start(a.id)),
        ("POST", "/service/{id:int}/stop", "StopService", lambda a: services.stop(a.id)),
        ("PUT", "/service/{id:int}", "UpdateService", lambda a: services.update(a.id, a.body)),
        ("DELETE", "/service/{id:int}", "DeleteService", lambda a: services.delete(a.id)),
    ]
    return Router((method, f"/v1{path}", Operation(name, do)) for method, path, name, do in calls)


def _keys(desks: Desks) -> dict[str, Any]:
    keys = desks.account.keys()
    return {
        "s3": {"ak": keys.access_key, "sk": keys.secret_key, "url": desks.s3_endpoint, "region": desks.s3_region},
        "mirror": {"auth": "emulator", "url": "127.0.0.1:5000"},  # nothing listens there
    }


def _offered(name: str, lists: dict[str, tuple[Any, ...]], arguments: Arguments) -> dict[str, Any]:
    environment = catalog.ENVIRONMENTS.get(arguments.path["env"])
    if environment is None:
        raise ApiError(INVALID, f"env: must be one of {', '.join(lists)}")
    return _listed(name, lists[environment])


def _listed(name: str, offered: tuple[Any, ...]) -> dict[str, Any]:
    return {name: [item.to_wire() for item in offered]}


def _log(training: Training, arguments: Arguments) -> dict[str, Any]:
    if "lastTime" in arguments.query or "lastNan" in arguments.query:
        return training.log_by_time(arguments.id, arguments.number("lastTime"), arguments.number("lastNan"))
    return training.log_by_number(arguments.id, arguments.number("lastId"))
