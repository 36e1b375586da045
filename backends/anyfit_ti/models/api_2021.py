"""Models of 2021: versions in the platform's own repository."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from anyfit.backend import ModelStatus, Upload
from anyfit.cloud.places import Places
from anyfit.errors import Conflict, NotFound, ServiceError
from anyfit.spec import ModelSpec
from anyfit_ti import wire
from anyfit_ti.bundle import PREDICT, ShippedModel
from anyfit_ti.models.package import make_package
from anyfit_ti.places import cos_path, folder
from anyfit_ti.serving.client import ServingClient
from anyfit_ti.serving.images import find_serving_image, image_info
from anyfit_ti.serving.wire import ModelVersion, model_version
from anyfit_ti.settings import Options, Settings
from anyfit_ti.wire import Raw

__all__ = ["MODEL_STATUS", "Repository", "image_of_version", "model_body"]

MODEL_STATUS = {
    "STATUS_SUCCESS": ModelStatus.READY,
    "STATUS_RUNNING": ModelStatus.PREPARING,
    "STATUS_FAILED": ModelStatus.FAILED,
}
_FRAMEWORKS = ("PYTORCH", "TENSORFLOW", "DETECTRON2", "PMML", "MMDETECTION", "ONNX")
_FORMATS = {"SAVED_MODEL": "TENSORFLOW", "FROZEN_GRAPH": "TENSORFLOW", "TORCH_SCRIPT": "PYTORCH"}
_MOST_TOLD = 1000


def model_body(
    spec: ModelSpec, options: Options, images: Sequence[Raw], settings: Settings, shipped: ShippedModel
) -> tuple[dict[str, Any], tuple[Upload, ...]]:
    """The body that makes a model with its first version, and what has to be in the store first; pure."""
    package = make_package(spec, options, settings, shipped, program=PREDICT)
    framework, environment = _environment(spec, options, images, settings)
    body: dict[str, Any] = {
        "ImportMethod": "MODEL",
        "TrainingModelName": spec.name,
        "TrainingModelVersion": spec.version,
        "TrainingModelSource": "COS",
        "TrainingModelCosPath": cos_path(package.folder, settings.region),
        "AlgorithmFramework": framework,
        "ModelFormat": options.model_format or ("PYTORCH" if framework == "PYTORCH" else ""),
        **environment,
        "TrainingModelIndex": package.told.written(_MOST_TOLD),
    }
    if options.model_path:
        target = cos_path(folder(options.model_path), settings.region)
        body |= {"ModelOutputPath": target, "ModelMoveMode": "COPY"}
    body |= options.model_more
    return {name: value for name, value in body.items() if value != ""}, package.uploads


def _environment(
    spec: ModelSpec, options: Options, images: Sequence[Raw], settings: Settings
) -> tuple[str, dict[str, Any]]:
    """What serves the model: its framework, as far as the platform has a word for it, and the image."""
    of_format = _FORMATS.get(options.model_format, options.model_format)
    if spec.image and not options.serving_framework:
        named = {"torch": "PYTORCH"}.get(spec.framework.lower(), spec.framework.upper())
        framework = next((word for word in (of_format, named) if word in _FRAMEWORKS), "")
        info = image_info(spec.image, options)
        return framework, {"ReasoningEnvironmentSource": "CUSTOM", "ReasoningImageInfo": info}
    wanted = (spec.framework, spec.framework_version, spec.py_version)
    wanted = (options.serving_framework, "", "") if options.serving_framework else wanted
    image = find_serving_image(wanted, images, settings.serving_image or settings.default_framework)
    framework = next((word for word in (of_format, image.framework.upper()) if word in _FRAMEWORKS), "")
    return framework, {
        "ReasoningEnvironmentSource": "SYSTEM",
        "ReasoningEnvironment": image.url,
        "ReasoningEnvironmentId": image.name,
    }


def image_of_version(version: ModelVersion) -> dict[str, Any]:
    """The image that a version was registered with, as services are told of it."""
    own = wire.table(version.raw, "ReasoningImageInfo")
    if wire.text(version.raw, "ReasoningEnvironmentSource") == "CUSTOM" and own:
        return {name: value for name, value in own.items() if value not in (None, "")}
    name, url = (wire.text(version.raw, f"ReasoningEnvironment{end}") for end in ("Id", ""))
    return {"ImageType": "PRESET", "ImageUrl": url, "ImageName": name}


class Repository:
    """The models of one account.

    Args:
        client: Makes the calls.
        places: Where anyfit keeps what models are served from.
    """

    def __init__(self, client: ServingClient, places: Places) -> None:
        self._client = client
        self._places = places

    def register(self, body: Mapping[str, Any]) -> str:
        """Make a model, or a new version of the one of that name; the version's id."""
        try:
            return self._client.create_model(body)
        except Conflict:
            pass
        name = body["TrainingModelName"]
        family = self._family(name)
        if family is None:
            raise ServiceError(f"model {name!r} exists, as TI says, but is not in its list", backend="ti")
        further = {key: value for key, value in body.items() if key != "TrainingModelName"}
        try:
            return self._client.create_model({**further, "ImportMethod": "VERSION", "TrainingModelId": family})
        except Conflict as fault:
            version = body.get("TrainingModelVersion", "")
            message = f"model_version: there is already a version {version!r} of model {name!r}"
            raise Conflict(message, hint="leave the version out to count on", backend="ti") from fault

    def every(self, name: str = "") -> list[ModelVersion]:
        """All versions, or those of one name."""
        found = []
        for raw in self._client.models(name):
            if name in ("", wire.text(raw, "TrainingModelName")):
                rows = wire.rows(raw, "TrainingModelVersions")
                found += [model_version(row) for row in rows] or self._versions(wire.text(raw, "TrainingModelId"))
        return found

    def delete(self, identity: str) -> None:
        """Remove a version, and the folder that anyfit had made for it, unless another version is made of the same."""
        try:
            version = self._client.model_version(identity)
        except NotFound:
            return
        mine = bool(self._places.bucket) and version.place.startswith(f"{self._places.root}models/")
        others = [one for one in self._versions(version.model) if one.id != identity] if mine else []
        alone = mine and all(one.place != version.place for one in others)
        if alone:
            self._client.delete_model_version_and_files(identity)
        else:
            self._client.delete_model_version(identity)

    def _family(self, name: str) -> str | None:
        for raw in self._client.models(name):
            if wire.text(raw, "TrainingModelName") == name:
                return wire.text(raw, "TrainingModelId")
        return None

    def _versions(self, model: str) -> list[ModelVersion]:
        try:
            return self._client.model_versions(model)
        except NotFound:
            return []
