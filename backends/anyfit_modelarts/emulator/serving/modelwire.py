"""Models as the service shows them (reference, section 5.3)."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from anyfit_modelarts.emulator.serving.engines import IMAGES
from anyfit_modelarts.emulator.serving.importing import INSTALL_TYPES

if TYPE_CHECKING:
    from anyfit_modelarts.emulator.models import Model

__all__ = ["detail", "head"]

_TYPES = {"integer": "int", "number": "float", "file": "file", "date": "date", "timestamp": "timestamp"}


def head(model: Model) -> dict[str, Any]:
    """What lists and details have in common."""
    asked = model.asked
    return {
        "model_id": model.id,
        "model_name": asked["model_name"],
        "model_version": asked["model_version"],
        "model_type": asked["model_type"],
        "model_status": model.status,
        "description": asked.get("description", ""),
        "workspace_id": asked.get("workspace_id", "0"),
        "model_size": model.size,
        "create_at": model.created,
        "owner": model.owner,
        "tenant": model.tenant,
        "project": model.project,
        "source_type": asked.get("source_type", ""),
        "model_source": "auto" if asked.get("source_type") == "auto" else "custom",
        "install_type": asked.get("install_type", list(INSTALL_TYPES)),
        "specification": {},
        "tunable": False,
        "market_flag": False,
        "publishable_flag": False,
        "source_copy": "true",
        **({"error_code": model.code, "error_msg": model.message} if model.message else {}),
    }


def detail(model: Model) -> dict[str, Any]:
    """Everything."""
    asked, config = model.asked, model.config
    apis = asked.get("apis") or [_api(api) for api in config.get("apis", [])]
    is_image = asked["model_type"] in IMAGES
    shown = {
        **head(model),
        "runtime": "" if is_image else asked.get("runtime") or config.get("runtime", "python3.6"),
        "source_location": asked.get("source_location", ""),
        "source_job_id": str(asked.get("source_job_id", "")),
        "source_job_version": str(asked.get("source_job_version", "")),
        "execution_code": model.code_place,
        "image_address": asked["source_location"] if is_image else "",
        "schema_doc": "",
        "model_algorithm": config.get("model_algorithm") or asked.get("model_algorithm", ""),
        "model_metrics": asked.get("model_metrics") or json.dumps(config.get("metrics", {})),
        "apis": json.dumps(apis, ensure_ascii=False),
        "config": json.dumps(config, ensure_ascii=False),
        "input_params": asked.get("input_params") or list(_parameters(apis, "input_params")),
        "output_params": asked.get("output_params") or list(_parameters(apis, "output_params")),
        "dependencies": config.get("dependencies") or asked.get("dependencies", []),
        "model_docs": asked.get("model_docs", []),
        "model_labels": [],
        "labels_map": {"labels": []},
    }
    return {**shown, "health": config["health"]} if "health" in config else shown


def _api(api: dict[str, Any]) -> dict[str, Any]:
    return {
        "url": api.get("url", "/"),
        "method": api.get("method", "POST").lower(),
        "protocol": api.get("protocol", "https"),
        "input_params": api.get("request", {}).get("data", {}),
        "output_params": api.get("response", {}).get("data", {}),
    }


def _parameters(apis: list[dict[str, Any]], side: str) -> Iterator[dict[str, Any]]:
    for api in apis:
        schema = api.get(side)
        properties = schema.get("properties", {}) if isinstance(schema, dict) else {}
        for name, kind in properties.items() if isinstance(properties, dict) else ():
            word = kind.get("type", "string") if isinstance(kind, dict) else "string"
            place = {"url": api.get("url", "/"), "method": api.get("method", "post"), "protocol": api.get("protocol")}
            yield {**place, "param_name": name, "param_type": _TYPES.get(str(word), "string")}
