"""What a job runs, when it was made from an algorithm: the definition, and what the job says otherwise."""

from __future__ import annotations

import re
from typing import Any

from anyfit_modelarts.emulator.errors import ApiError

__all__ = ["check_value", "from_definition"]

_FORMS = {"Integer": r"[+-]?\d+", "Float": r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", "Boolean": "(?i:true|false)"}


def from_definition(document: dict[str, Any], program: dict[str, Any]) -> dict[str, Any]:
    """The program of a job.

    Args:
        document: The algorithm, as its API shows it.
        program: What the job's own body says.

    Raises:
        ApiError: The two contradict each other.
    """
    config = document["job_config"]
    kept = {name: config[name] for name in ("code_dir", "boot_file", "command", "engine") if name in config}
    return {
        **program,
        **kept,
        "id": document["metadata"]["id"],
        "name": document["metadata"]["name"],
        "parameters": _parameters(config, program.get("parameters", [])),
        "inputs": _channels(config, program, "inputs"),
        "outputs": _channels(config, program, "outputs"),
    }


def check_value(parameter: dict[str, Any]) -> None:
    """Hold a value against the type that its definition says.

    Raises:
        ApiError: It is of another.
    """
    kind = (parameter.get("constraint") or {}).get("type")
    if parameter["value"] and kind in _FORMS and not re.fullmatch(_FORMS[kind], parameter["value"]):
        raise ApiError("ModelArts.2825", f"The value of the parameter {parameter['name']} must be of type {kind}.")


def _parameters(config: dict[str, Any], own: list[dict[str, Any]]) -> list[dict[str, Any]]:
    given = {item["name"]: item for item in own}
    found = []
    for item in config.get("parameters", []):
        constraint = item.get("constraint") or {}
        value = given.pop(item["name"], item)["value"]
        if value != item["value"] and constraint.get("editable") is False:
            raise ApiError("ModelArts.2814", f"The parameter {item['name']} of the algorithm cannot be changed.")
        if not value and constraint.get("required"):
            raise ApiError("ModelArts.2814", f"The parameter {item['name']} of the algorithm needs a value.")
        found.append({**item, "value": value})
    if given and not config.get("parameters_customization", True):
        raise ApiError("ModelArts.2814", f"The algorithm has no parameter {next(iter(given))}.")
    return [*found, *given.values()]


def _channels(config: dict[str, Any], program: dict[str, Any], kind: str) -> list[dict[str, Any]]:
    given = {item["name"]: item for item in program.get(kind, [])}
    defined = config.get(kind, [])
    missing = [item["name"] for item in defined if "remote" not in {**item, **given.get(item["name"], {})}]
    if missing:
        raise ApiError("ModelArts.2753", f"The channel {missing[0]} of the algorithm needs a place.")
    merged = [{**item, **given.pop(item["name"], {})} for item in defined]
    return [*merged, *given.values()]
