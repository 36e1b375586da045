"""From an endpoint to CreateModelService of 2021-11-11: pure."""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from attrs import frozen

from anyfit.backend import Offering
from anyfit.catalog import choose
from anyfit.errors import SpecError
from anyfit.spec import EndpointSpec, Variant
from anyfit_ti import wire
from anyfit_ti.bundle import PREDICT
from anyfit_ti.places import cos_path
from anyfit_ti.serving.wire import ModelVersion
from anyfit_ti.settings import Options, Settings
from anyfit_ti.translate.api_2021 import part_of_group

__all__ = [
    "PATH",
    "VARIABLES",
    "WHERE",
    "Size",
    "charge_of",
    "group_body",
    "read_autoscale",
    "size_of",
    "variables",
    "version_body",
    "wishes",
]

MOUNT, PORT, PATH = "/data/model", 8501, "/v1/models/m:predict"
VARIABLES, WHERE = "ANYFIT_SERVICE_VARIABLES", "ANYFIT_SERVICE_PATH"
"""The variables of a service that tell which it was given, and where its image is asked if not where all are."""


@frozen
class Size:
    """A server's machine as bodies have it, and whether it has accelerators."""

    members: Mapping[str, Any]
    on_gpu: bool = False


def charge_of(options: Options) -> str:
    """How a service is paid for."""
    if options.prepaid_replicas:
        return "HYBRID_PAID"
    return "PREPAID" if options.charge == "PREPAID" or options.resource_group else "POSTPAID_BY_HOUR"


def group_body(spec: EndpointSpec, options: Options) -> dict[str, Any]:
    """What is said once, with the first version of a group."""
    charge = charge_of(options)
    if charge != "POSTPAID_BY_HOUR" and not options.resource_group:
        raise SpecError(f"options.ti.resource_group: a {charge} endpoint needs one", hint="it begins with rsg-")
    body: dict[str, Any] = {
        "ServiceGroupName": spec.name,
        "AuthorizationEnable": options.auth is not False,
        "Tags": [{"TagKey": key, "TagValue": value} for key, value in spec.tags.items()],
    }
    return {name: value for name, value in body.items() if value != []}


def version_body(
    spec: EndpointSpec,
    variant: Variant,
    version: ModelVersion,
    options: Options,
    settings: Settings,
    size: Size,
    image: Mapping[str, Any],
) -> dict[str, Any]:
    """What a version of a group is made of."""
    _check(version, options, image)
    body: dict[str, Any] = {
        "ChargeType": charge_of(options),
        "ServiceDescription": spec.description,
        "ResourceGroupId": options.resource_group,
        **size.members,
        "ModelInfo": _model_info(version, settings),
        "ImageInfo": dict(image),
        "Env": variables(variant, options),
        "ScaleMode": "MANUAL",
        "Replicas": variant.instance_count,
        **_command(version, options, settings),
        **wishes(options),
    }
    return {name: value for name, value in body.items() if value not in ("", [])}


def _check(version: ModelVersion, options: Options, image: Mapping[str, Any]) -> None:
    for option, wanted in (("expose", options.expose == "VPC"), ("vpc", options.vpc), ("subnet", options.subnet)):
        if wanted:
            raise SpecError(
                f"options.ti.{option}: endpoints of 2021 have no private network that anyfit could ask for",
                hint="leave it out, or give the members of CreateModelService in options.ti.service_more",
            )
    if options.port and image.get("ImageType") == "PRESET":
        raise SpecError(f"options.ti.port: the platform's images listen at {PORT}", hint="leave it out")
    if options.path and version.told.handler and not options.command:
        raise SpecError(f"options.ti.path: anyfit's handler answers at {PATH}", hint="leave it out")


def size_of(variant: Variant, options: Options, machines: Callable[[], Sequence[Offering]]) -> Size:
    """The machine of a variant; `machines` is asked where they are had by the hour."""
    charge = charge_of(options)
    if charge == "PREPAID":
        offering, size = part_of_group(variant.instance_type, options.resource_group)
        if options.rdma:
            size["EnableRDMA"] = True
        return Size({"Resources": size}, offering.gpu_count > 0)
    offering = choose(variant.instance_type, machines(), task="serve")
    more = {"HybridBillingPrepaidReplicas": options.prepaid_replicas} if charge == "HYBRID_PAID" else {}
    return Size({"InstanceType": offering.spec_id, **more}, offering.gpu_count > 0)


def _model_info(version: ModelVersion, settings: Settings) -> dict[str, Any]:
    info = {
        "ModelVersionId": version.id,
        "ModelId": version.model,
        "ModelName": version.name,
        "ModelVersion": version.version,
        "ModelSource": wire.text(version.raw, "TrainingModelSource"),
        "AlgorithmFramework": wire.text(version.raw, "AlgorithmFramework"),
        "ModelFormat": wire.text(version.raw, "TrainingModelFormat"),
        "ModelType": wire.text(version.raw, "VersionType") or "NORMAL",
    }
    place = {"CosPathInfo": cos_path(version.place, settings.region)} if version.place else {}
    return {name: value for name, value in info.items() if value} | place


