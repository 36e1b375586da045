"""The bodies that deploy and change services, held against the reference's rules (sections 5.4 and 5.6)."""

from __future__ import annotations

import re
from typing import Any

from anyfit_modelarts.emulator.errors import ApiError
from anyfit_modelarts.emulator.serving.members import INVALID, Members, flag, matching, number, one_of, text, texts
from anyfit_modelarts.emulator.serving.specifications import CUSTOM, OFFERED

__all__ = ["check_changes", "check_service"]

TWICE = "ModelArts.3516"
SOLD_OUT = "ModelArts.3976"
_NAME = matching(r"[A-Za-z0-9_一-龥-]{1,64}", "1 to 64 letters, digits, hyphens or underscores")
_KINDS = ("real-time", "batch", "edge")
_POLICIES = ("ROUND_ROBIN", "LEAST_CONNECTIONS", "SOURCE_IP")
_UNITS = ("DAYS", "HOURS", "MINUTES")
_POOLS = ("cluster_id", "pool_name")
_FREE = (*_POOLS, "vpc_id")  # members that are kept as they are


def check_service(body: dict[str, Any]) -> dict[str, Any]:
    """The good members of the body that deploys.

    Raises:
        ApiError: Some are not good; all of these are named.
    """
    members = Members(body)
    members.read("service_name", _NAME, required=True)
    kind = members.read("infer_type", one_of(_KINDS), required=True)
    members.read("workspace_id", text(64))
    for name in _FREE:
        members.read(name, text(64))
    for name in ("subnet_network_id", "security_group_id"):
        members.read(name, text(64), required=members.has("vpc_id"))
    members.read("load_balancer_policy", one_of(_POLICIES))
    members.read("priority", number(1, 3, whole=True))
    _read_changeable(members, required=True)
    config = members.finish()
    if kind != "real-time":
        raise ApiError(INVALID, f"infer_type: {kind} services are not run by this emulator, only real-time ones")
    _check_parts(config["config"], config)
    return config


def check_changes(body: dict[str, Any], asked: dict[str, Any]) -> dict[str, Any]:
    """The good members of the body that changes a service of which that was asked: `status` alone, if it is there."""
    members = Members(body)
    if members.has("status"):
        members.read("status", one_of(("running", "stopped")))
        return members.finish()
    _read_changeable(members, required=False)
    changes = members.finish()
    if "config" in changes:
        _check_parts(changes["config"], asked)
    return changes


def _read_changeable(members: Members, *, required: bool) -> None:
    members.read("description", text(100, "!<>=&\"'"))
    members.read_each("schedule", _read_stop)
    members.read_object("additional_properties", _read_properties)
    members.read_each("config", _read_part, required=required)


def _read_stop(members: Members) -> None:
    members.read("type", one_of(("stop",)), required=True)
    members.read("time_unit", one_of(_UNITS), required=True)
    members.read("duration", number(1, whole=True), required=True)


def _read_properties(members: Members) -> None:
    members.read("websocket_upgrade", flag)
    for name in ("smn_notification", "log_report_channels"):  # nobody is told, and nothing is reported
        members.read(name, lambda value: "" if isinstance(value, dict | list) else "an object or a list")


def _read_part(members: Members) -> None:
    members.read("model_id", text(least=1), required=True)
    specification = members.read("specification", one_of([*OFFERED, CUSTOM]), required=True)
    members.read("instance_count", number(1, 128, whole=True), required=True)
    if members.read("weight", _weight, required=True) is not None:
        members.values["weight"] = int(members.values["weight"])
    members.read("envs", texts)
    for name in _POOLS:
        members.read(name, text(64))
    members.read("deploy_timeout_in_seconds", number(1, whole=True))
    if specification == CUSTOM:
        members.read_object("custom_spec", _read_machine, required=True)


def _read_machine(members: Members) -> None:
    members.read("cpu", number(0.01), required=True)
    members.read("memory", number(1, whole=True), required=True)
    members.read("gpu_p4", number(0))
    members.read("ascend_a310", number(0, whole=True))


def _weight(value: Any) -> str:
    """Numbers, and strings of digits as in the documents' samples."""
    digits = isinstance(value, int | str) and not isinstance(value, bool) and re.fullmatch("[0-9]{1,3}", str(value))
    return "" if digits and int(value) <= 100 else "a whole number from 0 to 100"


def _check_parts(parts: list[dict[str, Any]], service: dict[str, Any]) -> None:
    if not parts:
        raise ApiError(INVALID, "config: must not be empty")
    ids = [part["model_id"] for part in parts]
    if len(set(ids)) < len(ids):
        raise ApiError(TWICE, "config: every model_id may stand there once")
    if (total := sum(part["weight"] for part in parts)) != 100:
        raise ApiError(INVALID, f"config: the weights must add up to 100, they are {total}")
    for part in parts:
        if part["specification"] == CUSTOM and not any(of.get(name) for of in (part, service) for name in _POOLS):
            raise ApiError(INVALID, "config: the specification custom needs a dedicated pool, give pool_name")
        machine = OFFERED.get(part["specification"])
        if machine is not None and machine.sold_out:
            raise ApiError(SOLD_OUT, f"config: the specification {machine.code} is sold out")
