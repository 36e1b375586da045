"""The bodies that deploy and change services, held against the reference's rules (sections 5.4 and 5.6)."""

from __future__ import annotations

from typing import Any

from anyfit_modelarts.emulator.errors import ApiError
from anyfit_modelarts.emulator.members import Members
from anyfit_modelarts.emulator.serving.bodies import INVALID, NAME, finish, kept
from anyfit_modelarts.emulator.serving.specifications import CUSTOM, OFFERED

__all__ = ["check_changes", "check_service"]

TWICE = "ModelArts.3516"
SOLD_OUT = "ModelArts.3976"
_KINDS = ("real-time", "batch", "edge")
_POLICIES = ("ROUND_ROBIN", "LEAST_CONNECTIONS", "SOURCE_IP")
_UNITS = ("DAYS", "HOURS", "MINUTES")
_DESCRIPTION = "[^!<>=&\"']*"
_POOLS = ("cluster_id", "pool_name")
_NETWORK = ("subnet_network_id", "security_group_id")
_CHANGEABLE = ("description", "schedule", "additional_properties", "config")
_KEPT = (
    *("service_name", "infer_type", "workspace_id", "priority", "load_balancer_policy", "vpc_id"),
    *(*_NETWORK, *_POOLS, *_CHANGEABLE),
)
_KEPT_OF_PART = (
    *("model_id", "specification", "instance_count", "weight", "envs", "custom_spec", "deploy_timeout_in_seconds"),
    *_POOLS,
)


def check_service(body: dict[str, Any]) -> dict[str, Any]:
    """The known members of the body that deploys.

    Raises:
        ApiError: Some are not good; all of these are named.
    """
    members = Members(body)
    members.text("service_name", pattern=NAME, required=True)
    kind = members.word("infer_type", _KINDS, required=True)
    for name in ("workspace_id", "vpc_id", *_POOLS):
        members.text(name, 64)
    for name in _NETWORK:
        members.text(name, 64, required="vpc_id" in members)
    members.word("load_balancer_policy", _POLICIES)
    members.whole("priority", 1, 3)
    if "config" not in members:
        members.fault("config", "is required")
    _read_changeable(members)
    finish(members)
    if kind != "real-time":
        raise ApiError(INVALID, f"infer_type {kind}: this emulator runs real-time services alone")
    asked = kept(body, _KEPT)
    return {**asked, "config": _parts(asked, asked)}


def check_changes(body: dict[str, Any], asked: dict[str, Any]) -> dict[str, Any]:
    """The known members of the body that changes a service of which that was asked: `status` alone, if it is there."""
    members = Members(body)
    if "status" in members:
        members.word("status", ("running", "stopped"))
        finish(members)
        return kept(body, ("status",))
    _read_changeable(members)
    finish(members)
    changes = kept(body, _CHANGEABLE)
    return {**changes, "config": _parts(changes, asked)} if "config" in changes else changes


def _read_changeable(members: Members) -> None:
    members.text("description", 100, pattern=_DESCRIPTION)
    for stop in members.children("schedule"):
        stop.word("type", ("stop",), required=True)
        stop.word("time_unit", _UNITS, required=True)
        stop.whole("duration", 1, required=True)
    members.child("additional_properties")
    for part in members.children("config"):
        _read_part(part)


def _read_part(part: Members) -> None:
    part.text("model_id", required=True)
    specification = part.word("specification", [*OFFERED, CUSTOM], required=True)
    part.whole("instance_count", 1, 128, required=True)
    part.whole("weight", 0, 100, required=True)  # samples have it in a string
    part.texts("envs")
    part.whole("deploy_timeout_in_seconds", 1)
    for name in _POOLS:
        part.text(name, 64)
    if specification == CUSTOM and (machine := part.child("custom_spec", required=True)):
        machine.number("cpu", 0.01, required=True)
        machine.whole("memory", 1, required=True)
        machine.number("gpu_p4", 0)
        machine.whole("ascend_a310", 0)


def _parts(body: dict[str, Any], service: dict[str, Any]) -> list[dict[str, Any]]:
    """The models of the service, numbers made numbers, held against what concerns them all."""
    parts = [_numbered(kept(part, _KEPT_OF_PART)) for part in body["config"]]
    if not parts:
        raise ApiError(INVALID, "config must not be empty")
    if len({part["model_id"] for part in parts}) < len(parts):
        raise ApiError(TWICE, "config: every model_id may stand there once")
    if (total := sum(part["weight"] for part in parts)) != 100:
        raise ApiError(INVALID, f"config: the weights must add up to 100, they are {total}")
    for part in parts:
        _check_machine(part, service)
    return parts


def _numbered(part: dict[str, Any]) -> dict[str, Any]:
    return {**part, "weight": int(part["weight"]), "instance_count": int(part["instance_count"])}


def _check_machine(part: dict[str, Any], service: dict[str, Any]) -> None:
    if part["specification"] == CUSTOM:
        if not any(of.get(name) for of in (part, service) for name in _POOLS):
            raise ApiError(INVALID, "config: the specification custom needs a dedicated pool, give pool_name")
    elif OFFERED[part["specification"]].sold_out:
        raise ApiError(SOLD_OUT, f"config: the specification {part['specification']} is sold out")
