"""A model's package in OBS: `model/` with the model's files, `config.json` and `customize_service.py`.

What the user's code or the model's files bring of the last two is taken as it is. Else a service is written around
anyfit's handler, which the user's `inference.py` is part of. The model's files then lie beside it where they are what
the platform wants of the type, and in a folder of their own where they are not or a name is taken; a small file stands
in for the platform's own there.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from attrs import frozen

from anyfit.backend import Upload
from anyfit.errors import SpecError
from anyfit.launch import inference_path
from anyfit.launch.shipping import ARCHIVE, File, as_json, digest_of, uploads_of
from anyfit.spec import ModelSpec
from anyfit_modelarts.engines import TYPES, ModelType, fits, runtime_for, type_for
from anyfit_modelarts.model_config import CONFIG, checked_config, read_config
from anyfit_modelarts.places import places_of
from anyfit_modelarts.requirements import dependencies_in
from anyfit_modelarts.settings import Options, Settings
from anyfit_modelarts.source import REQUIREMENTS, SERVICE, Source, unpacked

__all__ = ["ENVELOPE", "Package", "Parts", "build_package", "service_source"]

MODEL = "anyfit_model.json"
PREDICT, INFERENCE = "anyfit_predict.py", "anyfit_inference.py"
ENVELOPE = "anyfit_body"
"""The member in which a model that anyfit has packed takes what is no JSON, see `predict.py`."""

_HERE = Path(__file__).resolve().parent
_FILES = "files/"
_TAKEN = frozenset({CONFIG, SERVICE, MODEL, PREDICT, INFERENCE, ARCHIVE})
_ALGORITHM = "predict_analysis"
_JSON = "application/json"
_WRAPPED = {
    ENVELOPE: {"type": "string"},
    "anyfit_content_type": {"type": "string"},
    "anyfit_accept": {"type": "string"},
}


@frozen
class Parts:
    """The files of ours that go into a package."""

    predict: File
    inference: File

    @classmethod
    def read(cls) -> Parts:
        """Look at the files."""
        return cls(File.read(_HERE / "predict.py"), File.read(inference_path()))


@frozen(kw_only=True)
class Package:
    """A package that can be imported once its uploads are in place.

    Attributes:
        location: The folder in OBS that `model/` lies in; ends in `/`.
        model_type, runtime: What it is imported as.
        config: Its `config.json`.
        uploads: What has to be there.
    """

    location: str
    model_type: str
    runtime: str
    config: Mapping[str, Any]
    uploads: tuple[Upload, ...]


def build_package(
    spec: ModelSpec,
    source: Source,
    options: Options,
    settings: Settings,
    runtimes: Mapping[str, Sequence[str]],
    parts: Parts,
) -> Package:
    """The package of a model version; `SpecError` names what the platform would not take."""
    own_code = SERVICE in source.code
    given = _own_config(source)
    kind, package = _kind(spec, source, options, given)
    generated = not own_code and SERVICE not in source.files and not _serves_itself(kind, spec, source)
    below = _below(kind, source, given) if generated else ""
    if not generated:
        _refuse_clash(source, own_code, given)
        _refuse_unfit(kind, source)
    runtime = str((given or {}).get("runtime") or "")
    if given is None or options.runtime:
        wanted = (spec.py_version, spec.framework_version)
        runtime = runtime_for(kind, runtimes, wanted=options.runtime, python=wanted[0], version=wanted[1])
    config = checked_config(given or _config(kind, runtime, spec, source, options, settings, package))
    model = {
        "entry_point": spec.entry_point or "inference.py",
        "environment": dict(spec.environment),
        "code_archive": ARCHIVE if spec.code else "",
        "model_dir": below,
    }
    digest = digest_of(
        spec.name, spec.version, spec.artifact, dict(source.files), spec.code and spec.code.digest, config, model,
        (parts.predict.digest, parts.inference.digest),
    )  # fmt: skip
    location = places_of(settings).model(spec.name, digest)
    folder = f"{location}model/"
    uploads = []
    if below or not _is_of_model(source, given):
        uploads.append(Upload(target=folder + CONFIG, content=as_json(config), kind="job"))
    if generated:
        uploads += _generated(folder, kind, spec, model, parts)
        if below or not fits(kind, [*source.files]):
            uploads.append(Upload(target=folder + kind.stand_in, content=kind.content, kind="job"))
    elif own_code:
        uploads += unpacked(folder, spec)
    uploads.append(Upload(target=folder + below, source=spec.artifact, kind="input"))
    return Package(location=location, model_type=kind.name, runtime=runtime, config=config, uploads=tuple(uploads))


# ------------------------------------------------------------------------------------------ what it is


def _own_config(source: Source) -> dict[str, Any] | None:
    """The configuration that the code or the model brings; a `config.json` may be about something else."""
    brought = SERVICE in source.code or SERVICE in source.files
    for content in (source.code.get(CONFIG), source.config):
        if content is None:
            continue
        try:
            found = read_config(content)
        except SpecError:
            if brought:
                raise
            continue
        if brought or "model_algorithm" in found:
            return found
    return None


def _kind(spec: ModelSpec, source: Source, options: Options, given: Mapping[str, Any] | None) -> tuple[ModelType, str]:
    if given is None:
        return type_for(options.model_type, spec.framework, [*source.files])
    told = checked_config(given)["model_type"]
    if told not in TYPES:
        raise SpecError(f"{CONFIG}: model_type: {told} is for images", hint="give the image: image_uri")
    if options.model_type not in ("", told):
        raise SpecError(f"options.modelarts.model_type: {CONFIG} says {told}", hint="leave one of them out")
    return TYPES[told], ""


def _serves_itself(kind: ModelType, spec: ModelSpec, source: Source) -> bool:
    """Whether the platform's own engine answers: nobody has a handler for a model that it can load."""
    return spec.code is None and not kind.classic and kind.name == "TensorFlow" and fits(kind, [*source.files])


