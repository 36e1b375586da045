"""What the platform offers, in neutral words; and from what users write to the platform's names.

The second generation is asked: machines with their stock and price, frameworks, images. The first has no such calls,
so what its documents list is all there is.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from attrs import evolve

from anyfit.backend import Catalog, Framework, Match, Note, Offering
from anyfit.catalog import find_framework
from anyfit.errors import SpecError
from anyfit_ti import wire
from anyfit_ti.client import Client
from anyfit_ti.images import NEWEST, VERSIONS, image_of, python_tag
from anyfit_ti.machines import NAMES_2019, NAMES_2021, parse_name
from anyfit_ti.wire import Machine, Raw

__all__ = ["environment_of", "find_2019", "offering_of", "read_catalog", "shipped"]

_TASKS = {"TRAIN": "train", "INFERENCE": "serve"}
_FAMILIES = {"torch": "pytorch", "tf": "tensorflow", "pytorch": "pytorch", "tensorflow": "tensorflow"}
_ENVIRONMENT = re.compile(r"(?:^|-)(torch|tf|pytorch|tensorflow)(\d+(?:\.\d+)*)", re.IGNORECASE)
_PYTHON = re.compile(r"py(\d)(?:\.?(\d+))?", re.IGNORECASE)
_ONLY_PYTHON = frozenset({"", "python", "sklearn", "scikit-learn", "xgboost", "lightgbm"})
_BUILT_IN = ("tf1.15-py3.7-cpu", "torch1.9-py3.8-cuda11.1-gpu")


def read_catalog(client: Client, api: str) -> Catalog:
    """Everything that the platform lists."""
    if api == "2019":
        return shipped(api)
    return Catalog(
        offerings=offerings({task: client.machines(task) for task in _TASKS}),
        frameworks=frameworks(client.frameworks(), client.images("Train"), client.images("Inference")),
    )


def shipped(api: str) -> Catalog:
    """What the vendor's documents list; prices are nowhere in them."""
    names = NAMES_2019 if api == "2019" else NAMES_2021
    machines = tuple(evolve(offering_of(Machine(name, "", "", True)), tasks=("train",)) for name in names)
    if api == "2019":
        known = [(name, version) for name, versions in VERSIONS.items() for version in versions]
        return Catalog(
            offerings=machines,
            frameworks=tuple(
                Framework(name=name, version=version, native=image_of(name, version), py_version="3")
                for name, version in known
            ),
        )
    return Catalog(offerings=machines, frameworks=tuple(environment_of(name) for name in _BUILT_IN))


def offerings(machines: dict[str, list[Machine]]) -> tuple[Offering, ...]:
    """Machines by their name, each with everything that it is for.

    The field that says whether one is left is described by one document as its opposite; so where every machine
    would be sold out, none counts as such.
    """
    found: dict[str, Offering] = {}
    for task, listed in machines.items():
        for machine in listed:
            offer = found.get(machine.name) or offering_of(machine)
            found[machine.name] = evolve(offer, tasks=(*offer.tasks, _TASKS[task]))
    usable = [offer for offer in found.values() if offer.cpus and offer.memory_gib]
    if not any(offer.in_stock for offer in usable):
        usable = [evolve(offer, in_stock=True) for offer in usable]
    return tuple(usable)


def offering_of(machine: Machine) -> Offering:
    """A machine in neutral words, for nothing yet."""
    size = parse_name(machine.name, machine.alias, machine.gpu_model)
    return Offering(
        spec_id=machine.name,
        cpus=size.cpus,
        memory_gib=size.memory_gib,
        gpu_model=size.gpu_model,
        gpu_count=size.gpu_count,
        gpu_memory_gib=size.gpu_memory_gib,
        price=None if machine.fen is None else machine.fen / 100,
        currency="" if machine.fen is None else "CNY",
        in_stock=machine.available,
        tasks=(),
    )


def frameworks(built_in: list[Raw], training: list[Raw], serving: list[Raw]) -> tuple[Framework, ...]:
    """Built-in environments for training by name, and the images for serving."""
    found: dict[tuple[str, str], Framework] = {}
    for row in built_in:
        for version in wire.rows(row, "VersionInfos"):
            name = wire.text(version, "Environment")
            made = environment_of(name, wire.text(row, "Name"), wire.text(version, "Version"))
            found[name, "train"] = made
    for listed, task in ((training, "train"), (serving, "serve")):
        for row in listed:
            name = wire.text(row, "ImageName") or wire.text(row, "ImageUrl").rpartition("/")[2]
            made = environment_of(name, wire.text(row, "Framework"), wire.text(row, "FrameworkVersion"))
            if name and made.name:
                found.setdefault((name, task), evolve(made, tasks=(task,)))
    return tuple(found.values())


def environment_of(native: str, framework: str = "", version: str = "") -> Framework:
    """An environment such as `torch1.9-py3.8-cuda11.1-gpu` in its parts; what the platform says apart goes before."""
    told = _ENVIRONMENT.search(native)
    python = _PYTHON.search(native)
    return Framework(
        name=framework.lower() or (_FAMILIES[told[1].lower()] if told else ""),
        version=version or (told[2] if told else ""),
        native=native,
        py_version=".".join(filter(None, python.groups())) if python else "",
    )


def find_2019(
    wanted: tuple[str, str, str], known: Sequence[Framework], default: str
) -> tuple[str, str, tuple[Note, ...]]:
    """Framework and image by the vendor's rule, and notes where it is another than was asked for or nobody knows it."""
    name, version, python = wanted
    name = {"scikit-learn": "sklearn"}.get(name.lower(), name.lower())
    if name in _ONLY_PYTHON - {"sklearn"}:
        chosen = default.lower() or "sklearn"
        if chosen not in NEWEST:
            raise SpecError(f"framework: default_framework {default!r} is not offered here", hint=_there(NEWEST))
        image = image_of(chosen, NEWEST[chosen], python_tag(python))
        return chosen, image, (_near(wanted[0], image),)
    if name not in NEWEST:
        find_framework(name, version, "", known)  # says what is near
        raise SpecError(f"framework: {wanted[0]!r} is not offered here", hint=_there(NEWEST))
    whole = _whole_version(version, VERSIONS[name]) if version else NEWEST[name]
    image = image_of(name, whole, python_tag(python))
    if whole in VERSIONS[name]:
        return name, image, ()
    note = Note("framework_version", Match.NEAR, f"{image} by the vendor's rule for names; nobody lists its images")
    return name, image, (note,)


def _whole_version(version: str, known: Sequence[str]) -> str:
    """1.14 is 1.14.0 where that is known."""
    return next((each for each in reversed(known) if each == version or each.startswith(f"{version}.")), version)


def _near(name: str, shown: str) -> Note:
    what = f"there is no image of {name!r} here" if name else "no framework is named"
    more = "; packages come from a requirements.txt beside the script" if name not in ("", "python") else ""
    return Note("framework", Match.NEAR, f"{what}: it runs in {shown}{more}")


def _there(names: Iterable[str]) -> str:
    return f"there are: {', '.join(names) or 'none'}"
