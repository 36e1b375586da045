"""What v2 jobs can be made of: machines and engines (reference, section 3.9)."""

from __future__ import annotations

import json
from typing import Any

from anyfit_modelarts.emulator.calls import Arguments
from anyfit_modelarts.emulator.errors import ApiError
from anyfit_modelarts.emulator.training.catalog import FLAVORS, PRESETS, Flavor

__all__ = ["engines", "flavor_info", "flavors", "search_algorithms"]


def flavors(arguments: Arguments) -> dict[str, Any]:
    """`GET /training-job-flavors`."""
    kind = arguments.query.text("flavor_type")
    if kind not in ("", "CPU", "GPU", "Ascend"):
        raise ApiError("ModelArts.2764", "The value of flavor_type must be one of CPU, GPU, Ascend.")
    found = [_flavor(flavor) for flavor in FLAVORS if kind in ("", flavor.kind)]
    return {"total_count": len(found), "flavors": found}


def engines(arguments: Arguments) -> dict[str, Any]:
    """`GET /training-job-engines`."""
    items = [
        {
            "engine_id": preset.id,
            "engine_name": preset.name,
            "engine_version": preset.version,
            "v1_compatible": preset.v1_compatible,
            "run_user": preset.run_user,
            "image_info": {
                "cpu_image_url": f"aip/{preset.name.lower()}:{preset.version}",
                "gpu_image_url": f"aip/{preset.name.lower()}:{preset.version}",
                "image_version": preset.version,
            },
        }
        for preset in PRESETS
    ]
    return {"total": len(items), "items": items}


def search_algorithms(arguments: Arguments) -> dict[str, Any]:
    """`GET /search-algorithms`: hyper-parameters are not searched for here."""
    return {"search_algo_count": 0, "search_algo_list": []}


def flavor_info(flavor: Flavor, *, texts: bool = False) -> dict[str, Any]:
    """What a machine has.

    Args:
        texts: Sizes of disks are texts, as in jobs.
    """
    cards = {"product_name": flavor.card, "memory": flavor.card_memory}
    return {
        "max_num": flavor.most,
        "cpu": {"arch": flavor.arch, "core_num": flavor.cores},
        "gpu": {"unit_num": flavor.cards, **cards} if flavor.kind == "GPU" else None,
        "npu": {"unit_num": str(flavor.cards), **cards} if flavor.kind == "Ascend" else None,
        "memory": {"size": flavor.memory, "unit": "GB"},
        "disk": {"size": str(flavor.disk) if texts else flavor.disk, "unit": "GB"},
    }


def _flavor(flavor: Flavor) -> dict[str, Any]:
    suitable = [preset.id for preset in PRESETS if (flavor.kind == "Ascend") == (preset.name.startswith("Ascend"))]
    return {
        "flavor_id": flavor.code,
        "flavor_name": flavor.code,
        "flavor_type": flavor.kind,
        "max_num": flavor.most,
        "billing": {"code": flavor.code, "unit_num": 1},
        "flavor_info": flavor_info(flavor),
        "attributes": {"status": "sellout" if flavor.sold_out else "onSale"},
        "support_engines": json.dumps(suitable),
        "support_groups": "public",
    }
