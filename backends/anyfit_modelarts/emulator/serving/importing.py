"""The body that imports a model, held against the reference's rules (section 5.2)."""

from __future__ import annotations

import json
from typing import Any

from anyfit_modelarts.emulator.errors import ApiError
from anyfit_modelarts.emulator.serving import configuration
from anyfit_modelarts.emulator.serving.engines import ENGINES, IMAGES, runtime_rule
from anyfit_modelarts.emulator.serving.members import Members, matching, number, one_of, text
from anyfit_modelarts.emulator.serving.places import store_uri

__all__ = ["INSTALL_TYPES", "check_model"]

BAD_SOURCE = "ModelArts.3017"
INSTALL_TYPES = ("real-time", "edge", "batch")
_NAME = matching(r"[A-Za-z0-9_一-龥-]{1,64}", "1 to 64 letters, digits, hyphens or underscores")
_PART = "(0|[1-9][0-9]?)"
_VERSION = matching(rf"{_PART}\.{_PART}\.{_PART}", "of the form d.d.d, with one or two digits each")
_DESCRIPTION = text(100, "&!'\"<>=")
_PARAMETER_TYPES = ("int", "string", "float", "timestamp", "date", "file")


def check_model(body: dict[str, Any]) -> dict[str, Any]:
    """The good members of the body; `initial_config` becomes the object that it holds.

    Raises:
        ApiError: Some are not good; all of these are named.
    """
    members = Members(body)
    members.read("model_name", _NAME, required=True)
    members.read("model_version", _VERSION, required=True)
    model_type = members.read("model_type", one_of(ENGINES), required=True)
    template = model_type == "Template"
    members.read("source_location", text(least=1), required=not template)
    if model_type and model_type not in IMAGES and not template:
        members.read("runtime", runtime_rule(model_type))
    _read_origin(members)
    members.read("description", _DESCRIPTION)
    members.read("model_algorithm", configuration.ALGORITHM)
    members.read("workspace_id", text(64))
    members.read("install_type", _install_types)
    members.read_each("input_params", _read_parameter)
    members.read_each("output_params", _read_parameter)
    members.read_each("model_docs", _read_doc)
    if len(members.values.get("model_docs", ())) > 3:
        members.fault("model_docs", "must be at most three")
    members.read("model_metrics", _metrics)
    members.read_each("apis", _read_api)
    configuration.read_dependencies(members)
    if template:
        members.read_object("template", _read_template, required=True)
    members.read("initial_config", text(least=1))
    config = members.finish()
    _check_source(config)
    if "initial_config" in config:
        document = configuration.parse(config["initial_config"])
        config["initial_config"] = configuration.check(document, config["model_type"])
    return config


def _check_source(config: dict[str, Any]) -> None:
    if "execution_code" in config and store_uri(config["execution_code"]) is None:
        raise ApiError(BAD_SOURCE, f"execution_code: {config['execution_code']} is no place in the object store")
    if config["model_type"] in (*IMAGES, "Template"):
        return
    if store_uri(config["source_location"]) is None:
        where = "https://<bucket>.obs.<region>.<domain>/<folder above model/>"
        message = f"source_location: {config['source_location']} is no place in the object store, such as {where}"
        raise ApiError(BAD_SOURCE, message)


def _read_origin(members: Members) -> None:
    members.read("source_job_id", _identifier)
    members.read("source_job_version", _identifier)
    members.read("source_type", one_of(("auto", "")))
    members.read("execution_code", text())


def _read_parameter(members: Members) -> None:
    members.read("url", text(least=1), required=True)
    members.read("method", matching("(?i)post|get", "post or get"), required=True)
    members.read("protocol", matching("(?i)https?", "http or https"), required=True)
    members.read("param_name", text(64, least=1), required=True)
    members.read("param_type", one_of(_PARAMETER_TYPES), required=True)
    members.read("min", number(-1e308))
    members.read("max", number(-1e308))
    members.read("param_desc", text(100))


def _read_api(members: Members) -> None:
    members.read("url", matching("/[^?#]*", "a path"))
    members.read("method", matching("(?i)post|get", "post or get"))
    members.read("protocol", matching("(?i)https?", "http or https"))
    for name in ("input_params", "output_params"):
        members.read(name, lambda value: "" if isinstance(value, dict) else "an object")


def _read_doc(members: Members) -> None:
    members.read("doc_name", text(48, least=1), required=True)
    members.read("doc_url", matching("https?://.+", "a URL"), required=True)


def _read_template(members: Members) -> None:
    members.read("template_id", text(least=1), required=True)
    members.read("infer_format", text())
    members.read_each("template_inputs", _read_template_input, required=True)


def _read_template_input(members: Members) -> None:
    members.read("input_id", text(least=1), required=True)
    members.read("input", text(least=1), required=True)


def _install_types(value: Any) -> str:
    good = isinstance(value, list) and value and all(kind in INSTALL_TYPES for kind in value)
    return "" if good else f"a list of {', '.join(INSTALL_TYPES)}"


def _identifier(value: Any) -> str:
    return "" if isinstance(value, str | int) and not isinstance(value, bool) else "a string"


def _metrics(value: Any) -> str:
    try:
        good = isinstance(value, str) and isinstance(json.loads(value), dict)
    except ValueError:
        good = False
    return "" if good else "a string that holds a JSON object"
