"""Endpoints of 2019: services of TI-EMS, each of one configuration."""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from anyfit.backend import EndpointState, EndpointStatus, LogPage, ModelRef
from anyfit.catalog import parse_wish
from anyfit.errors import AnyfitError, ServiceError, SpecError, Unsupported
from anyfit.spec import EndpointSpec, Variant
from anyfit_ti import wire
from anyfit_ti.errors import name_is_taken
from anyfit_ti.generations import OLD, own_id
from anyfit_ti.limits import LOGS, WEIGHTS
from anyfit_ti.machines import parse_name
from anyfit_ti.models.api_2019 import Configs
from anyfit_ti.serving.bodies import PATH, read_autoscale
from anyfit_ti.serving.client import ServingClient
from anyfit_ti.serving.invoking import Door
from anyfit_ti.serving.wire import OldService
from anyfit_ti.settings import Options, Settings
from anyfit_ti.states import EMS_STATUS
from anyfit_ti.wire import nanoseconds, time_of

__all__ = ["OldServices", "old_body"]

_IDLE = (EndpointStatus.STOPPING, EndpointStatus.STOPPED)
_ONLY_2021 = (
    "prepaid_replicas",
    "command",
    "port",
    "path",
    "probe_path",
    "cron_scale",
    "stop_at",
    "hot_update",
    "requests_per_second",
    "grace_seconds",
)
_CORES, _MEMORY_GIB = 1.0, 2.0


def old_body(spec: EndpointSpec, options: Options, settings: Settings) -> dict[str, Any]:
    """CreateService; pure."""
    _check(spec, options)
    (variant,) = spec.variants
    body: dict[str, Any] = {
        "Name": spec.name,
        "ServiceConfigId": _config(variant),
        "ResourceGroupId": options.resource_group or settings.region,
        **_scaling(variant, options),
        **size_of(variant.instance_type),
        "Authentication": "" if options.auth is False else "TOKEN",
        "Description": spec.description,
        "LogTopicId": options.log_topic,
    }
    kept = {name: value for name, value in body.items() if value != "" or name == "Authentication"}
    return {**kept, **options.service_more}


def size_of(instance_type: str) -> dict[str, Any]:
    """Cores and cards in thousandths, memory in MB, of a machine's name or of a wish; one core where none is named."""
    named = parse_name(instance_type)
    if named.cpus and named.memory_gib:
        cores, memory, count, model = named.cpus, named.memory_gib, named.gpu_count, named.gpu_model
    elif instance_type and not re.search("[:=]", instance_type):
        raise SpecError(
            f"instance_type: {instance_type!r} is no machine of TI", hint='write "cpu=2 mem=4GB", "T4:1", or its name'
        )
    else:
        wish = parse_wish(instance_type)
        cores = wish.cpus.value if wish.cpus else _CORES
        memory = wish.memory_gib.value if wish.memory_gib else _MEMORY_GIB
        count, model = int(wish.gpu_count.value) if wish.gpu_count else 0, wish.gpu_model
    size: dict[str, Any] = {"Cpu": round(cores * 1000), "Memory": round(memory * 1024)}
    return {**size, "Gpu": count * 1000, "GpuType": model} if count else size


def size_text(service: OldService) -> str:
    """The size of a service, as one may write it."""
    cores, memory, cards = (wire.whole(service.raw.get(name)) or 0 for name in ("Cpu", "Memory", "Gpu"))
    words = [f"cpu={cores / 1000:g}", f"mem={memory / 1024:g}GB"] if cores and memory else []
    model = wire.text(service.raw, "GpuType")
    return " ".join([*words, f"gpu={model}:{cards // 1000}" if model else f"gpu={cards // 1000}"] if cards else words)


