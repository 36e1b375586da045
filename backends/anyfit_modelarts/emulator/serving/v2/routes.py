"""The calls of services of the second API (reference, section 5.12)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from anyfit_modelarts.emulator.calls import Arguments, Operation, Route
from anyfit_modelarts.emulator.errors import V2
from anyfit_modelarts.emulator.serving.v2.desk import InferServices
from anyfit_modelarts.emulator.serving.v2.wire import flavors

__all__ = ["routes"]

_SERVICES = "/v2/{project}/services"
_SERVICE = f"{_SERVICES}/{{service}}"


def routes(services: InferServices) -> list[Route]:
    """The table."""
    calls: list[tuple[str, str, str, Callable[[Arguments], dict[str, Any]]]] = [
        ("POST", _SERVICES, "CreateInferService", lambda a: services.create(a.caller, a.body)),
        ("GET", _SERVICES, "ListInferServices", lambda a: services.all(a.query)),
        ("POST", f"{_SERVICES}/delete", "BatchDeleteInferServices", lambda a: services.delete(a.body)),
        ("GET", f"{_SERVICES}/flavors", "ListInferFlavors", lambda a: flavors(a.query)),
        ("GET", _SERVICE, "ShowInferService", lambda a: services.detail(a.path["service"])),
        ("POST", f"{_SERVICE}/start", "StartInferService", lambda a: services.start(a.path["service"])),
        ("POST", f"{_SERVICE}/stop", "StopInferService", lambda a: services.stop(a.path["service"])),
        ("GET", f"{_SERVICE}/events", "ListInferEvents", lambda a: services.events(a.path["service"], a.query)),
    ]
    return [(method, path, Operation(name, do, V2)) for method, path, name, do in calls]
