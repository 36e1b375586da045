"""What v1 jobs can be made of: machines, engines, built-in algorithms (reference, sections 2.2, 2.3, 2.13)."""

from __future__ import annotations

import json
from typing import Any

from anyfit_modelarts.emulator.calls import Arguments
from anyfit_modelarts.emulator.training.catalog import ALGORITHMS, ENGINES, FLAVORS, BuiltIn, Engine, Flavor

__all__ = ["built_in_algorithms", "engines", "specs"]

_JOBS = ("train", "inference")
_SORTS = {
    "engine": "engine_name",
    "model_name": "model_name",
    "model_precision": "model_precision",
    "model_usage": "model_usage",
    "model_size": "model_size",
    "create_time": "create_time",
    "parameter": "parameter",
}
_PARAMETERS = [
    {"label": "learning_rate", "value": "0.01", "required": True, "placeholder_cn": "", "placeholder_en": ""},
    {"label": "batch_size", "value": "32", "required": True, "placeholder_cn": "", "placeholder_en": ""},
]
_MADE = 1_530_000_000_000


def specs(arguments: Arguments) -> dict[str, Any]:
    """`GET /job/resource-specs`."""
    query = arguments.query
    query.word("job_type", "train", _JOBS)
    query.whole("project_type", 0, 0, 3)
    number = query.whole("engine_id", 0, 0)
    engine = next((engine for engine in ENGINES if engine.id == number), None)
    found = [_spec(flavor) for flavor in FLAVORS if _suits(flavor, engine)]
    return {"specs": found, "spec_total_count": len(found)}


def engines(arguments: Arguments) -> dict[str, Any]:
    """`GET /job/ai-engines`."""
    arguments.query.word("job_type", "train", _JOBS)
    return {
        "engines": [
            {
                "engine_type": engine.type,
                "engine_name": engine.name,
                "engine_id": engine.id,
                "engine_version": engine.version,
            }
            for engine in ENGINES
        ]
    }


def built_in_algorithms(arguments: Arguments) -> dict[str, Any]:
    """`GET /built-in-algorithms`."""
    query = arguments.query
    size, page = query.whole("per_page", 10, 1, 100), query.whole("page", 1, 1, 65535)
    sort = _SORTS[query.word("sortBy", "engine", tuple(_SORTS))]
    found = [_algorithm(one) for one in ALGORITHMS if query.text("search_content") in one.name]
    found.sort(key=lambda row: row[sort], reverse=query.word("order", "desc", ("asc", "desc")) == "desc")
    return {"model_total_count": len(found), "models": found[(page - 1) * size : page * size]}


def _suits(flavor: Flavor, engine: Engine | None) -> bool:
    """An engine for Ascend cards runs on these alone, and no other does."""
    return engine is None or (flavor.kind == "Ascend") == (engine.type == 13)


def _spec(flavor: Flavor) -> dict[str, Any]:
    return {
        "spec_id": flavor.spec_id,
        "core": str(flavor.cores),
        "cpu": str(flavor.memory),
        "gpu_num": flavor.cards,
        "gpu_type": flavor.card,
        "spec_code": flavor.code,
        "max_num": flavor.most,
        "unit_num": 1,
        "interface_type": 1,
        "storage": f"{flavor.disk}GB" if flavor.disk else "",
        "no_resource": flavor.sold_out,
    }


def _algorithm(one: BuiltIn) -> dict[str, Any]:
    engine = next(engine for engine in ENGINES if engine.id == one.engine)
    return {
        "model_id": one.id,
        "model_name": one.name,
        "model_usage": one.usage,
        "model_precision": one.precision,
        "model_size": one.size,
        "model_train_dataset": one.dataset,
        "model_dataset_format": one.format,
        "model_description_url": "",
        "parameter": json.dumps(_PARAMETERS),
        "create_time": _MADE,
        "engine_id": engine.id,
        "engine_name": engine.name,
        "engine_version": engine.version,
    }