def _check(spec: EndpointSpec, options: Options) -> None:
    if len(spec.variants) != 1:
        raise Unsupported(f"variants: {WEIGHTS}", backend="ti")
    if spec.variants[0].environment:
        raise SpecError(
            "environment: services of TI-EMS take no variables",
            hint="give them to the model: est.register(environment=...) or est.deploy(environment=...)",
        )
    if spec.tags:
        raise SpecError("tags: services of TI-EMS have none", hint="leave them out, or use the description")
    for option in _ONLY_2021:
        if getattr(options, option):
            raise SpecError(f"options.ti.{option}: TI-EMS has no such thing", hint="it belongs to endpoints of 2021")
    if options.expose == "VPC" and not (options.vpc and options.subnet):
        raise SpecError("options.ti.subnet: an endpoint in a private network needs it", hint="set vpc and subnet")
    if options.expose != "VPC" and (options.vpc or options.subnet):
        option = "vpc" if options.vpc else "subnet"
        raise SpecError(
            f"options.ti.{option}: the endpoint would be in the internet all the same",
            hint='set options.ti.expose to "VPC", or leave the network out',
        )


def _config(variant: Variant) -> str:
    return own_id(ModelRef.parse(variant.model).id)


def _scaling(variant: Variant, options: Options) -> dict[str, Any]:
    count = variant.instance_count
    if not options.autoscale:
        return {
            "ScaleMode": "MANUAL",
            "Scaler": {"MaxReplicas": count, "MinReplicas": count, "StartReplicas": count},
        }
    fewest, most, metrics = read_autoscale(options.autoscale)
    start = min(max(count, fewest), most)
    scaler = {"MaxReplicas": most, "MinReplicas": fewest, "StartReplicas": start, "HpaMetrics": metrics}
    return {"ScaleMode": "AUTO", "Scaler": scaler}


