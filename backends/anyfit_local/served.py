"""From an endpoint's spec to what its server reads."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from anyfit.backend import Catalog, ModelRef
from anyfit.catalog import choose
from anyfit.codec import to_data
from anyfit.errors import SpecError
from anyfit.launch import inference_path
from anyfit.spec import EndpointSpec, Variant
from anyfit_local.layout import Home
from anyfit_local.models import model_folder, spec_of
from anyfit_local.settings import Settings

__all__ = ["make_endpoint_plan"]

_WORKER = Path(__file__).with_name("serving") / "worker.py"


def make_endpoint_plan(
    spec: EndpointSpec, folder: Path, home: Home, settings: Settings, catalog: Catalog
) -> dict[str, Any]:
    """What endpoint.json holds, but for its generation."""
    if not spec.variants:
        raise SpecError("variants: there is nothing to serve")
    if not any(variant.weight > 0 for variant in spec.variants) or any(v.weight < 0 for v in spec.variants):
        raise SpecError("variants: weights must be 0 or more, and one of them more than 0")
    return {
        "folder": str(folder),
        "name": spec.name,
        "spec": to_data(spec),
        "host": settings.host,
        "request_seconds": settings.request_seconds,
        "max_request_bytes": settings.max_request_mib << 20,
        "variants": [_variant(variant, home, settings, catalog) for variant in spec.variants],
    }


def _variant(variant: Variant, home: Home, settings: Settings, catalog: Catalog) -> dict[str, Any]:
    ref = ModelRef.parse(variant.model)
    folder = model_folder(home, ref)
    model = spec_of(folder)
    if variant.instance_count < 1:
        raise SpecError(f"instance_count: {variant.instance_count} is too few", hint="it is 1 or more")
    choose(variant.instance_type, catalog.offerings, task="serve")
    places = {"MODEL_DIR": str(folder / "model"), "CODE_DIR": str(folder / "code")}
    environment = {"PYTHONUNBUFFERED": "1", "ANYFIT_JOB_BACKEND": "local", "ANYFIT_MODEL": ref.id}
    environment |= {f"ANYFIT_{name}": path for name, path in places.items()}
    environment |= {"SM_MODEL_DIR": places["MODEL_DIR"], **model.environment, **variant.environment}
    return {
        "model": ref.id,
        "weight": variant.weight,
        "workers": variant.instance_count,
        "environment": environment,
        "argv": [
            settings.python or sys.executable,
            str(_WORKER),
            str(inference_path()),
            str(folder / "code"),
            str(folder / "model"),
            model.entry_point or "inference.py",
        ],
    }
