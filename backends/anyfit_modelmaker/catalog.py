"""What the platform offers, in neutral words; and from what users write to the platform's ids."""

from __future__ import annotations

import re
from collections.abc import Iterable

from attrs import evolve

from anyfit.backend import Catalog, Framework, Offering, Preset
from anyfit_modelmaker.client import Client
from anyfit_modelmaker.wire import Entry, Machine

__all__ = ["MOST_NODES", "frameworks", "offerings", "read_catalog"]

MOST_NODES = 10
_TASKS = {"TRAIN": "train", "PREDICT": "serve", "DEVELOPMENT": "develop"}
_PYTHON = re.compile(r"[-_ ]?python[-_ ]?(\d[\d.]*)$", re.IGNORECASE)


def read_catalog(client: Client) -> Catalog:
    """Everything that the platform lists."""
    return Catalog(
        offerings=offerings({env: client.resources(env) for env in _TASKS}),
        frameworks=frameworks({env: client.frameworks(env) for env in ("TRAIN", "PREDICT")}),
        algorithms=_presets(client.algorithms()),
        models=_presets(client.preset_models()),
    )


def offerings(machines: dict[str, list[Machine]]) -> tuple[Offering, ...]:
    """Machines by their id, each with everything that it is for."""
    found: dict[str, Offering] = {}
    for env, listed in machines.items():
        for machine in listed:
            offer = found.get(str(machine.id)) or _offering(machine)
            found[offer.spec_id] = evolve(offer, tasks=(*offer.tasks, _TASKS[env]))
    return tuple(found.values())


def frameworks(listed: dict[str, list[Entry]]) -> tuple[Framework, ...]:
    """Images by their name: the same one has another id for training than for serving."""
    return tuple(
        evolve(_framework(entry.name), native=str(entry.id), tasks=(_TASKS[env],))
        for env, entries in listed.items()
        for entry in entries
    )


def _presets(entries: Iterable[Entry]) -> tuple[Preset, ...]:
    return tuple(Preset(entry.name, str(entry.id)) for entry in entries)


def _offering(machine: Machine) -> Offering:
    return Offering(
        spec_id=str(machine.id),
        cpus=machine.cpu,
        memory_gib=machine.memory,
        gpu_model=machine.gpu_model,
        gpu_count=machine.gpu_count,
        max_nodes=MOST_NODES,
        tasks=(),
    )


def _framework(name: str) -> Framework:
    """`TensorFlow-1.13.1-python3.7` in its parts."""
    python = _PYTHON.search(name)
    rest = name[: python.start()] if python else name
    family, _, version = rest.partition("-")
    return Framework(name=family.lower(), version=version, native="", py_version=python[1] if python else "")
