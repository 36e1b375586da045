"""The machines that services can have, as offerings for the task "serve"."""

from __future__ import annotations

from collections.abc import Iterable

from attrs import evolve, frozen

from anyfit.backend import Offering
from anyfit.cloud.numbers import number
from anyfit.spec import EndpointSpec
from anyfit_modelarts.client import Client, Raw
from anyfit_modelarts.paging import pages
from anyfit_modelarts.wire import table, text

__all__ = ["Machine", "machines", "machines_for", "with_machines"]

_PATH = "/v1/{project}/services/specifications"
_GIB = {"MB": 1024, "MiB": 1024, "GB": 1, "GiB": 1}


@frozen
class Machine:
    """A machine, and whether it costs nothing: such a one is lent for an hour, and once to each account."""

    offering: Offering
    free: bool


def machines(client: Client) -> list[Machine]:
    """All of them."""
    return [_machine(row) for row in pages(client, _PATH, "specifications", {}, "machines of endpoints")]


def machines_for(client: Client, spec: EndpointSpec) -> list[Offering]:
    """Those that an endpoint may have: a free one only where it is named."""
    named = {variant.instance_type for variant in spec.variants}
    return [each.offering for each in machines(client) if not each.free or each.offering.spec_id in named]


def with_machines(train: Iterable[Offering], serve: Iterable[Machine]) -> tuple[Offering, ...]:
    """All machines; one that trains and serves alike stands there once."""
    found = {offer.spec_id: offer for offer in train}
    others = []
    for offer in (machine.offering for machine in serve):
        known = found.get(offer.spec_id)
        if known is not None and _size(known) == _size(offer):
            found[offer.spec_id] = evolve(known, tasks=(*known.tasks, *offer.tasks))
        else:
            others.append(offer)
    return (*found.values(), *others)


def _size(offer: Offering) -> tuple[float, float, str, int, bool]:
    return offer.cpus, offer.memory_gib, offer.gpu_model, offer.gpu_count, offer.in_stock


def _machine(row: Raw) -> Machine:
    cpu, card = table(row.get("cpu_info")), _accelerator(row)
    offering = Offering(
        spec_id=text(row.get("specification")),
        cpus=number(cpu.get("cpu")),
        memory_gib=_gib(table(row.get("memory_info"))),
        gpu_model=text(card.get("version")) or text(card.get("brand")),
        gpu_count=int(number(card.get("gpu")) or number(card.get("npu"))) if card else 0,
        gpu_memory_gib=_gib(card) if card else 0,
        in_stock=text(row.get("spec_status")) != "sellout" and row.get("over_quota") is not True,
        tasks=("serve",),
    )
    return Machine(offering, row.get("is_free") is True)


def _accelerator(row: Raw) -> Raw:
    return table(row.get("gpu_info")) or table(row.get("npu_info"))


def _gib(info: Raw) -> float:
    return number(info.get("memory")) / _GIB.get(text(info.get("unit")), 1024)
