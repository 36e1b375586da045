"""What TI-EMS is asked for: a service's scale, its machines, its model."""

from __future__ import annotations

from typing import Any

from attrs import define, field

from anyfit_ti.emulator.desk import REGIONS
from anyfit_ti.emulator.ems.configs import Config
from anyfit_ti.emulator.ems.values import read_uri
from anyfit_ti.emulator.errors import ApiError
from anyfit_ti.emulator.fields import Fields
from anyfit_ti.emulator.serving.launch import Launch, Mount

__all__ = ["Service", "launch_of", "read_scaler", "read_shape"]

_METRICS = ("CPU-UTIL", "MEMORY-UTIL")
_MOST_REPLICAS = 100
_MOST = 256000


@define
class Service:
    """A service.

    Attributes:
        shape: What was asked for and is only told again, under the answers' names.
        scaler: As it is told; `StartReplicas` is how many there shall be.
        wanted: Whether it shall run.
        moving: The status while instances are being started.
        token: What callers need; "" for nothing.
        exposes: How it can be called: `ExposeType` and the network.
        serving: Since when it has been able to answer; 0 for not now.
        served: Seconds that it did so before.
    """

    id: str
    name: str
    config_id: str
    region: str
    shape: dict[str, Any]
    scale_mode: str
    scaler: dict[str, Any]
    token: str
    created: float
    updated: float
    wanted: bool = True
    moving: str = "Waiting"
    exposes: list[dict[str, Any]] = field(factory=list)
    serving: float = 0.0
    served: float = 0.0


def launch_of(config: Config) -> Launch:
    """What an instance runs."""
    return Launch((Mount(read_uri(Fields({"ModelUri": config.uri}), "ModelUri").uri),))


def read_scaler(fields: Fields, mode: str) -> dict[str, Any]:
    """How many instances there shall be, as answers show it."""
    scaler = fields.part("Scaler", required=True) or Fields({})
    start = scaler.integer("StartReplicas", required=True, least=1, most=_MOST_REPLICAS)
    metrics = [
        {
            "Name": metric.text("Name", required=True, one_of=_METRICS),
            "Value": metric.integer("Value", required=True, least=1, most=100),
        }
        for metric in scaler.parts("HpaMetrics", required=mode == "AUTO")
    ]
    fewest = most = start
    if mode == "AUTO":
        fewest = scaler.integer("MinReplicas", required=True, least=1, most=start)
        most = scaler.integer("MaxReplicas", required=True, least=start, most=_MOST_REPLICAS)
    return {"MaxReplicas": most, "MinReplicas": fewest, "StartReplicas": start, "HpaMetrics": metrics}


def read_shape(fields: Fields) -> dict[str, Any]:
    """What is asked for and only told again, under the answers' names."""
    group = fields.text("ResourceGroupId", required=True)
    if group not in REGIONS:
        raise ApiError("ResourceNotFound", f"The resource group {group} does not exist.")
    return {
        "ResourceGroupId": group,
        "Cpu": fields.integer("Cpu", required=True, least=100, most=_MOST),
        "Memory": fields.integer("Memory", required=True, least=100, most=_MOST),
        "Gpu": fields.integer("Gpu", most=_MOST),
        "GpuMemory": fields.integer("GpuMemory", most=_MOST),
        "GpuType": fields.text("GpuType"),
        "Cluster": fields.text("Cluster", "default"),
        "Description": fields.text("Description"),
        "LogTopicId": fields.text("LogTopicId"),
    }
