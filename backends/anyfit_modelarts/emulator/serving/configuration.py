"""`config.json` of a model package, held against its documented schema (reference, section 5.9)."""

from __future__ import annotations

import json
from typing import Any

from anyfit_modelarts.emulator.errors import ApiError
from anyfit_modelarts.emulator.members import Members
from anyfit_modelarts.emulator.serving.bodies import read_dependencies
from anyfit_modelarts.emulator.serving.engines import ENGINES, IMAGES, JSON_ONLY, read_runtime

__all__ = ["ALGORITHM", "METHOD", "PATH", "UNFIT", "check", "parse"]

UNFIT = "ModelArts.3015"
UNSUPPORTED = "ModelArts.3016"
UNHEALTHY = "ModelArts.3592"
ALGORITHM = "[A-Za-z][^&!'\"<>=]{0,35}"
PATH = "/[^?#]*"
METHOD = "(?i:post|get)"
_DIGITS = "[0-9]+"
JSON = "application/json"
MULTIPART = "multipart/form-data"
_KNOWN = frozenset(
    {"model_algorithm", "model_type", "runtime", "swr_location", "metrics", "apis", "dependencies", "health"}
)
_METRICS = ("f1", "recall", "precision", "accuracy")
_SECONDS = ("initial_delay_seconds", "timeout_seconds", "period_seconds", "failure_threshold")


def parse(content: str) -> dict[str, Any]:
    """The object that the text is.

    Raises:
        ApiError: It is none.
    """
    try:
        document = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise ApiError(UNFIT, f"config.json: it is not JSON: {error}") from None
    if not isinstance(document, dict):
        raise ApiError(UNFIT, "config.json: it must be a JSON object")
    return document


def check(document: dict[str, Any], model_type: str) -> dict[str, Any]:
    """The configuration, which belongs to a model of that type.

    Raises:
        ApiError: Some members are not good, or not known; all of these are named.
    """
    if unknown := sorted(set(document) - _KNOWN):
        raise ApiError(UNSUPPORTED, f"config.json: {', '.join(unknown)}: there is no such field")
    members = Members(document, "config.json: ")
    is_image = model_type in IMAGES
    members.text("model_algorithm", pattern=ALGORITHM, required=True)
    if members.word("model_type", ENGINES, required=True) not in (None, model_type):
        members.fault("model_type", f"must be {model_type}, as the model is imported")
    members.text("swr_location")
    if metrics := members.child("metrics"):
        for name in _METRICS:
            metrics.number(name)
    _read_apis(members, model_type)
    if not is_image:
        read_runtime(members, model_type)
        read_dependencies(members)
    members.finish(UNFIT)
    if is_image:
        _read_health(members)
        members.finish(UNHEALTHY)
    return document


def _read_apis(members: Members, model_type: str) -> None:
    apis = members.children("apis")
    for api in apis:
        api.text("url", pattern=PATH)
        api.text("method", pattern=METHOD)
        api.word("protocol", ("http", "https"))
        for name in ("request", "response"):
            if side := api.child(name):
                only_json = name == "request" and model_type in JSON_ONLY
                side.word("Content-type", (JSON,) if only_json else (JSON, MULTIPART))
    if "apis" in members and model_type not in IMAGES and [api.raw("url") or "/" for api in apis] != ["/"]:
        members.fault("apis", 'must be exactly one, with the url "/"')


def _read_health(members: Members) -> None:
    health = members.child("health")
    if health is None:
        return
    health.text("url", required=True)
    health.word("protocol", ("http", "https"))
    health.word("check_method", ("HTTP", "EXEC"))
    health.text("command")
    for name in _SECONDS:
        health.text(name, pattern=_DIGITS)
