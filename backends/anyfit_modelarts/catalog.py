"""What the platform offers, in neutral words; and from what users write to the platform's ids.

The two generations list machines and images of their own. A machine or an image is for the task `train.v1` or
`train.v2`, and for `train` where that is the generation in force. Services have machines for the task `serve`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

from attrs import evolve

from anyfit.backend import Catalog, Framework, Note, Offering, Preset
from anyfit.catalog import choose
from anyfit.errors import NotFound, ServiceError
from anyfit.images import find_image
from anyfit.offers import read_shipped
from anyfit_modelarts.client import Client
from anyfit_modelarts.errors import NO_CALL, normal
from anyfit_modelarts.machines import Machine, machines, with_machines
from anyfit_modelarts.training import Training
from anyfit_modelarts.training.v1 import TrainingV1
from anyfit_modelarts.training.v2 import TrainingV2
from anyfit_modelarts.wire import Engine, Flavor

__all__ = [
    "find_engine",
    "find_machine",
    "frameworks",
    "offerings",
    "read_catalog",
    "shipped_catalog",
    "task_of",
]

_PYTHON = re.compile(r"(?:python|py_?|cp)(\d)\.?(\d+)", re.IGNORECASE)
_VERSION = re.compile(r"(?:^|[-_])(\d+(?:\.\d+)+)")
_ALIASES = {"scikit learn": ("sklearn",), "mindspore-gpu": ("mindspore",), "spark_mllib": ("spark",)}


def task_of(api: str) -> str:
    """The task that a generation's machines and images are for."""
    return f"train.{api}"


def read_catalog(client: Client, api: str) -> Catalog:
    """Everything that the platform lists; the generation that is not in force may be missing at this place."""
    v1, v2 = TrainingV1(client), TrainingV2(client)
    generations: dict[str, Training] = {"v1": v1, "v2": v2}
    flavors: dict[str, list[Flavor]] = {}
    engines: dict[str, list[Engine]] = {}
    algorithms: list[tuple[str, str]] = []
    for name in sorted(generations, key=lambda name: name != api):
        try:
            flavors[name], engines[name] = generations[name].flavors(), generations[name].engines()
            algorithms += v1.algorithms() if name == "v1" else []
        except (NotFound, ServiceError) as fault:
            if name == api or normal(fault.status) not in NO_CALL:
                raise
    return Catalog(
        offerings=with_machines(offerings(flavors, api), _serving(client)),
        frameworks=frameworks(engines, api),
        algorithms=tuple(Preset(name, native) for name, native in algorithms),
    )


def _serving(client: Client) -> list[Machine]:
    """The machines of services, which may be missing at this place."""
    try:
        return machines(client)
    except (NotFound, ServiceError) as fault:
        if normal(fault.status) not in NO_CALL:
            raise
        return []


def offerings(flavors: Mapping[str, Sequence[Flavor]], api: str) -> tuple[Offering, ...]:
    """Machines by their code; where both generations list one, its numbers are those of the generation in force."""
    found: dict[str, Offering] = {}
    for name in sorted(flavors, key=lambda name: name != api):
        tasks = ("train", task_of(name)) if name == api else (task_of(name),)
        for flavor in flavors[name]:
            offer = found.get(flavor.code) or _offering(flavor)
            found[offer.spec_id] = evolve(offer, tasks=tuple(dict.fromkeys((*offer.tasks, *tasks))))
    return tuple(found.values())


def frameworks(engines: Mapping[str, Iterable[Engine]], api: str) -> tuple[Framework, ...]:
    """Images by what users call them; one that has two families in it stands under both."""
    found = []
    for name, listed in engines.items():
        tasks = ("train", task_of(name)) if name == api else (task_of(name),)
        found += [evolve(each, tasks=tasks) for engine in listed for each in _frameworks(engine)]
    return tuple(found)


def shipped_catalog(api: str) -> Catalog:
    """What stood in the platform's documents, where the platform itself cannot be asked."""
    found = read_shipped("anyfit_modelarts")
    return evolve(
        found,
        offerings=tuple(evolve(each, tasks=_in_force(each.tasks, api)) for each in found.offerings),
        frameworks=tuple(evolve(each, tasks=_in_force(each.tasks, api)) for each in found.frameworks),
    )


def _in_force(tasks: Iterable[str], api: str) -> tuple[str, ...]:
    """The tasks of both generations, and `train` for the one in force."""
    own = tuple(task for task in tasks if task != "train")
    return ("train", *own) if task_of(api) in own else own


def find_machine(instance_type: str, catalog: Catalog, nodes: int, api: str) -> Offering:
    """The machine that an instance type means."""
    return choose(instance_type, catalog.offerings, nodes, task=task_of(api))


def find_engine(
    wanted: tuple[str, str, str], catalog: Catalog, *, api: str, default: str
) -> tuple[Framework, Note | None]:
    """The image for a framework, its version and its Python's."""
    return find_image(wanted, catalog.frameworks, task=task_of(api), default=default)


def _offering(flavor: Flavor) -> Offering:
    return Offering(
        spec_id=flavor.code,
        cpus=flavor.cpus,
        memory_gib=flavor.memory_gib,
        gpu_model=flavor.gpu_model,
        gpu_count=flavor.gpu_count,
        gpu_memory_gib=flavor.gpu_memory_gib,
        max_nodes=flavor.max_nodes,
        in_stock=flavor.in_stock,
        tasks=(),
    )


def _frameworks(engine: Engine) -> list[Framework]:
    """`TF-1.8.0-python3.6` of TensorFlow, or `pytorch_1.8.0-cuda_10.2-py_3.7-ubuntu_18.04-x86_64`, in its parts.

    The image's names are its id and, where that is a number, its version as the platform writes it.
    """
    named = engine.version or engine.id
    native = f"{engine.id} {engine.version}" if engine.id.isdigit() else engine.id
    family = engine.name.lower()
    python = _PYTHON.search(named)
    version = f"{python[1]}.{python[2]}" if python else ""
    if "ascend" in family or "aarch64" in named.lower():
        label = re.split(r"[-_](?:python|py_)", named, maxsplit=1)[0].lower()
        return [Framework(name=family, version=label, native=native)]  # without its Python: it needs its own chips
    numbers = _VERSION.findall(_PYTHON.sub("", named)) or [""]
    if "xgboost" in family:  # two families in one image, each with its version
        pairs = [(part, numbers[min(index, len(numbers) - 1)]) for index, part in enumerate(family.split("-"))]
    else:
        pairs = [(part, numbers[0]) for part in (family, *_ALIASES.get(family, ()))]
    return [Framework(name=name, version=number, native=native, py_version=version) for name, number in pairs]
