"""The body that creates a job, held against the reference's rules (section 3.3)."""

from __future__ import annotations

from typing import Any

from attrs import frozen

from anyfit_modelarts.emulator.errors import V2, ApiError
from anyfit_modelarts.emulator.members import Members
from anyfit_modelarts.emulator.training.catalog import FLAVORS, Flavor
from anyfit_modelarts.emulator.training.v2.algorithm_bodies import (
    NAME,
    check_places,
    check_program,
    read_channels,
    read_parameters,
    require_place,
)
from anyfit_modelarts.emulator.training.v2.values import preset_of

__all__ = ["Asked", "check_job", "check_schedule", "check_suits"]

KINDS = frozenset({
    "autosearch_job", "diag_job", "edge_job", "federated_pool_job", "hetero_job", "job", "mrs_job", "visualization_job",
})  # fmt: skip
EVENTS = frozenset({
    "JobCompleted", "JobFailed", "JobHanged", "JobPreempted", "JobRestarted", "JobStarted", "JobTerminated",
})  # fmt: skip
_RETRIES = "fault-tolerance/job-retry-num"
_SHOWN = ("endpoints", "train_type", "ftjob_config")


@frozen
class Asked:
    """What a good body asks for.

    Attributes:
        metadata: Name, description, workspace, annotations.
        experiment: The reference to one, or an empty object.
        given: The members of `algorithm` that say which algorithm it is, if it is one of its own.
        program: The other members of `algorithm`; with an algorithm of its own, what overrides that.
        spec: As it was sent.
        flavor: None for a dedicated pool's own machines.
    """

    metadata: dict[str, Any]
    experiment: dict[str, str]
    given: dict[str, str]
    program: dict[str, Any]
    spec: dict[str, Any]
    more: dict[str, Any]
    flavor: Flavor | None
    nodes: int


def check_job(body: dict[str, Any]) -> Asked:
    """What it asks for.

    Raises:
        ApiError: It is not good.
    """
    members = Members(body)
    kind = members.word("kind", KINDS, required=True)
    metadata, experiment = _metadata(members)
    algorithm, spec = members.child("algorithm", required=True), members.child("spec", required=True)
    members.finish(V2.invalid)
    if kind != "job":
        raise ApiError(V2.invalid, f"Invalid parameter: jobs of the kind {kind} are not emulated.")
    assert algorithm is not None  # noqa: S101  two lines before
    assert spec is not None  # noqa: S101
    given, program = _algorithm(algorithm)
    flavor, nodes = _resource(spec)
    check_suits(program.get("engine", {}), flavor)
    _spec(spec)
    members.finish(V2.invalid)
    more = {name: body[name] for name in _SHOWN if body.get(name) is not None}
    return Asked(metadata, experiment, given, program, body["spec"], more, flavor, nodes)


def check_schedule(spec: Members) -> None:
    """The members of `spec` that may be changed later."""
    policy = spec.child("schedule_policy")
    if policy is not None:
        policy.whole("priority", 1, 3)
        policy.flag("preemptible")
    notification = spec.child("notification")
    if notification is not None:
        notification.text("topic_urn", required=True)
        events = notification.raw("events") or []
        if not isinstance(events, list) or not all(isinstance(event, str) and event in EVENTS for event in events):
            notification.fault("events", f"must be some of {', '.join(sorted(EVENTS))}")


def check_suits(engine: dict[str, Any], flavor: Flavor | None) -> None:
    """Refuse an engine for Ascend cards on other machines, and the reverse."""
    preset = preset_of(engine)
    if preset and flavor and preset.name.startswith("Ascend") != (flavor.kind == "Ascend"):
        raise ApiError("ModelArts.2840", f"The engine {preset.id} is not supported on the flavor {flavor.code}.")


def _metadata(members: Members) -> tuple[dict[str, Any], dict[str, str]]:
    metadata = members.child("metadata", required=True)
    if metadata is None:
        return {}, {}
    found: dict[str, Any] = {
        "name": metadata.text("name", required=True, pattern=NAME),
        "description": metadata.text("description", 256) or "",
        "workspace_id": metadata.text("workspace_id") or "0",
        "annotations": metadata.texts("annotations"),
    }
    if found["annotations"].get(_RETRIES, "1") not in ("0", "1", "2", "3"):
        metadata.fault(f"annotations.{_RETRIES}", "must be 0 to 3")
    reference = metadata.child("training_experiment_reference")
    names = ("id", "name", "description")
    experiment = {name: text for name in names if reference is not None and (text := reference.text(name))}
    return found, experiment


def _algorithm(members: Members) -> tuple[dict[str, str], dict[str, Any]]:
    names = ("id", "subscription_id", "item_version_id", "name")
    given = {name: text for name in names if (text := members.text(name))}
    more = check_places(members)
    for name in ("policies", "summary"):
        if members.child(name) is not None:
            more[name] = members.raw(name)
    for name in ("autosearch_config_path", "autosearch_framework_path"):
        if name in members:
            members.place(name)
            more[name] = members.raw(name)
    if "id" in given or "subscription_id" in given:
        parts = {name: read_channels(members, name) for name in ("inputs", "outputs")}
        return given, {"parameters": read_parameters(members), **parts, **more}
    return {}, {**check_program(members), **more}


def _resource(spec: Members) -> tuple[Flavor | None, int]:
    resource = spec.child("resource", required=True)
    if resource is None:
        return None, 1
    nodes = resource.whole("node_count", 1, 1000, required=True) or 1
    code, pool = resource.text("flavor_id"), resource.text("pool_id") or resource.text("pool_group_id")
    custom = resource.child("main_container_customized_flavor")
    if custom is not None and not all(custom.raw(name) for name in ("cpu_core_num", "mem_size")):
        custom.fault("cpu_core_num", "and mem_size must be greater than 0")
    spec.finish(V2.invalid)
    if not code:
        if not pool:
            raise ApiError("ModelArts.2763", "spec.resource.flavor_id is required.")
        return None, nodes
    flavor = next((one for one in FLAVORS if one.code == code), None)
    if flavor is None:
        if pool and code.startswith("modelarts.pool.visual."):
            return None, nodes
        raise ApiError("ModelArts.2781", f"The flavor {code} does not exist.")
    if nodes > flavor.most:
        raise ApiError("ModelArts.2793", f"node_count must not exceed {flavor.most} of the flavor {code}.")
    if flavor.sold_out:
        raise ApiError("ModelArts.2833", f"The quota of the free flavor {code} is used up.")
    return flavor, nodes


def _spec(spec: Members) -> None:
    check_schedule(spec)
    export = spec.child("log_export_path")
    if export is not None and "obs_url" in export:
        require_place(export.raw("obs_url"))
    stop = spec.child("auto_stop")
    if stop is not None:
        stop.word("time_unit", ("HOURS",), required=True)
        stop.whole("duration", 1, required=True)
    for volume in spec.children("volumes"):
        kinds = {"nfs": ("nfs_server_path",), "pfs": ("pfs_path",), "obs": ("obs_path",)}
        chosen = [kind for kind in kinds if kind in volume]
        if len(chosen) != 1:
            volume.fault("nfs", "or pfs or obs is required")
            continue
        mount = volume.child(chosen[0])
        if mount is not None:
            for name in (*kinds[chosen[0]], "local_path"):
                mount.text(name, required=True)
