"""The body that imports a model, held against the reference's rules (section 5.2)."""

from __future__ import annotations

import json
from typing import Any

from anyfit_modelarts.emulator.errors import ApiError
from anyfit_modelarts.emulator.members import Members
from anyfit_modelarts.emulator.places import NoPlace, to_s3
from anyfit_modelarts.emulator.serving import configuration
from anyfit_modelarts.emulator.serving.bodies import NAME, finish, kept, read_dependencies
from anyfit_modelarts.emulator.serving.configuration import METHOD, PATH
from anyfit_modelarts.emulator.serving.engines import ENGINES, IMAGES, read_runtime

__all__ = ["INSTALL_TYPES", "check_model"]

BAD_SOURCE = "ModelArts.3017"
INSTALL_TYPES = ("real-time", "edge", "batch")
_PART = "(0|[1-9][0-9]?)"
_VERSION = rf"{_PART}\.{_PART}\.{_PART}"
_DESCRIPTION = "[^&!'\"<>=]*"
_PROTOCOL = "(?i:https?)"
_PARAMETER_TYPES = ("int", "string", "float", "timestamp", "date", "file")
_KEPT = (
    *("model_name", "model_version", "source_location", "model_type", "runtime", "description", "model_algorithm"),
    *("source_job_id", "source_job_version", "source_type", "execution_code", "input_params", "output_params"),
    *("dependencies", "model_metrics", "apis", "initial_config", "workspace_id", "model_docs", "install_type"),
    "template",
)


def check_model(body: dict[str, Any]) -> dict[str, Any]:
    """The known members of the body; `initial_config` becomes the object that it holds.

    Raises:
        ApiError: Some are not good; all of these are named.
    """
    members = Members(body)
    members.text("model_name", pattern=NAME, required=True)
    members.text("model_version", pattern=_VERSION, required=True)
    model_type = members.word("model_type", ENGINES, required=True)
    members.text("source_location", required=model_type != "Template")
    if model_type and model_type not in IMAGES:
        read_runtime(members, model_type)
    members.text("description", 100, pattern=_DESCRIPTION)
    members.text("model_algorithm", pattern=configuration.ALGORITHM)
    members.text("workspace_id", 64)
    _read_origin(members)
    _read_interface(members)
    _read_docs(members)
    if model_type == "Template":
        _read_template(members)
    members.text("initial_config")
    finish(members)
    return _completed(kept(body, _KEPT))


def _completed(asked: dict[str, Any]) -> dict[str, Any]:
    _check_place(asked, "execution_code")
    if asked["model_type"] not in (*IMAGES, "Template"):
        _check_place(asked, "source_location")
    if text := asked.pop("initial_config", ""):
        asked["initial_config"] = configuration.check(configuration.parse(text), asked["model_type"])
    return asked


def _check_place(asked: dict[str, Any], name: str) -> None:
    try:
        if asked.get(name):
            to_s3(asked[name])
    except NoPlace as error:
        raise ApiError(BAD_SOURCE, f"{name} is wrong: {error}") from None


def _read_origin(members: Members) -> None:
    for name in ("source_job_id", "source_job_version"):
        if not isinstance(members.raw(name), str | int | None):
            members.fault(name, "must be a string")
    members.word("source_type", ("auto", ""))
    members.text("execution_code")


def _read_interface(members: Members) -> None:
    for name in ("input_params", "output_params"):
        for parameter in members.children(name):
            _read_parameter(parameter)
    for api in members.children("apis"):
        api.text("url", pattern=PATH)
        api.text("method", pattern=METHOD)
        api.text("protocol", pattern=_PROTOCOL)
        api.child("input_params")
        api.child("output_params")
    read_dependencies(members)


def _read_parameter(parameter: Members) -> None:
    parameter.text("url", required=True)
    parameter.text("method", pattern=METHOD, required=True)
    parameter.text("protocol", pattern=_PROTOCOL, required=True)
    parameter.text("param_name", 64, required=True)
    parameter.word("param_type", _PARAMETER_TYPES, required=True)
    parameter.number("min")
    parameter.number("max")
    parameter.text("param_desc", 100)


def _read_docs(members: Members) -> None:
    docs = members.children("model_docs")
    if len(docs) > 3:
        members.fault("model_docs", "must be at most three")
    for doc in docs:
        doc.text("doc_name", 48, required=True)
        doc.text("doc_url", pattern="https?://.+", required=True)
    if "install_type" in members and not _are_install_types(members.raw("install_type")):
        members.fault("install_type", f"must be a list of {', '.join(INSTALL_TYPES)}")
    if "model_metrics" in members and not _is_object(members.raw("model_metrics")):
        members.fault("model_metrics", "must be a string that holds a JSON object")


def _read_template(members: Members) -> None:
    template = members.child("template", required=True)
    if template is None:
        return
    template.text("template_id", required=True)
    template.text("infer_format")
    if "template_inputs" not in template:
        template.fault("template_inputs", "is required")
    for item in template.children("template_inputs"):
        item.text("input_id", required=True)
        item.text("input", required=True)


def _are_install_types(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(kind in INSTALL_TYPES for kind in value)


def _is_object(value: Any) -> bool:
    try:
        return isinstance(value, str) and isinstance(json.loads(value), dict)
    except (ValueError, RecursionError):
        return False
