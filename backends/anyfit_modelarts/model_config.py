"""`config.json` of a model package, held against the platform's documented schema before anything is sent."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from anyfit.errors import SpecError
from anyfit_modelarts.engines import IMAGE, TYPES
from anyfit_modelarts.wire import rows

__all__ = ["CONFIG", "checked_config", "read_config"]

CONFIG = "config.json"
Fault = tuple[str, str]
_MEMBERS = ("model_algorithm", "model_type", "runtime", "swr_location", "metrics", "apis", "dependencies", "health")
_ALGORITHM = re.compile(r"[A-Za-z][^&!'\"<>=]{0,35}")
_METRICS = ("f1", "recall", "precision", "accuracy")
_KINDS = ("application/json", "multipart/form-data")
_RESTRAINTS = ("EXACT", "ATLEAST", "ATMOST")
_SECONDS = ("initial_delay_seconds", "timeout_seconds", "period_seconds", "failure_threshold")


def read_config(content: bytes) -> dict[str, Any]:
    """The object in a file; `SpecError` where there is none."""
    try:
        found = json.loads(content)
    except (ValueError, RecursionError) as fault:
        raise SpecError(f"{CONFIG}: it is not JSON: {fault}") from None
    if not isinstance(found, dict):
        raise SpecError(f"{CONFIG}: it is no JSON object")
    return found


def checked_config(config: Mapping[str, Any]) -> dict[str, Any]:
    """The configuration, if it is one; else `SpecError` names the first field that is wrong."""
    for field, fault in _faults(config):
        raise SpecError(f"{CONFIG}: {field}: {fault}", hint="docs/backends/modelarts.md shows what a package holds")
    return dict(config)


def _faults(config: Mapping[str, Any]) -> Iterator[Fault]:
    for name in config:
        if name not in _MEMBERS:
            yield name, f"there is no such field; there are {', '.join(_MEMBERS)}"
    kind = config.get("model_type")
    if kind not in (*TYPES, IMAGE):
        yield "model_type", f"{kind!r} is none of {', '.join([*TYPES, IMAGE])}"
    if not (isinstance(config.get("model_algorithm"), str) and _ALGORITHM.fullmatch(config["model_algorithm"])):
        yield "model_algorithm", "1 to 36 characters with a letter first, and none of & ! ' \" < > ="
    for name in ("runtime", "swr_location"):
        if not isinstance(config.get(name, ""), str):
            yield name, f"expected text, got {config[name]!r}"
    yield from _of_metrics(config.get("metrics", {}))
    yield from _of_apis(config.get("apis", []), str(kind))
    yield from _of_dependencies(config.get("dependencies", []))
    if "health" in config:
        yield from _of_health(config["health"], str(kind))


def _of_metrics(metrics: object) -> Iterator[Fault]:
    if not isinstance(metrics, Mapping):
        yield "metrics", "expected an object"
        return
    for name, value in metrics.items():
        if name not in _METRICS:
            yield f"metrics.{name}", f"there is no such field; there are {', '.join(_METRICS)}"
        elif isinstance(value, bool) or not isinstance(value, (int, float)):
            yield f"metrics.{name}", f"expected a number, got {value!r}"


def _of_apis(apis: object, kind: str) -> Iterator[Fault]:
    if not isinstance(apis, list) or len(rows(apis)) != len(apis):
        yield "apis", "expected a list of objects"
        return
    for index, api in enumerate(apis):
        yield from _of_api(api, f"apis[{index}]", TYPES[kind].classic if kind in TYPES else False)
    if apis and kind != IMAGE and [api.get("url", "/") for api in apis] != ["/"]:
        yield "apis", 'a model that is no image has exactly one, with the url "/"'


def _of_api(api: Mapping[str, Any], where: str, only_json: bool) -> Iterator[Fault]:
    url, method = api.get("url", "/"), api.get("method", "POST")
    if not (isinstance(url, str) and url.startswith("/")):
        yield f"{where}.url", f"expected a path that begins with /, got {url!r}"
    if not (isinstance(method, str) and method.lower() in ("post", "get")):
        yield f"{where}.method", f"expected post or get, got {method!r}"
    if api.get("protocol", "https") not in ("http", "https"):
        yield f"{where}.protocol", f"expected http or https, got {api['protocol']!r}"
    for name in ("request", "response"):
        side = api.get(name, {})
        if not isinstance(side, Mapping):
            yield f"{where}.{name}", "expected an object"
            continue
        known = _KINDS[:1] if only_json and name == "request" else _KINDS
        if side.get("Content-type", known[0]) not in known:
            yield f"{where}.{name}.Content-type", f"expected {' or '.join(known)}, got {side['Content-type']!r}"


def _of_dependencies(dependencies: object) -> Iterator[Fault]:
    if not isinstance(dependencies, list) or len(rows(dependencies)) != len(dependencies):
        yield "dependencies", "expected a list of objects"
        return
    for index, dependency in enumerate(dependencies):
        where = f"dependencies[{index}]"
        if dependency.get("installer") != "pip":
            yield f"{where}.installer", f"expected 'pip', got {dependency.get('installer')!r}"
        packages = dependency.get("packages")
        if not isinstance(packages, list) or len(rows(packages)) != len(packages):
            yield f"{where}.packages", "expected a list of objects"
            continue
        for number, package in enumerate(packages):
            yield from _of_package(package, f"{where}.packages[{number}]")


def _of_package(package: Mapping[str, Any], where: str) -> Iterator[Fault]:
    name, version = package.get("package_name"), package.get("package_version")
    if not (isinstance(name, str) and name):
        yield f"{where}.package_name", "it is missing"
    if version is not None and not isinstance(version, str):
        yield f"{where}.package_version", f"expected text, got {version!r}"
    if (version or "restraint" in package) and package.get("restraint") not in _RESTRAINTS:
        yield f"{where}.restraint", f"expected {', '.join(_RESTRAINTS)}, got {package.get('restraint')!r}"


def _of_health(health: object, kind: str) -> Iterator[Fault]:
    if kind != IMAGE or not isinstance(health, Mapping):
        yield "health", "it is an object, and for images alone"
        return
    if not (isinstance(health.get("url"), str) and health["url"]):
        yield "health.url", "it is missing"
    if health.get("protocol", "http") not in ("http", "https"):
        yield "health.protocol", f"expected http or https, got {health['protocol']!r}"
    if health.get("check_method", "HTTP") not in ("HTTP", "EXEC"):
        yield "health.check_method", f"expected HTTP or EXEC, got {health['check_method']!r}"
    for name in _SECONDS:
        value = health.get(name, "0")
        if not (isinstance(value, str) and value.isdigit()):
            yield f"health.{name}", f"expected digits as text, got {value!r}"
