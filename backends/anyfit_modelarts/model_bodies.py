"""The bodies that import models: packages, and images that serve by themselves."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from anyfit.backend import JobRef
from anyfit.errors import SpecError
from anyfit.spec import ModelSpec
from anyfit_modelarts.engines import IMAGE
from anyfit_modelarts.model_config import checked_config
from anyfit_modelarts.package import Package
from anyfit_modelarts.places import obs_url
from anyfit_modelarts.settings import Options, Settings

__all__ = ["VERSION", "image_body", "import_body", "plain_text"]

VERSION = re.compile(r"(0|[1-9]\d?)\.(0|[1-9]\d?)\.(0|[1-9]\d?)")
_NAME = re.compile(r"[A-Za-z0-9_一-龥-]{1,64}")
_FORBIDDEN = re.compile(r"[&!'\"<>=]")
_LONGEST = 100


def import_body(spec: ModelSpec, package: Package, options: Options, settings: Settings) -> dict[str, Any]:
    """The body that imports a package; pure."""
    head = _head(spec, package.model_type, options, settings)
    body = {**head, "source_location": obs_url(package.location, settings)}
    return {**body, "runtime": package.runtime} if package.runtime else body


def image_body(spec: ModelSpec, options: Options, settings: Settings) -> dict[str, Any]:
    """The body that imports an image which serves by itself, on port 8080; pure."""
    if spec.code is not None:
        raise SpecError(
            "source_dir: ModelArts puts no code into an image of one's own",
            hint='let the image serve by itself, or name options.modelarts.model_type = "PyTorch" for the code',
        )
    config: dict[str, Any] = {"model_algorithm": options.model_algorithm or "predict_analysis", "model_type": IMAGE}
    if options.apis:
        config["apis"] = [dict(api) for api in options.apis]
    if options.model_metrics:
        config["metrics"] = dict(options.model_metrics)
    if options.health:
        config["health"] = dict(options.health)
    body = {**_head(spec, IMAGE, options, settings), "source_location": spec.image}
    return {**body, "initial_config": _compact(checked_config(config))}


def _head(spec: ModelSpec, model_type: str, options: Options, settings: Settings) -> dict[str, Any]:
    if not _NAME.fullmatch(spec.name):
        raise SpecError(f"model_name: {spec.name!r} is no name here", hint="1 to 64 letters, digits, - and _")
    if not VERSION.fullmatch(spec.version):
        raise SpecError(
            f"model_version: {spec.version!r} is no version here",
            hint="write three numbers from 0 to 99, such as 1.0.0; or leave it out to count on",
        )
    body: dict[str, Any] = {
        "model_name": spec.name,
        "model_version": spec.version,
        "model_type": model_type,
        **_origin(spec.job),
    }
    if description := _described(spec):
        body["description"] = description
    if workspace := options.workspace or settings.workspace:
        body["workspace_id"] = workspace
    if options.install_type:
        body["install_type"] = list(options.install_type)
    if options.model_docs:
        body["model_docs"] = [dict(doc) for doc in options.model_docs]
    return body


def _origin(job: str) -> dict[str, str]:
    """The job as the platform wants it: its id, and in the first generation its version's too."""
    if not job.startswith("modelarts://"):
        return {}
    id, slash, version = JobRef.parse(job).id.partition("/")
    return {"source_job_id": id, **({"source_job_version": version} if slash else {})}


def _described(spec: ModelSpec) -> str:
    """What people wrote, and the job's reference: lists show nothing else that tells where a model is from."""
    origin = f"from {spec.job}" if spec.job.startswith("modelarts://") else ""
    plain_text("description", spec.description, _LONGEST - len(origin) - bool(origin))
    return " ".join(filter(None, (spec.description, origin)))


def plain_text(field: str, given: str, longest: int = _LONGEST) -> str:
    """Text as descriptions may have it; else `SpecError`."""
    if len(given) > longest:
        raise SpecError(f"{field}: {len(given)} characters are too many", hint=f"{longest} at most")
    if found := _FORBIDDEN.search(given):
        raise SpecError(f"{field}: ModelArts takes no {found[0]} there", hint="leave out & ! ' \" < > and =")
    return given


def _compact(value: Mapping[str, Any]) -> str:
    return json.dumps(value, ensure_ascii=False, sort_keys=True)
