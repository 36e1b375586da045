"""`config.json` of a model package, held against its documented schema (reference, section 5.9)."""

from __future__ import annotations

import json
from functools import partial
from typing import Any

from anyfit_modelarts.emulator.errors import ApiError
from anyfit_modelarts.emulator.serving.engines import ENGINES, IMAGES, JSON_ONLY, runtime_rule
from anyfit_modelarts.emulator.serving.members import Members, matching, number, one_of, text

__all__ = ["ALGORITHM", "UNFIT", "check", "parse", "read_dependencies"]

UNFIT = "ModelArts.3015"
UNSUPPORTED = "ModelArts.3016"
UNHEALTHY = "ModelArts.3592"
ALGORITHM = matching("[A-Za-z][^&!'\"<>=]{0,35}", "a name of at most 36 characters that begins with a letter")
JSON = "application/json"
MULTIPART = "multipart/form-data"
_KNOWN = frozenset(
    {"model_algorithm", "model_type", "runtime", "swr_location", "metrics", "apis", "dependencies", "health"}
)
_METRICS = ("f1", "recall", "precision", "accuracy")


def parse(content: str) -> dict[str, Any]:
    """The object that the text is.

    Raises:
        ApiError: It is none.
    """
    try:
        document = json.loads(content)
    except ValueError as error:
        raise ApiError(UNFIT, f"config.json: it is not JSON: {error}") from None
    if not isinstance(document, dict):
        raise ApiError(UNFIT, "config.json: it must be a JSON object")
    return document


def check(document: dict[str, Any], model_type: str) -> dict[str, Any]:
    """The good members of a configuration that belongs to a model of that type.

    Raises:
        ApiError: Some are not good, or not known; all of these are named.
    """
    if unknown := sorted(set(document) - _KNOWN):
        raise ApiError(UNSUPPORTED, f"config.json: {', '.join(unknown)}: there is no such field")
    members = Members(document, "config.json: ")
    members.read("model_algorithm", ALGORITHM, required=True)
    if members.read("model_type", one_of(ENGINES), required=True) not in (None, model_type):
        members.fault("model_type", f"must be {model_type}, as the model was imported")
    is_image = model_type in IMAGES
    if not is_image:
        members.read("runtime", runtime_rule(model_type))
    members.read("swr_location", text())
    members.read_object("metrics", _read_metrics)
    apis = members.read_each("apis", lambda api: _read_api(api, model_type))
    if members.has("apis") and not is_image and [api.get("url", "/") for api in apis] != ["/"]:
        members.fault("apis", 'must be exactly one, with the url "/"')
    if not is_image:
        read_dependencies(members)
    if members.faults:
        raise ApiError(UNFIT, "; ".join(members.faults))
    if is_image:
        members.read_object("health", _read_health)
    if members.faults:
        raise ApiError(UNHEALTHY, "; ".join(members.faults))
    return members.values


def read_dependencies(members: Members) -> None:
    """Packages to be installed."""
    members.read_each("dependencies", _read_dependency)


def _read_dependency(members: Members) -> None:
    members.read("installer", one_of(("pip",)), required=True)
    members.read_each("packages", _read_package, required=True)


def _read_package(members: Members) -> None:
    members.read("package_name", text(least=1), required=True)
    version = members.read("package_version", text())
    members.read("restraint", one_of(("EXACT", "ATLEAST", "ATMOST")), required=bool(version))


def _read_metrics(members: Members) -> None:
    for name in _METRICS:
        members.read(name, number(-1e9))


def _read_api(members: Members, model_type: str) -> None:
    members.read("url", matching("/[^?#]*", "a path"))
    members.read("method", matching("(?i)post|get", "post or get"))
    members.read("protocol", one_of(("http", "https")))
    for name in ("request", "response"):
        members.read_object(name, partial(_read_side, kinds=_kinds(name, model_type)))


def _kinds(name: str, model_type: str) -> tuple[str, ...]:
    return (JSON,) if name == "request" and model_type in JSON_ONLY else (JSON, MULTIPART)


def _read_side(members: Members, kinds: tuple[str, ...]) -> None:
    members.read("Content-type", one_of(kinds))
    members.read("data", lambda value: "" if isinstance(value, dict | str) else "a JSON schema")


def _read_health(members: Members) -> None:
    members.read("url", text(least=1), required=True)
    members.read("protocol", one_of(("http", "https")))
    members.read("check_method", one_of(("HTTP", "EXEC")))
    members.read("command", text())
    for name in ("initial_delay_seconds", "timeout_seconds", "period_seconds", "failure_threshold"):
        members.read(name, matching("[0-9]+", "a string of digits"))
