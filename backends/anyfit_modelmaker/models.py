"""Registered models: their bodies, and their life."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any

from anyfit.backend import Catalog, ModelInfo, ModelRef, Upload
from anyfit.catalog import find_preset
from anyfit.cloud.places import Places
from anyfit.errors import Conflict, NotFound, ServiceError, SpecError
from anyfit.images import find_image
from anyfit.spec import ModelSpec
from anyfit_modelmaker.bundle import ARCHIVE, PREDICT, Shipped, digest_of
from anyfit_modelmaker.client import Client
from anyfit_modelmaker.places import places_of
from anyfit_modelmaker.settings import Settings
from anyfit_modelmaker.translate import options_of
from anyfit_modelmaker.wire import Version, time_of

__all__ = ["Models", "model_request"]

_JOB = re.compile(r"modelmaker://\S+")

Upper = Callable[[Sequence[Upload]], object]
"""Makes uploads."""


def model_request(
    spec: ModelSpec, catalog: Catalog, settings: Settings, shipped: Shipped
) -> tuple[dict[str, Any], tuple[Upload, ...]]:
    """The body that makes a model, without its version, and what has to be in the store first; pure."""
    options = options_of(spec.options)
    places = places_of(settings)
    path, uploads = _weights(spec, places)
    body: dict[str, Any] = {"name": spec.name, "modelPath": path}
    if options.algorithm and not spec.image and spec.code is None and not options.serving_framework:
        preset = find_preset(options.algorithm, catalog.models, "options.modelmaker.algorithm")
        return {**body, "type": "PRESET_MODEL", "presetModelId": int(preset.native)}, uploads
    if spec.image and not options.serving_framework:
        if spec.code is not None:
            raise SpecError(
                "source_dir: ModelMaker puts no code into an image of one's own",
                hint='let the image serve by itself, or name options.modelmaker.serving_framework = "..." for the code',
            )
        return {**body, "type": "CUSTOM", "mirrorUrl": spec.image}, uploads
    wanted = (spec.framework, spec.framework_version, spec.py_version)
    wanted = (options.serving_framework, "", "") if options.serving_framework else wanted
    image, _ = find_image(wanted, catalog.frameworks, task="serve", default=settings.default_framework)
    model = {
        "entry_point": spec.entry_point,
        "environment": dict(spec.environment),
        "code_archive": ARCHIVE if spec.code else "",
    }
    digest = digest_of(shipped.predict.digest, shipped.inference.digest, spec.code and spec.code.digest, model)
    folder = places.model(spec.name, digest)
    return {
        **body,
        "type": "BASIC_FRAMEWORK",
        "frameworkId": int(image.native),
        "codeUrl": folder,
        "gitInfo": None,
        "startup": PREDICT,
        "callSpecs": options.call_specs or _call_specs(spec),
    }, (*uploads, *shipped.for_model(folder, spec.code, model))


def _weights(spec: ModelSpec, places: Places) -> tuple[str, tuple[Upload, ...]]:
    """The folder with the model's files, which are brought to the platform's store if need be."""
    folder = spec.artifact if spec.artifact.endswith("/") else f"{spec.artifact}/"
    if folder.startswith("s3://"):
        return folder, ()
    target = f"{places.model(spec.name, digest_of(spec.artifact))}weights/"
    return target, (Upload(target=target, source=spec.artifact, kind="input"),)


def _call_specs(spec: ModelSpec) -> str | None:
    """The platform shows this text beside a model; it is the only one that a model can carry."""
    return " ".join(filter(None, (spec.description, f"from {spec.job}" if spec.job else ""))) or None


class Models:
    """The models of one account."""

    def __init__(self, client: Client, region: str, offset_hours: float) -> None:
        self._client = client
        self._region = region
        self._offset = offset_hours

    def register(self, body: dict[str, Any], version: str) -> ModelRef:
        """Make a model, or a new version of the one of that name; an empty version counts on."""
        try:
            made = self._client.create_model({**body, "version": version or "1"})
        except Conflict:
            return self._add(body, version)
        except ServiceError as fault:
            found = self._of_code(body)
            if found is None:
                raise fault
            return self._ref(found.version_id)
        return self._ref(made.version_id)

    def infos(self, name: str = "") -> list[ModelInfo]:
        """All versions, or those of one name, newest first."""
        found = [
            (version.version_id, self._info(entry.name, version))
            for entry in self._client.models()
            if name in ("", entry.name)
            for version in self._versions(entry.id)
        ]
        return [info for _, info in sorted(found, key=lambda pair: pair[0], reverse=True)]

    def delete(self, ref: ModelRef) -> None:
        """Remove a version, and its model with the last one."""
        if not ref.id.isdigit():
            return
        try:
            version = self._client.model_version(int(ref.id))
        except NotFound:
            return
        parent = version.id
        versions = self._versions(parent) if parent else []
        if [each.version_id for each in versions] == [int(ref.id)]:
            self._client.delete_model(parent)
        else:
            self._client.delete_model_version(int(ref.id))

    def _add(self, body: dict[str, Any], version: str) -> ModelRef:
        family = self._family(body["name"])
        if family is None:
            raise ServiceError(
                f"model {body['name']!r} exists, as ModelMaker says, but is not in its list", backend="modelmaker"
            )
        labels = [each.label for each in self._versions(family)]
        if version and version in labels:
            raise Conflict(
                f"model_version: there is already a version {version!r} of model {body['name']!r}",
                hint="leave the version out to count on",
                backend="modelmaker",
            )
        counted = str(max((int(label) for label in labels if label.isdigit()), default=0) + 1)
        return self._ref(self._client.create_model_version(family, {**body, "version": version or counted}).version_id)

    def _family(self, name: str) -> int | None:
        return next((entry.id for entry in self._client.models() if entry.name == name), None)

    def _of_code(self, body: dict[str, Any]) -> Version | None:
        """After a lost answer: the version that was made of the same things."""
        family = self._family(body["name"])
        members = ("codeUrl", "modelPath", "mirrorUrl")
        for version in reversed(self._versions(family) if family is not None else []):
            if all(version.text(member) == body.get(member, "") for member in members):
                return version
        return None

    def _versions(self, model: int) -> list[Version]:
        try:
            return self._client.model(model)
        except NotFound:
            return []

    def _info(self, name: str, version: Version) -> ModelInfo:
        job = _JOB.search(version.text("callSpecs"))
        return ModelInfo(
            ref=self._ref(version.version_id),
            name=name,
            version=version.label,
            created_at=time_of(version.created, self._offset),
            job=job[0] if job else "",
        )

    def _ref(self, version: int) -> ModelRef:
        return ModelRef("modelmaker", self._region, str(version))
