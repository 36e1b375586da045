"""What the platform offers, in neutral words; and from what users write to the platform's ids."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from attrs import evolve

from anyfit.backend import Catalog, Framework, Match, Note, Offering, Preset
from anyfit.catalog import find_framework
from anyfit.errors import SpecError, nearest
from anyfit_modelmaker.client import Client
from anyfit_modelmaker.wire import Entry, Machine

__all__ = ["MOST_NODES", "find_image", "find_preset", "frameworks", "offerings", "read_catalog"]

MOST_NODES = 10
_TASKS = {"TRAIN": "train", "PREDICT": "serve", "DEVELOPMENT": "develop"}
_PYTHON = re.compile(r"[-_ ]?python[-_ ]?(\d[\d.]*)$", re.IGNORECASE)
_ONLY_PYTHON = frozenset({"", "python", "sklearn", "scikit-learn", "xgboost", "lightgbm"})


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


def find_image(
    wanted: tuple[str, str, str], catalog: Catalog, *, task: str, default: str = ""
) -> tuple[Framework, Note | None]:
    """The image for a framework, its version and its Python's, and a note where it is another than was asked for.

    An id or the platform's whole name is taken as well. What needs only Python is run in any image that has it.
    """
    name, version, python = wanted
    known = [f for f in catalog.frameworks if task in f.tasks]
    if exact := _by_native(name, known):
        return exact, None
    if name.lower() in _ONLY_PYTHON and not any(f.name == name.lower() for f in known):
        image = _python_image(known, python, default)
        shown = f"{image.name} {image.version}".strip()
        what = f"there is no image of {name!r} here" if name else "no framework is named"
        text = f"{what}: it runs in that of {shown} with Python {image.py_version or '?'}"
        more = "; packages come from a requirements.txt beside the script" if name not in ("", "python") else ""
        return image, Note("framework", Match.NEAR, text + more)
    return find_framework(name, version, python, known, task), None


def find_preset(wanted: str, presets: Sequence[Preset], field: str) -> Preset:
    """A preset algorithm or model by name or id."""
    for preset in presets:
        if wanted == preset.native or wanted.lower() == preset.name.lower():
            return preset
    names = [preset.name for preset in presets]
    hint = nearest(wanted, names) or f"there are: {', '.join(names) or 'none'}"
    raise SpecError(f"{field}: {wanted!r} is not offered here", hint=hint)


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


def _whole_name(framework: Framework) -> str:
    python = f"python{framework.py_version}" if framework.py_version else ""
    return "-".join(filter(None, (framework.name, framework.version, python)))


def _by_native(wanted: str, known: Iterable[Framework]) -> Framework | None:
    for framework in known:
        if wanted and wanted.lower() in (framework.native, _whole_name(framework)):
            return framework
    return None


def _python_image(known: Sequence[Framework], python: str, default: str) -> Framework:
    if default:
        chosen = _by_native(default, known) or next((f for f in known if f.name == default.lower()), None)
        if chosen is None:
            names = ", ".join(map(_whole_name, known))
            raise SpecError(f"framework: default_framework {default!r} is not offered here", hint=f"there are: {names}")
        return chosen
    digits = "".join(re.findall(r"\d", python))
    fitting = [f for f in known if f.py_version and (not digits or f.py_version.replace(".", "") == digits)]
    if not fitting:
        raise SpecError("framework: no image here has the Python that is asked for", hint="name a framework")
    return max(fitting, key=lambda f: (_numbers(f.py_version), f.name == "tensorflow", _numbers(f.version)))


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(map(int, re.findall(r"\d+", version)))
