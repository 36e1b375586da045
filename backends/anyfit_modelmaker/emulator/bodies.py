"""The bodies that create things, held against the reference's rules (sections 7.2, 8.1 and 9.1)."""

from __future__ import annotations

from typing import Any

from anyfit_modelmaker.emulator import catalog
from anyfit_modelmaker.emulator.members import (
    Members,
    custom_resource,
    expressions,
    id_in,
    integer,
    items,
    number,
    one_of,
    s3_uri,
    s3_uris,
    strings,
    text,
)

__all__ = ["check_job", "check_model", "check_service"]

POOLS = ("PUBLIC_POOL", "PERSONAL_POOL")
_NAME = text(1, 64)
_COUNT = number(1, 100)


def check_job(body: dict[str, Any]) -> dict[str, Any]:
    """The good members of a job's body.

    Raises:
        ApiError: Some are not good; all of these are named.
    """
    members = Members(body)
    members.read("name", _NAME, required=True)
    kind = members.read("type", one_of(_JOB_TYPES), required=True)
    members.read("instance", _COUNT, required=True)
    members.read("volumeSize", _COUNT, required=True)
    members.read("maxRuntime", number(1))
    members.read("description", text(1, 128))
    members.read("tagName", text())
    members.read("output", s3_uri, required=True)
    members.read("isFlowInput", number(0, 1))
    _read_pool(members, "TRAIN")
    if kind:
        _JOB_TYPES[kind](members)
    return members.finish()


def check_model(body: dict[str, Any]) -> dict[str, Any]:
    """The good members of a model version's body."""
    members = Members(body)
    members.read("name", _NAME, required=True)
    kind = members.read("type", one_of(("BASIC_FRAMEWORK", "PRESET_MODEL", "CUSTOM")), required=True)
    members.read("version", text(), required=True)
    members.read("modelPath", s3_uri, required=kind != "CUSTOM")
    if kind == "BASIC_FRAMEWORK":
        ids = {entry.id for entry in catalog.FRAMEWORKS["PREDICT"]}
        members.read("frameworkId", id_in(ids, "/basic-framework/PREDICT"), required=True)
        _read_code(members)
        members.read("startup", text())
        members.read("callSpecs", text(0))
    elif kind == "PRESET_MODEL":
        members.read(
            "presetModelId", id_in({entry.id for entry in catalog.PRESET_MODELS}, "/preset-model"), required=True
        )
    elif kind == "CUSTOM":
        members.read("mirrorUrl", text(), required=True)
    return members.finish()


def check_service(body: dict[str, Any]) -> dict[str, Any]:
    """The good members of a service's body."""
    members = Members(body)
    members.read("name", _NAME, required=True)
    members.read("type", one_of(("ONLINE_SERVICE",)), required=True)
    models = members.read("serviceModels", _objects, required=True) or []
    good = []
    for position, model in enumerate(models):
        item = Members(model, f"serviceModels[{position}].")
        item.read("modelVersionId", integer, required=True)
        item.read("weight", number(0), required=True)
        item.read("instanceCount", number(1, 10), required=True)
        item.read("envs", items("name", "value"))
        _read_pool(item, "PREDICT")
        members.faults += item.faults
        good.append(item.values)
    members.values["serviceModels"] = good
    return members.finish()


def _read_pool(members: Members, environment: str) -> None:
    pool = members.read("resourcePoolType", one_of(POOLS)) or POOLS[0]
    ids = {resource.id for resource in catalog.RESOURCES[environment]}
    machine = id_in(ids, f"/resource/{environment}")
    if pool == POOLS[0]:
        members.read("resourceId", machine, required=True)
    elif members.has("resourceId"):
        members.read("resourceId", machine)
        members.read("customResource", lambda value: "" if isinstance(value, dict) else "an object")
    else:
        members.read("customResource", custom_resource, required=True)
    members.values.setdefault("resourcePoolType", pool)


def _read_code(members: Members) -> None:
    members.read("codeVersion", text(0))
    members.read("gitInfo", strings)
    members.read("codeUrl", s3_uri, required=not members.has("gitInfo"))


def _read_basic(members: Members) -> None:
    ids = {entry.id for entry in catalog.FRAMEWORKS["TRAIN"]}
    members.read("frameworkId", id_in(ids, "/basic-framework/TRAIN"), required=True)
    _read_code(members)
    members.read("startup", text(), required=True)
    members.read("startupType", one_of(("NORMAL", "HOROVOD")), required=True)
    members.read("parameters", items("name", "value"))
    members.read("inputFiles", items("name", "path"))
    members.read("dataUrl", s3_uris, required=True)
    members.read("monitors", expressions)


def _read_preset(members: Members) -> None:
    ids = {entry.id for entry in catalog.ALGORITHMS}
    members.read("algorithmId", id_in(ids, "/preset-algorithm"), required=True)
    members.read("parameters", items("name", "value"))
    members.read("modeUrl", s3_uri)  # sic: the official client's spelling
    members.read("modelUrl", s3_uri)
    members.read("dataUrl", s3_uri, required=True)


def _read_custom(members: Members) -> None:
    members.read("mirrorUrl", text(), required=True)
    members.read("codeUrl", s3_uri)
    members.read("codeVersion", text(0))
    members.read("gitInfo", strings)
    members.read("envs", items("name", "value"))
    members.read("command", text(0))
    members.read("args", text(0))
    members.read("dataUrl", s3_uris)
    members.read("inputFiles", items("name", "path"))
    members.read("monitors", expressions)


def _objects(value: Any) -> str:
    good = isinstance(value, list) and value and all(isinstance(item, dict) for item in value)
    return "" if good else "a list of objects, and not empty"


_JOB_TYPES = {"BASIC_FRAMEWORK": _read_basic, "PRESET_ALGORITHM": _read_preset, "CUSTOM": _read_custom}