def _below(kind: ModelType, source: Source, given: Mapping[str, Any] | None) -> str:
    """The folder of the model's files in a package with anyfit's handler; "" for beside it."""
    taken = _TAKEN - {CONFIG} if _is_of_model(source, given) else _TAKEN
    if fits(kind, [*source.files]) and not taken.intersection(source.files):
        return ""
    if not kind.stand_in:
        wanted = ", ".join(" or ".join(patterns) for patterns in kind.files)
        raise SpecError(
            f"options.modelarts.model_type: a model of type {kind.name} has {wanted}, and this one has not",
            hint=f"its files are {', '.join(sorted(source.files)[:10])}; PyTorch takes any",
        )
    return _FILES


def _is_of_model(source: Source, given: Mapping[str, Any] | None) -> bool:
    """Whether the configuration is the one among the model's files."""
    return given is not None and source.config is not None and read_config(source.config) == given


def _refuse_clash(source: Source, own_code: bool, given: Mapping[str, Any] | None) -> None:
    """A file of the code and one of the model that would come to the same place."""
    names = set(source.names) if own_code else set()
    clash = names.intersection(source.files)
    if CONFIG in source.files and not _is_of_model(source, given):
        clash.add(CONFIG)
    for name in sorted(clash):
        raise SpecError(f"artifact: {name} is among the model's files and in the code", hint="rename one of them")


def _refuse_unfit(kind: ModelType, source: Source) -> None:
    if not fits(kind, [*source.files, *source.names]):
        wanted = ", ".join(" or ".join(patterns) for patterns in kind.files)
        few = ", and one of them" if kind.single else ""
        raise SpecError(
            f"artifact: ModelArts wants {wanted} in a package of type {kind.name}{few}",
            hint=f"the model's files are {', '.join(sorted(source.files)[:10])}",
        )


# ------------------------------------------------------------------------------------------ what is written


def _config(
    kind: ModelType,
    runtime: str,
    spec: ModelSpec,
    source: Source,
    options: Options,
    settings: Settings,
    package: str,
) -> dict[str, Any]:
    config: dict[str, Any] = {
        "model_algorithm": options.model_algorithm or _ALGORITHM,
        "model_type": kind.name,
        "runtime": runtime,
        "apis": [dict(api) for api in options.apis] or [_api()],
    }
    if options.model_metrics:
        config["metrics"] = dict(options.model_metrics)
    dependencies = _dependencies(spec, source, options, settings, package)
    return {**config, "dependencies": dependencies} if dependencies else config


def _api() -> dict[str, Any]:
    """What anyfit's handler takes: any JSON, and what is none wrapped in JSON."""
    return {
        "url": "/",
        "method": "post",
        "protocol": "https",
        "request": {"Content-type": _JSON, "data": {"type": "object", "properties": _WRAPPED}},
        "response": {"Content-type": _JSON, "data": {"type": "object"}},
    }


def _dependencies(
    spec: ModelSpec, source: Source, options: Options, settings: Settings, package: str
) -> list[dict[str, Any]]:
    if options.dependencies is not None:
        return [dict(each) for each in options.dependencies]
    chosen = options.install_requirements
    installs = settings.install_requirements if chosen is None else chosen
    text = source.code.get(REQUIREMENTS, b"").decode("utf-8", "replace") if installs else ""
    found = dependencies_in(text)
    packages = found[0]["packages"] if found else []
    if package and package not in {each["package_name"].lower() for each in packages}:
        packages.append({"package_name": package})
    return [{"installer": "pip", "packages": packages}] if packages else []


def _generated(folder: str, kind: ModelType, spec: ModelSpec, model: Mapping[str, Any], parts: Parts) -> list[Upload]:
    ours = uploads_of(folder, {PREDICT: parts.predict, INFERENCE: parts.inference}, spec.code)
    return [
        *ours,
        Upload(target=folder + MODEL, content=as_json(model), kind="job"),
        Upload(target=folder + SERVICE, content=service_source(kind).encode(), kind="job"),
    ]


def service_source(kind: ModelType) -> str:
    """The `customize_service.py` around anyfit's handler for a type of models."""
    names = "model_path" if kind.classic else "model_name, model_path"
    return _SERVICE.format(module=kind.module, base=kind.base, names=names)


_SERVICE = '''"""Answers with the handler of the user's code; written by anyfit."""

import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)

from anyfit_predict import Answers
from {module} import {base}


class AnyfitService({base}):
    def __init__(self, {names}):
        super().__init__({names})
        self.answers = Answers(HERE)

    def _preprocess(self, data):
        return self.answers.preprocess(data)

    def _inference(self, data):
        return self.answers.inference(data)

    def _postprocess(self, data):
        return self.answers.postprocess(data)
'''
