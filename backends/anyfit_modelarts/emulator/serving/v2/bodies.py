"""The body that deploys a service of the second API, held against the reference's rules (section 5.12)."""

from __future__ import annotations

from typing import Any

from anyfit_modelarts.emulator.errors import V2, ApiError
from anyfit_modelarts.emulator.members import Members
from anyfit_modelarts.emulator.serving.bodies import NAME

__all__ = ["MOUNTS", "check_service"]

MOUNTS = ("files", "models", "codes")  # what is brought to a place of the container
_TYPES = ("REAL_TIME", "ASYNC_REAL_TIME")
_FRAMEWORKS = ("COMMON", "VLLM", "MINDIE")
_HEALTHS = ("readiness_health", "liveness_health", "startup_health")
_HEALTH_NUMBERS = ("initial_delay_seconds", "timeout_seconds", "period_seconds", "failure_threshold")
_PLACE = "/[^/]+(/[^/]+)*/?"
_AUTH_TYPES = ("TOKEN", "API_KEY", "NONE")
_UNITS = ("DAYS", "HOURS", "MINUTES")


def check_service(body: dict[str, Any]) -> dict[str, Any]:
    """The body, if it is good.

    Raises:
        ApiError: It is not; all that is wrong is named.
    """
    members = Members(body)
    members.text("name", pattern=NAME, required=True)
    members.word("type", _TYPES, required=True)
    members.word("deploy_type", ("SINGLE", "MULTI"), required=True)
    for name in ("version", "description", "workspace_id", "custom_metrics_path"):
        members.text(name)
    groups = members.children("group_configs")
    if len(groups) != 1:
        members.fault("group_configs", "must hold exactly one group")
    for group in groups:
        _read_group(group)
    if runtime := members.child("runtime_config", required=True):
        _read_runtime(runtime)
    for stop in members.children("schedule"):
        stop.word("type", ("STOP",), required=True)
        stop.word("time_unit", _UNITS, required=True)
        stop.whole("duration", 1, required=True)
    if len(members.children("tags")) > 20:
        members.fault("tags", "must be at most 20")
    members.finish(V2.invalid)
    if body["runtime_config"]["service_invoke"]["auth_type"] == "API_KEY":
        raise ApiError(V2.invalid, "auth_type API_KEY: this emulator gives out no API keys, take TOKEN or NONE")
    return body


def _read_group(group: Members) -> None:
    group.text("name", required=True)
    group.whole("weight", 0, 100, required=True)
    group.whole("count", 1, 128)
    group.text("pool_id")
    group.word("framework", _FRAMEWORKS)
    units = group.children("unit_configs")
    if len(units) != 1:
        group.fault("unit_configs", "must hold exactly one unit, as this emulator has no instances of several")
    for unit in units:
        _read_unit(unit)


def _read_unit(unit: Members) -> None:
    if image := unit.child("image"):
        image.word("source", ("SWR",), required=True)
        image.text("swr_path", required=True)
    if machine := unit.child("custom_spec"):
        machine.number("cpu", 0.01)
        machine.whole("memory", 1)
    unit.text("flavor")
    unit.text("cmd")
    unit.texts("envs")
    unit.whole("port", 1, 65535)
    for kind in MOUNTS:
        for mount in unit.children(kind):
            _read_mount(mount)
    for name in _HEALTHS:
        if health := unit.child(name):
            health.text("url")
            for number in _HEALTH_NUMBERS:
                health.whole(number, 0, required=True)


def _read_mount(mount: Members) -> None:
    mount.word("source", ("OBS", "OBSFS", "EFS"), required=True)
    mount.place("address", required=True)
    place = mount.text("mount_path", pattern=_PLACE, required=True)
    if place and {".", ".."} & set(place.split("/")):
        mount.fault("mount_path", "must not lead upwards")


def _read_runtime(runtime: Members) -> None:
    if invoke := runtime.child("service_invoke", required=True):
        invoke.whole("port", 1, 65535, required=True)
        invoke.word("protocol", ("HTTP", "HTTPS", "WS", "WSS"), required=True)
        invoke.word("auth_type", _AUTH_TYPES, required=True)
    if limit := runtime.child("service_limit", required=True):
        limit.whole("request_size_limit", 1, 50, required=True)
        limit.whole("request_timeout", 1, 7200, required=True)
        if rate := limit.child("rate_limit", required=True):
            rate.whole("num", 1, required=True)
            rate.word("unit", ("SECONDS", "MINUTES"), required=True)
