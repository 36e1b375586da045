"""From the configuration of a service to what runs for it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from anyfit_modelarts.emulator.models import Model, Models
from anyfit_modelarts.emulator.serving.deployment import Part
from anyfit_modelarts.emulator.serving.engines import IMAGES
from anyfit_modelarts.emulator.serving.instance import Image, Instance
from anyfit_modelarts.emulator.serving.record import Service
from anyfit_modelarts.emulator.serving.replica import START_SECONDS, Package, Replica

__all__ = ["parts_of"]


def parts_of(service: Service, models: Models, folder: Path) -> list[Part]:
    """One part for each model.

    Raises:
        ApiError: A model does not exist.
    """
    parts = []
    for position, item in enumerate(service.asked["config"]):
        model = models.find(item["model_id"])
        instances = _instances(service, item, model, models.package(model), folder / str(position))
        parts.append(Part(model.id, item["weight"], instances, _apis(model)))
    return parts


def _instances(service: Service, item: dict[str, Any], model: Model, package: Path, folder: Path) -> list[Instance]:
    name, version, kind = (model.asked[f"model_{what}"] for what in ("name", "version", "type"))
    count = int(item["instance_count"])
    if kind in IMAGES:
        service.note(f"The image of {name} {version} is not pulled here, a stand-in answers.")
        return [Image() for _ in range(count)]
    service.note(f"The image of {name} {version} is built.")
    service.note("The environment is prepared.")
    service.note(f"{count} instances are scheduled.")
    service.note("The image is pulled.")
    seconds = float(item.get("deploy_timeout_in_seconds", START_SECONDS))
    what, envs = Package(model.id, kind, name, package), item.get("envs", {})
    return [Replica(what, envs, folder / str(copy), seconds) for copy in range(count)]


def _apis(model: Model) -> dict[str, frozenset[str]]:
    """The paths of a model, and the methods of each."""
    apis: dict[str, set[str]] = {}
    for api in model.asked.get("apis") or model.config.get("apis") or [{}]:
        apis.setdefault(api.get("url", "/"), set()).add(api.get("method", "POST").upper())
    return {url: frozenset(methods) for url, methods in apis.items()}
