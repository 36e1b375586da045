"""The machines that a task asks for (reference, sections 3.1, 3.2 and 3.8)."""

from __future__ import annotations

from collections.abc import Container as Names
from typing import Any

from anyfit_ti.emulator.errors import ApiError
from anyfit_ti.emulator.fields import Fields
from anyfit_ti.emulator.specs import SPECS
from anyfit_ti.emulator.tasks.roles import MODES

__all__ = ["read_resources"]

_CHARGES = ("PREPAID", "POSTPAID_BY_HOUR")
_ILLEGAL = "InvalidParameterValue.ResourceConfigIllegal"
_MOST = 100


def read_resources(fields: Fields, mode: str, groups: Names[str]) -> list[dict[str, Any]]:
    """One entry for each role, in the answer's shape.

    Raises:
        ApiError: They do not fit the way of paying, or the training mode.
    """
    prepaid = fields.text("ChargeType", required=True, one_of=_CHARGES) == "PREPAID"
    if prepaid and fields.text("ResourceGroupId") not in groups:
        group = fields.text("ResourceGroupId", required=True)
        raise ApiError("ResourceNotFound.ResourceGroupNotFound", f"There is no resource group {group}.")
    found = [_read(one, prepaid=prepaid) for one in fields.parts("ResourceConfigInfos", required=True)]
    roles = [one["Role"] for one in found]
    expected = MODES[mode]
    if set(roles) != set(expected) or (mode != "RAY" and len(roles) != len(expected)):
        what = f"must have the roles {', '.join(expected)} for the mode {mode or 'without a name'}, and each once"
        raise fields.bad("ResourceConfigInfos", what, _ILLEGAL)
    for one in found:
        if one["Role"] in ("DRIVER", "HEAD") and one["InstanceNum"] != 1:
            raise fields.bad("ResourceConfigInfos", f"must have one {one['Role']}", _ILLEGAL)
    return found


def _read(fields: Fields, *, prepaid: bool) -> dict[str, Any]:
    role = fields.text("Role", required=True)
    if role not in {name for roles in MODES.values() for name in roles}:
        raise fields.bad("Role", f"is not known: {role}", _ILLEGAL)
    count = fields.integer("InstanceNum", 1, least=1, most=_MOST)
    rdma = fields.part("RDMAConfig")
    more = {"InstanceNum": count, "RDMAConfig": {"Enable": rdma.flag("Enable")} if rdma else None}
    if prepaid:
        cpu, memory = fields.integer("Cpu"), fields.integer("Memory")
        if not (cpu and memory):
            raise fields.bad("Cpu", "and `Memory` must be given for a resource group", _ILLEGAL)
        cards = {"Gpu": fields.integer("Gpu"), "GpuType": fields.text("GpuType")}
        return {
            "Role": role,
            "Cpu": cpu,
            "Memory": memory,
            **cards,
            "InstanceType": "",
            "InstanceTypeAlias": "",
            **more,
        }
    spec = SPECS.get(fields.text("InstanceType", required=True))
    if spec is None:
        kind = fields.text("InstanceType")
        raise ApiError("FailedOperation.UnknownInstanceType", f"There is no instance type {kind}.")
    return {
        "Role": role,
        "Cpu": spec.cores * 1000,
        "Memory": spec.memory * 1024,
        "Gpu": int(spec.cards * 100),
        "GpuType": spec.card,
        "InstanceType": spec.name,
        "InstanceTypeAlias": spec.alias,
        **more,
    }
