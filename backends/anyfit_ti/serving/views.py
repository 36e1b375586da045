"""What a service group tells, in neutral words, and what an update has to change of it: pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from attrs import evolve

from anyfit.backend import EndpointStatus, ModelRef
from anyfit.spec import EndpointSpec, Variant
from anyfit_ti import wire
from anyfit_ti.serving.bodies import VARIABLES, WHERE, Size, wishes
from anyfit_ti.serving.wire import Group, Service
from anyfit_ti.settings import Options
from anyfit_ti.states import SERVICE_STATUS

__all__ = [
    "change_of",
    "living",
    "matched",
    "options_of_group",
    "reason_of",
    "size_of_service",
    "size_text",
    "spec_of",
    "status_of",
]

_IDLE = (EndpointStatus.STOPPING, EndpointStatus.STOPPED)
_FIRST = (EndpointStatus.FAILED, EndpointStatus.UNKNOWN, EndpointStatus.CREATING, EndpointStatus.UPDATING)
_BILLS = {"ARREARS_STOP": "stopped, for the account owes money", "WHITELIST_STOP": "stopped, the free quota is used up"}
_PREPAID = "HybridBillingPrepaidReplicas"
_SCALING = {_PREPAID, "Replicas", "ScaleMode", "HorizontalPodAutoscaler", "ScaleStrategy", "CronScaleJobs"}


def living(group: Group) -> tuple[Service, ...]:
    """The versions that count: one that an update has done with may take a while to go."""
    return tuple(one for one in group.services if not one.left)


def status_of(services: Sequence[Service], weights: str = "") -> EndpointStatus:
    """How a group is, by the state of its versions and of its weights."""
    found = [_status(service) for service in services]
    for word in _FIRST:
        if word in found:
            return word
    if not found:
        return EndpointStatus.UNKNOWN
    if EndpointStatus.STOPPING in found:
        return EndpointStatus.STOPPING
    if EndpointStatus.READY not in found:
        return EndpointStatus.STOPPED
    return EndpointStatus.UPDATING if weights == "UPDATING" else EndpointStatus.READY


def reason_of(services: Sequence[Service], status: EndpointStatus, weights: str) -> str:
    """Why a group is as it is, where there is something to say."""
    if status == EndpointStatus.READY:
        return "the platform could not change the weights" if weights == "UPDATE_FAILED" else ""
    bills = [_BILLS[service.business] for service in services if service.business in _BILLS]
    strange = [
        f"TI says {service.status!r}, which is in no document"
        for service in services
        if service.status not in SERVICE_STATUS
    ]
    told = [one.reason for one in services if one.reason and SERVICE_STATUS.get(one.status) not in _IDLE]
    return "; ".join(dict.fromkeys([*bills, *strange, *told]))


def spec_of(group: Group, services: Sequence[Service], region: str) -> EndpointSpec | None:
    """What a group serves; None where that is no model of the repository."""
    if not services or not all(service.model for service in services):
        return None
    return EndpointSpec(
        name=group.name,
        variants=tuple(
            Variant(
                model=str(ModelRef("ti", region, service.model)),
                weight=float(service.weight),
                instance_type=size_text(service),
                instance_count=service.replicas,
                environment=_environment(service),
            )
            for service in services
        ),
        description=group.description,
        tags=dict(group.tags),
        options=_charge(services[0]),
    )


def size_text(service: Service) -> str:
    """The machine of a version, as one may write it."""
    if name := wire.text(service.info, "InstanceType"):
        return name
    size = wire.table(service.info, "Resources")
    cores, memory = (wire.whole(size.get(name)) or 0 for name in ("Cpu", "Memory"))
    words = [f"cpu={cores / 1000:g}", f"mem={memory / 1024:g}GB"] if cores and memory else []
    cards = wire.whole(size.get("Gpu")) or 0
    if words and cards:
        words.append(f"gpu={wire.text(size, 'GpuType')}:{cards // 100}")
    return " ".join(words)


def size_of_service(service: Service) -> Size:
    """The machine that a version has already."""
    members = {name: service.info[name] for name in ("InstanceType", "Resources") if service.info.get(name)}
    on_gpu = bool(wire.whole(wire.table(service.info, "Resources").get("Gpu")))
    return Size(members, on_gpu or ".GN" in wire.text(service.info, "InstanceType"))


def options_of_group(options: Options, group: Group) -> Options:
    """What was decided when a group was made holds for its further versions as well."""
    services = living(group)
    if not services:
        return options
    first = services[0]
    path = options.path or first.variables.get(WHERE, "")
    return evolve(options, **{"path": path, **_charge(first), **_given(options)})


def matched(
    variants: Sequence[Variant], services: Sequence[Service]
) -> tuple[list[tuple[Variant, Service | None]], list[Service]]:
    """Each variant with the version that it is or takes the place of, and the versions that have to go."""
    left = list(services)
    found: dict[int, Service] = {}
    for index, variant in enumerate(variants):
        same = next((one for one in left if one.model == ModelRef.parse(variant.model).id), None)
        if same is not None:
            found[index] = same
            left.remove(same)
    for index in range(len(variants)):
        if index not in found and left:
            found[index] = left.pop(0)
    return [(variant, found.get(index)) for index, variant in enumerate(variants)], left


def change_of(body: Mapping[str, Any], service: Service, asked: Options) -> dict[str, Any]:
    """What has to be told of a version that is to become as `body`; what only options decide, if they are given."""
    change: dict[str, Any] = {}
    if body["ModelInfo"]["ModelVersionId"] != service.model:
        empty = {"Command": "", "CommandBase64": ""}
        change |= {**empty, **{name: body[name] for name in ("ModelInfo", "ImageInfo", *empty) if name in body}}
    elif asked.command:
        change |= {name: body[name] for name in ("Command", "CommandBase64")}
    wanted = {row["Name"]: row["Value"] for row in body.get("Env", [])}
    if wanted != service.variables:
        change["Env"] = body.get("Env", [])
    for name in ("InstanceType", "Resources"):
        if name in body and not wire.says(service.info.get(name), body[name]):
            change[name] = body[name]
    if body["Replicas"] != service.replicas:
        change |= {"ScaleMode": "MANUAL", "Replicas": body["Replicas"]}
    if asked.prepaid_replicas not in (0, wire.whole(service.info.get(_PREPAID))):
        change[_PREPAID] = asked.prepaid_replicas
    change |= wishes(asked)
    if change and set(change) <= _SCALING:
        change["ServiceAction"] = "SCALE"
    return change


def _status(service: Service) -> EndpointStatus:
    """A version is ready when all its servers have the newest settings and one answers at least."""
    status = SERVICE_STATUS.get(service.status, EndpointStatus.UNKNOWN)
    if status == EndpointStatus.CREATING and service.available:
        return EndpointStatus.UPDATING
    if status == EndpointStatus.READY and not service.available:
        return EndpointStatus.CREATING
    if status == EndpointStatus.READY and service.updated is not None and service.updated < service.replicas:
        return EndpointStatus.UPDATING
    return status


def _charge(service: Service) -> dict[str, Any]:
    """The options by which a version is paid for as it is."""
    charge, pool = wire.text(service.raw, "ChargeType"), wire.text(service.raw, "ResourceGroupId")
    if charge == "PREPAID":
        return {"charge": charge, "resource_group": pool}
    if charge == "HYBRID_PAID":
        return {"prepaid_replicas": wire.whole(service.info.get(_PREPAID)) or 1, "resource_group": pool}
    return {}


def _given(options: Options) -> dict[str, Any]:
    """What is asked for anew of these."""
    given = {"resource_group": options.resource_group, "prepaid_replicas": options.prepaid_replicas}
    return {name: value for name, value in given.items() if value}


def _environment(service: Service) -> dict[str, str]:
    return {name: value for name, value in service.variables.items() if name not in (VARIABLES, WHERE)}