def variables(variant: Variant, options: Options) -> list[dict[str, str]]:
    """The variables of a variant, and which they are."""
    given = dict(variant.environment)
    told = {VARIABLES: ",".join(given)} if given else {}
    where = {WHERE: f"/{options.path.lstrip('/')}"} if options.path else {}
    return [{"Name": name, "Value": value} for name, value in {**given, **told, **where}.items()]


def _command(version: ModelVersion, options: Options, settings: Settings) -> dict[str, str]:
    """The start command, in both of the forms that the vendor's own tool sends."""
    command = options.command
    if not command and version.told.handler:
        command = f"{settings.python} -u {MOUNT}/{PREDICT} --port {options.port or PORT}"
    if not command:
        return {}
    return {"Command": command, "CommandBase64": base64.b64encode(command.encode()).decode()}


def wishes(options: Options) -> dict[str, Any]:
    """What options alone ask for; what they leave out the platform decides, or stays as it is."""
    found: dict[str, Any] = {**_scaling(options), **_log(options)}
    if options.stop_at:
        found["ScheduledAction"] = {"ScheduleStop": True, "ScheduleStopTime": options.stop_at}
    if options.hot_update is not None:
        found["ModelHotUpdateEnable"] = options.hot_update
    if options.requests_per_second:
        found["ServiceLimit"] = {"EnableInstanceRpsLimit": True, "InstanceRpsLimit": options.requests_per_second}
    if options.grace_seconds:
        found["TerminationGracePeriodSeconds"] = options.grace_seconds
    if options.port:
        found["ServicePort"] = options.port
    if options.probe_path:
        asked = {"Path": f"/{options.probe_path.lstrip('/')}", "Port": options.port or PORT}
        probe = {"ProbeAction": {"ActionType": "HTTPGet", "HTTPGet": asked}}
        found["HealthProbe"] = {"ReadinessProbe": probe}
    if options.supply:
        found["ResourceSupplyAttribute"] = {"SupplyType": options.supply}
    if options.callback_url:
        found["CallbackUrl"] = options.callback_url
    return {**found, **options.service_more}


def _log(options: Options) -> dict[str, Any]:
    if bool(options.log_set) != bool(options.log_topic):
        raise SpecError("options.ti.log_topic: a log set and a topic go together", hint="give both, or none")
    if not options.log_set:
        return {}
    return {"LogEnable": True, "LogConfig": {"LogsetId": options.log_set, "TopicId": options.log_topic}}


def _scaling(options: Options) -> dict[str, Any]:
    if options.autoscale and options.cron_scale:
        raise SpecError("options.ti.cron_scale: servers are scaled by load or by the clock", hint="give one of both")
    if options.cron_scale:
        jobs = [dict(job) for job in options.cron_scale]
        return {"ScaleMode": "AUTO", "ScaleStrategy": "CRON", "CronScaleJobs": jobs}
    if not options.autoscale:
        return {}
    fewest, most, metrics = read_autoscale(options.autoscale, ("up_seconds", "down_seconds"))
    scaler: dict[str, Any] = {"MinReplicas": fewest, "MaxReplicas": most, "HpaMetrics": metrics}
    for name, member in (("up_seconds", "ScaleUp"), ("down_seconds", "ScaleDown")):
        if name in options.autoscale:
            scaler[f"{member}StabilizationWindowSeconds"] = options.autoscale[name]
    return {"ScaleMode": "AUTO", "ScaleStrategy": "HPA", "HorizontalPodAutoscaler": scaler}


def read_autoscale(table: Mapping[str, Any], more: Sequence[str] = ()) -> tuple[int, int, list[dict[str, Any]]]:
    """The fewest servers, the most, and the metrics that decide."""
    where, known = "options.ti.autoscale", ("min", "max", "metrics", *more)
    unknown = [name for name in table if name not in known]
    if unknown:
        raise SpecError(f"{where}.{unknown[0]}: unknown", hint=f"{where} knows: {', '.join(known)}")
    numbers = [table.get(name) for name in ("min", "max")]
    fewest, most = numbers
    if not (isinstance(fewest, int) and isinstance(most, int) and 1 <= fewest <= most):
        raise SpecError(f"{where}: min and max are {fewest!r} and {most!r}", hint="whole numbers, 1 <= min <= max")
    metrics = table.get("metrics")
    if not isinstance(metrics, Mapping) or not metrics:
        raise SpecError(f"{where}.metrics: there is nothing to scale by", hint='for instance {"cpu-util" = 60}')
    return fewest, most, [{"Name": name, "Value": value} for name, value in metrics.items()]