class OldServices:
    """The services of one account.

    Args:
        client: Makes the calls.
        configs: The models that they serve.
        settings: The backend's.
    """

    def __init__(self, client: ServingClient, configs: Configs, settings: Settings) -> None:
        self._client = client
        self._configs = configs
        self._settings = settings

    def deploy(self, spec: EndpointSpec, options: Options) -> str:
        """Make a service that can be called; what fails half-way is taken back, unless it may be somebody else's."""
        body = old_body(spec, options, self._settings)
        self._configs.find(body["ServiceConfigId"])
        try:
            made = self._client.create_old_service(body).id
        except ServiceError as fault:
            found = self._lost(body, fault)
            if not found.exposed:
                self._client.expose(found.id, _exposure(options))
            return found.id
        try:
            self._client.expose(made, _exposure(options))
        except BaseException:
            with suppress(AnyfitError):
                self._client.delete_old_service(made)
            raise
        return made

    def update(self, identity: str, spec: EndpointSpec, options: Options) -> None:
        """Serve another model, or with other servers."""
        body = old_body(spec, options, self._settings)
        service = self._client.old_service(identity)
        if options.auth is not None and options.auth != bool(service.token):
            raise SpecError("options.ti.auth: TI-EMS cannot change it", hint="deploy the endpoint anew")
        (variant,) = spec.variants
        change: dict[str, Any] = dict(options.service_more)
        if body["ServiceConfigId"] != service.config:
            self._configs.find(body["ServiceConfigId"])
            change["ServiceConfigId"] = body["ServiceConfigId"]
        if options.autoscale or variant.instance_count != service.replicas:
            change |= {name: body[name] for name in ("ScaleMode", "Scaler")}
        if variant.instance_type not in ("", size_text(service)):
            change |= size_of(variant.instance_type)
        for name in ("Description", "LogTopicId"):
            if body.get(name, "") not in ("", wire.text(service.raw, name)):
                change[name] = body[name]
        if change:
            self._client.update_old_service(identity, change)

    def start(self, identity: str) -> None:
        """Serve again."""
        if EMS_STATUS.get(self._client.old_service(identity).status) in _IDLE:
            self._client.update_old_service(identity, {"ServiceAction": "RESUME"})

    def stop(self, identity: str) -> None:
        """Stop serving."""
        if EMS_STATUS.get(self._client.old_service(identity).status) not in _IDLE:
            self._client.update_old_service(identity, {"ServiceAction": "STOP"})

    def delete(self, identity: str) -> None:
        """Remove the service."""
        self._client.delete_old_service(identity)

    def renew_token(self, identity: str) -> None:
        """Refused: a token of TI-EMS lives as long as its service."""
        raise Unsupported(
            f"endpoint {OLD}{identity}: TI-EMS cannot change a token", hint="deploy the endpoint anew", backend="ti"
        )

    def state(self, identity: str) -> EndpointState:
        """How the service is; it is not there yet while its address is not."""
        service = self._client.old_service(identity)
        status = EMS_STATUS.get(service.status, EndpointStatus.UNKNOWN)
        if status == EndpointStatus.READY and service.exposed and not service.address:
            status = EndpointStatus.CREATING
        unknown = f"TI-EMS says {service.status!r}, which is in no document" if status == EndpointStatus.UNKNOWN else ""
        return EndpointState(
            status=status,
            native=service.status,
            reason="" if status == EndpointStatus.READY else service.message or unknown,
            url=_url(service) if status == EndpointStatus.READY else "",
            spec=self._spec(service),
            created_at=time_of(service.created),
        )

    def every(self) -> list[tuple[int, str, str]]:
        """All services: when they were made, their names and ids."""
        return [(nanoseconds(one.created) or 0, one.name, one.id) for one in self._client.old_services()]

    def find(self, name: str) -> str | None:
        """The service of that name."""
        return next((one.id for one in self._client.old_services() if one.name == name), None)

    def door(self, identity: str) -> Door:
        """Where the service is asked, and with what; one that nobody has exposed is exposed now."""
        service = self._client.old_service(identity)
        if not service.exposed:
            self._client.expose(identity, {"ExposeType": "EXTERNAL"})
            service = self._client.old_service(identity)
        if not service.address:
            raise ServiceError(
                f"endpoint {OLD}{identity} has no address yet", hint="wait until it is READY", backend="ti"
            )
        return Door(_url(service), {"X-Auth-Token": service.token} if service.token else {})

    def logs(self, identity: str, cursor: str) -> LogPage:
        """Refused: there is no such call."""
        raise Unsupported(f"endpoint {OLD}{identity}: {LOGS}", backend="ti")

    def _lost(self, body: Mapping[str, Any], fault: ServiceError) -> OldService:
        """Nobody knows whether the service was made: look."""
        found = [one for one in self._client.old_services() if one.name == body["Name"]]
        if not found:
            raise fault
        alike = next((one for one in found if _is_made_from(one, body)), None)
        if alike is None:
            raise name_is_taken("FailedOperation.AlreadyExists", f"endpoint {body['Name']}") from fault
        return alike

    def _spec(self, service: OldService) -> EndpointSpec:
        variant = Variant(
            model=str(ModelRef("ti", self._settings.region, OLD + service.config)),
            weight=100.0,
            instance_type=size_text(service),
            instance_count=service.replicas,
        )
        group = wire.text(service.raw, "ResourceGroupId")
        return EndpointSpec(
            name=service.name,
            variants=(variant,),
            description=wire.text(service.raw, "Description"),
            options={"resource_group": group} if group not in ("", self._settings.region) else {},
        )


def _is_made_from(service: OldService, body: Mapping[str, Any]) -> bool:
    """Whether a service serves what this body asks for."""
    size = {name: body[name] for name in ("Cpu", "Memory", "Gpu") if name in body}
    return (
        service.config == body["ServiceConfigId"]
        and service.replicas == body["Scaler"]["StartReplicas"]
        and wire.says(service.raw, size)
    )


def _exposure(options: Options) -> Mapping[str, Any]:
    if options.expose == "VPC":
        return {"ExposeType": "VPC", "VpcId": options.vpc, "SubnetId": options.subnet}
    return {"ExposeType": "EXTERNAL"}


def _url(service: OldService) -> str:
    return f"http://{service.address}{PATH}" if service.address else ""
