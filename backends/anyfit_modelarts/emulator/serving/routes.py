"""The calls of models and services (reference, section 5.1)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from anyfit_modelarts.emulator.calls import Arguments, Operation, Route
from anyfit_modelarts.emulator.errors import MODELS
from anyfit_modelarts.emulator.models import Models
from anyfit_modelarts.emulator.serving.desk import Services
from anyfit_modelarts.emulator.serving.engines import runtimes_to_wire
from anyfit_modelarts.emulator.serving.specifications import specifications_to_wire

__all__ = ["routes"]

_MODELS = "/v1/{project}/models"
_SERVICES = "/v1/{project}/services"
_MODEL = f"{_MODELS}/{{model}}"
_SERVICE = f"{_SERVICES}/{{service}}"


def routes(models: Models, services: Services) -> list[Route]:
    """The table."""
    calls: list[tuple[str, str, str, Callable[[Arguments], dict[str, Any]]]] = [
        ("POST", _MODELS, "CreateModel", lambda a: models.create(a.caller, a.body)),
        ("GET", _MODELS, "ListModels", lambda a: models.all(a.query)),
        ("GET", f"{_MODELS}/ai-engine-runtimes", "ListRuntimes", lambda a: runtimes_to_wire()),
        ("GET", _MODEL, "GetModel", lambda a: models.detail(a.path["model"])),
        ("DELETE", _MODEL, "DeleteModel", lambda a: models.delete(a.path["model"], a.query)),
        ("POST", _SERVICES, "CreateService", lambda a: services.create(a.caller, a.body)),
        ("GET", _SERVICES, "ListServices", lambda a: services.all(a.query)),
        ("GET", f"{_SERVICES}/specifications", "ListSpecifications", lambda a: specifications_to_wire(a.query)),
        ("GET", _SERVICE, "GetService", lambda a: services.detail(a.path["service"])),
        ("PUT", _SERVICE, "UpdateService", lambda a: services.change(a.path["service"], a.body)),
        ("DELETE", _SERVICE, "DeleteService", lambda a: services.delete(a.path["service"])),
        ("GET", f"{_SERVICE}/events", "ListEvents", lambda a: services.events(a.path["service"], a.query)),
        ("GET", f"{_SERVICE}/logs", "ListUpdates", lambda a: services.updates(a.path["service"], a.query)),
        ("GET", f"{_SERVICE}/monitor", "GetMonitor", lambda a: services.monitor(a.path["service"])),
    ]
    return [(method, path, Operation(name, do, MODELS)) for method, path, name, do in calls]
