"""What CreateModelService and ModifyModelService ask for: checked, and made into a launch (reference, 3.11)."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable
from typing import Any

from anyfit_ti.emulator.errors import ApiError
from anyfit_ti.emulator.fields import Fields
from anyfit_ti.emulator.filesystems import FileSystems
from anyfit_ti.emulator.places import Place, read_place
from anyfit_ti.emulator.serving.launch import MODEL_DIR, PORT, Launch, Mount
from anyfit_ti.emulator.specs import GROUPS, SPECS

__all__ = ["CHANGEABLE", "SCALING", "check_order", "grace_of", "launch_of", "replicas_of"]

SCALING = (
    "Replicas",
    "ScaleMode",
    "HorizontalPodAutoscaler",
    "ScaleStrategy",
    "CronScaleJobs",
    "HybridBillingPrepaidReplicas",
)
CHANGEABLE = (
    *SCALING,
    "ServiceDescription",
    "ResourceGroupId",
    "Resources",
    "InstanceType",
    "ModelInfo",
    "ImageInfo",
    "Env",
    "LogEnable",
    "LogConfig",
    "Command",
    "CommandBase64",
    "ServicePort",
    "GrpcEnable",
    "HealthProbe",
    "VolumeMount",
    "VolumeMounts",
    "ServiceLimit",
    "ScheduledAction",
    "RollingUpdate",
    "InstancePerReplicas",
    "TerminationGracePeriodSeconds",
    "PreStopCommand",
    "ModelHotUpdateEnable",
    "ModelTurboEnable",
    "Sidecar",
    "ServiceEIP",
    "SchedulingStrategy",
    "InferTemplateId",
    "Priority",
)
CHARGES = ("PREPAID", "POSTPAID_BY_HOUR", "HYBRID_PAID")
_IMAGES = ("TCR", "CCR", "CUSTOM", "PRESET", "SYSTEM")
_BUILT_IN = ("PRESET", "SYSTEM")
_TAKEN_PORTS = (*range(8501, 8511), 6006, 9092)
_MOST_REPLICAS = 100
_METRICS = {
    "gpu-util": (10, 100),
    "cpu-util": (10, 100),
    "memory-util": (10, 100),
    "service-qps": (1, 5000),
    "concurrency-util": (1, 100000),
}
_ACTIONS = ("HTTPGet", "Exec", "TCPSocket")
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*")

Locate = Callable[[str], Place]


def check_order(fields: Fields, charge: str, locate: Locate) -> None:
    """Let a good order through.

    Args:
        fields: What a service shall be, under the names of `CHANGEABLE`.
        charge: The charge type.
        locate: Where the files of a model version are; raises ApiError where there is none.

    Raises:
        ApiError: Something is wrong with it.
    """
    _check_resources(fields, charge)
    _check_image(fields)
    _check_scaling(fields)
    _check_model(fields, locate)
    _check_mounts(fields)
    _check_program(fields)
    fields.flag("ModelHotUpdateEnable")
    if fields.flag("LogEnable") and not fields.has("LogConfig"):
        what = "must be given when LogEnable is true"
        raise fields.bad("LogConfig", what, "InvalidParameterValue.ClsConfigRequired")


def replicas_of(config: dict[str, Any]) -> int:
    """How many instances are ordered; where a scaler decides, it begins with the fewest that it may have."""
    ordered = int(config.get("Replicas") or 0)
    scaler = config.get("HorizontalPodAutoscaler")
    if config.get("ScaleMode") == "AUTO" and config.get("ScaleStrategy", "HPA") == "HPA" and scaler:
        return min(max(ordered, int(scaler["MinReplicas"]), 1), int(scaler["MaxReplicas"]))
    return ordered or 1


def grace_of(config: dict[str, Any]) -> float:
    """Seconds that an instance gets to end."""
    return float(config.get("TerminationGracePeriodSeconds") or 30)


def launch_of(config: dict[str, Any], locate: Locate, volumes: FileSystems) -> Launch:
    """What an instance runs.

    Args:
        volumes: The file systems that can be mounted.

    Raises:
        ApiError: The model version is not there any more.
    """
    fields = Fields(config)
    encoded = config.get("CommandBase64")
    command = base64.b64decode(encoded).decode() if encoded else config.get("Command") or ""
    own_port = "" if _is_built_in(fields) else config.get("ServicePort")
    limit = fields.part("ServiceLimit")
    rated = limit is not None and limit.flag("EnableInstanceRpsLimit")
    return Launch(
        tuple(_mounts(fields, locate, volumes)),
        command,
        {item.text("Name"): item.text("Value") for item in fields.parts("Env")},
        int(own_port or PORT),
        _ready_path(fields),
        limit.integer("InstanceRpsLimit") if limit and rated else 0,
        bool(config.get("ModelHotUpdateEnable")),
    )


def _check_resources(fields: Fields, charge: str) -> None:
    if charge != "POSTPAID_BY_HOUR":
        group = fields.text("ResourceGroupId", required=True)
        if group not in GROUPS:
            raise ApiError("ResourceNotFound.ResourceGroupNotFound", f"There is no resource group {group}.")
    if charge == "PREPAID":
        resources = fields.part("Resources", required=True) or fields
        for name in ("Cpu", "Memory"):
            resources.integer(name, required=True, least=1)
    elif (kind := fields.text("InstanceType", required=True)) not in SPECS:
        raise ApiError("FailedOperation.UnknownInstanceType", f"There is no instance type {kind}.")


def _check_image(fields: Fields) -> None:
    image = fields.part("ImageInfo", required=True)
    if image and _kind(image) not in _IMAGES:
        what = f"must be one of {', '.join(_IMAGES)}"
        raise image.bad("ImageType", what, "InvalidParameterValue.ImageIllegal")
    if image:
        image.text("ImageUrl", required=True)


def _check_scaling(fields: Fields) -> None:
    fields.integer("Replicas", least=1, most=_MOST_REPLICAS)
    fields.integer("HybridBillingPrepaidReplicas", most=_MOST_REPLICAS)
    automatic = fields.text("ScaleMode", one_of=("MANUAL", "AUTO")) == "AUTO"
    strategy = fields.text("ScaleStrategy", "HPA", one_of=("HPA", "CRON"))
    scaler = fields.part("HorizontalPodAutoscaler", required=automatic and strategy == "HPA")
    if scaler is not None and automatic and strategy == "HPA":
        fewest = scaler.integer("MinReplicas", required=True, least=1, most=_MOST_REPLICAS)
        scaler.integer("MaxReplicas", required=True, least=fewest, most=_MOST_REPLICAS)
        for metric in scaler.parts("HpaMetrics", required=True):
            least, most = _METRICS[metric.text("Name", required=True, one_of=tuple(_METRICS))]
            metric.integer("Value", required=True, least=least, most=most)
    for job in fields.parts("CronScaleJobs", required=automatic and strategy == "CRON"):
        job.text("Schedule", required=True)


def _check_model(fields: Fields, locate: Locate) -> None:
    model = fields.part("ModelInfo")
    if model is None:
        return
    if version_id := model.text("ModelVersionId"):
        locate(version_id)
    else:
        read_place(model, "CosPathInfo")


def _check_mounts(fields: Fields) -> None:
    for volume in _volumes(fields):
        kind = volume.text("VolumeSourceType", "CFS", one_of=("CFS", "COS", "PUBLIC_DATA_SOURCE"))
        if kind != "CFS":
            raise volume.bad("VolumeSourceType", "must be CFS: nothing else can be mounted yet")
        source = volume.part("CFSConfig", required=True)
        path = volume.text("MountPath", MODEL_DIR)
        if not path.startswith("/") or ".." in path.split("/") or path.strip("/") == "":
            raise volume.bad("MountPath", "must be an absolute path", "InvalidParameterValue.PathIllegal")
        if source and (".." in source.text("Path").split("/") or not re.fullmatch(r"[\w-]+", source.text("Id"))):
            raise source.bad("Path", "cannot be mounted", "InvalidParameterValue.PathIllegal")


def _check_program(fields: Fields) -> None:
    for variable in fields.parts("Env"):
        if not _VARIABLE.fullmatch(variable.text("Name", required=True)):
            raise variable.bad("Name", "must be a name that a variable can have")
        variable.text("Value")
    fields.text("Command")
    try:
        base64.b64decode(fields.text("CommandBase64"), validate=True).decode()
    except ValueError:
        raise fields.bad("CommandBase64", "must be base64 of UTF-8 text") from None
    port = fields.integer("ServicePort", PORT, least=1, most=65535)
    if fields.has("ServicePort") and port in _TAKEN_PORTS and not _is_built_in(fields):
        raise fields.bad("ServicePort", "must not be 8501 to 8510, 6006 or 9092, which the platform uses")
    fields.integer("TerminationGracePeriodSeconds", 30, least=1)
    probes = fields.part("HealthProbe")
    for name in ("LivenessProbe", "ReadinessProbe", "StartupProbe"):
        action = (probe := probes and probes.part(name)) and probe.part("ProbeAction", required=True)
        if action:
            action.part(action.text("ActionType", required=True, one_of=_ACTIONS), required=True)
    limit = fields.part("ServiceLimit")
    if limit and limit.flag("EnableInstanceRpsLimit"):
        limit.integer("InstanceRpsLimit", required=True)


def _mounts(fields: Fields, locate: Locate, volumes: FileSystems) -> list[Mount]:
    model = fields.part("ModelInfo")
    mounts = []
    if model is not None:
        version_id = model.text("ModelVersionId")
        place = locate(version_id) if version_id else read_place(model, "CosPathInfo")
        mounts += [Mount(place.uri)] if place else []
    for volume in _volumes(fields):
        source = volume.part("CFSConfig") or Fields({})
        folder = volumes.directory(source.text("Id"), source.text("Path"))
        mounts.append(Mount(str(folder), volume.text("MountPath", MODEL_DIR).rstrip("/")))
    return mounts


def _volumes(fields: Fields) -> list[Fields]:
    single = fields.part("VolumeMount")
    return fields.parts("VolumeMounts") or ([single] if single else [])


def _ready_path(fields: Fields) -> str:
    probes = fields.part("HealthProbe")
    probe = probes.part("ReadinessProbe") if probes else None
    action = probe.part("ProbeAction") if probe else None
    if action is None or action.text("ActionType") != "HTTPGet":
        return ""
    asked = action.part("HTTPGet") or Fields({})
    return "/" + asked.text("Path").lstrip("/")


def _is_built_in(fields: Fields) -> bool:
    image = fields.part("ImageInfo")
    return image is not None and _kind(image) in _BUILT_IN


def _kind(image: Fields) -> str:
    """The image's type; one word is spelled in several ways."""
    return image.text("ImageType", "CUSTOM").upper().replace("_", "")
