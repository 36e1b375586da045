"""What both generations say of the same things: machines, their cards, and how a rank table of Ascend cards looks."""

from __future__ import annotations

import json
from typing import Any

from anyfit_modelarts.emulator.training.catalog import FLAVORS, Flavor

__all__ = ["flavor_of", "quoted_arguments", "rank_table"]

RANK_TABLE = "/user/config/jobstart_hccl.json"


def flavor_of(code: str | None) -> Flavor | None:
    """The machine of that code."""
    return next((flavor for flavor in FLAVORS if flavor.code == code), None)


def quoted_arguments(pairs: list[tuple[str, str]]) -> tuple[str, ...]:
    """`--name=value`, each one word whatever it holds."""
    return tuple(f"--{name}={value}" for name, value in pairs)


def rank_table(addresses: tuple[str, ...], flavor: Flavor) -> dict[str, str]:
    """The file of Ascend machines (template 1.0, reference, section 4.8); nothing for others."""
    if flavor.kind != "Ascend":
        return {}
    servers: list[dict[str, Any]] = [
        {
            "server_id": address,
            "device": [
                {"device_id": str(card), "device_ip": address, "rank_id": str(node * flavor.cards + card)}
                for card in range(flavor.cards)
            ],
        }
        for node, address in enumerate(addresses)
    ]
    table = {"version": "1.0", "status": "completed", "server_count": str(len(servers)), "server_list": servers}
    return {RANK_TABLE: json.dumps(table)}
