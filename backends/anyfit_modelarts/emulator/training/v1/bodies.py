"""The bodies that create jobs and versions, held against the reference's rules (sections 2.4 and 2.6)."""

from __future__ import annotations

from typing import Any

from attrs import frozen

from anyfit_modelarts.emulator.errors import V1, ApiError
from anyfit_modelarts.emulator.members import Members, is_number
from anyfit_modelarts.emulator.training.catalog import ALGORITHMS, ENGINES, FLAVORS, Flavor

__all__ = ["NAME", "Asked", "check_config", "dataset_of", "read_head"]

NAME = r"[A-Za-z0-9_-]{1,64}"
INVALID = V1.invalid
ASCEND = 13  # the type of engines for Ascend cards


@frozen
class Asked:
    """What a good configuration asks for.

    Attributes:
        config: Under the wire's names; what was not given is left out.
        flavor: Of its machines; None for a dedicated pool's own.
    """

    config: dict[str, Any]
    flavor: Flavor | None


def read_head(body: dict[str, Any]) -> tuple[str, str, str]:
    """Name, description and workspace of a new job."""
    members = Members(body)
    name = members.text("job_name", required=True, pattern=NAME)
    desc = members.text("job_desc", 256)
    workspace = members.text("workspace_id")
    notification = members.child("notification")
    if notification is not None:
        notification.text("topic_urn")
    members.finish(INVALID)
    if (workspace or "0") != "0":
        raise ApiError("ModelArts.0102", f"The workspace {workspace} does not exist.")
    return name or "", desc or "", workspace or "0"


def check_config(members: Members, *, version: bool = False, saved: bool = False) -> Asked:
    """A configuration.

    Args:
        version: It is that of a further version.
        saved: It is kept for later, and may be incomplete.

    Raises:
        ApiError: It is not good.
    """
    config = _read(members)
    if not saved:
        _check_program(members, config)
        _check_data(members, config)
        if "worker_server_num" not in config:
            members.whole("worker_server_num", 1, required=True)
        if version and "train_url" not in config:
            members.place("train_url", required=True)
        if version:
            members.whole("pre_version_id", 0, required=True)
    members.finish(INVALID)
    flavor = _flavor(config)
    if not saved and flavor is None and "pool_id" not in config:
        raise ApiError(INVALID, "Invalid parameter: one of flavor, spec_id and pool_id is required.")
    nodes = config.get("worker_server_num", 1)
    if flavor is not None and nodes > flavor.most:
        raise ApiError(INVALID, f"Invalid parameter: worker_server_num must not exceed {flavor.most} of {flavor.code}.")
    engine = next((one for one in ENGINES if one.id == config.get("engine_id")), None)
    if not saved and engine and flavor and (engine.type == ASCEND) != (flavor.kind == "Ascend"):
        raise ApiError(INVALID, f"Invalid parameter: the engine {engine.version} does not run on {flavor.code}.")
    if not saved and flavor is not None and flavor.sold_out:
        raise ApiError("ModelArts.0105", f"The resources of {flavor.code} are sold out.")
    return Asked(config, flavor)


def _read(members: Members) -> dict[str, Any]:
    """The members of a configuration that are there, each of its type."""
    known: dict[str, Any] = {
        "worker_server_num": members.whole("worker_server_num", 1, 1000),
        "engine_id": members.whole("engine_id", 0),
        "model_id": members.whole("model_id", 0),
        "spec_id": members.whole("spec_id", 0),
        "pool_id": members.text("pool_id"),
        "user_image_url": members.text("user_image_url"),
        "user_command": members.text("user_command"),
        "dataset_id": members.text("dataset_id"),
        "dataset_version_id": members.text("dataset_version_id"),
        "pre_version_id": members.whole("pre_version_id", 0),
    }
    for name in ("app_url", "boot_file_url", "data_url", "train_url", "log_url"):
        known[name] = members.raw(name) if members.place(name) else None
    flavor = members.child("flavor")
    if flavor is not None:
        known["flavor"] = {"code": flavor.text("code", required=True)}
    for item in members.children("parameter"):
        item.text("label", required=True)
        if not (isinstance(item.raw("value"), str) or is_number(item.raw("value"))):
            item.fault("value", "must be a string")
    known["parameter"] = members.raw("parameter")
    known["data_source"] = _sources(members)
    known["volumes"] = _volumes(members)
    return {name: value for name, value in known.items() if value not in (None, "")}


def dataset_of(config: dict[str, Any]) -> tuple[str, str] | None:
    """Id and version of the data set that is its data, if one is."""
    if "dataset_id" in config:
        return config["dataset_id"], config["dataset_version_id"]
    source = next(iter(config.get("data_source", ())), None)
    return (source["dataset_id"], source["dataset_version"]) if source and source["type"] == "dataset" else None


def _sources(members: Members) -> list[dict[str, Any]] | None:
    sources = members.children("data_source")
    if not sources:
        return None
    kinds = {source.word("type", ("obs", "dataset"), required=True) for source in sources}
    if len(kinds) > 1:
        members.fault("data_source", "must not mix obs and dataset")
    for source in sources:
        if kinds == {"obs"}:
            source.place("data_url", required=True)
        else:
            source.text("dataset_id", required=True)
            source.text("dataset_version", required=True)
    raw: list[dict[str, Any]] = members.raw("data_source")
    return raw


def _volumes(members: Members) -> list[dict[str, Any]] | None:
    for volume in members.children("volumes"):
        kinds = [kind for kind in ("nfs", "host_path") if kind in volume]
        if len(kinds) != 1:
            volume.fault("nfs", "or host_path is required")
            continue
        mount = volume.child(kinds[0])
        if mount is None:
            continue
        for name in ("id", "src_path", "dest_path")[kinds[0] == "host_path" :]:
            mount.text(name, required=True)
        mount.flag("read_only")
    raw: list[dict[str, Any]] | None = members.raw("volumes")
    return raw


def _check_program(members: Members, config: dict[str, Any]) -> None:
    """Code with an engine, or an algorithm, or an image (reference, section 9, numbers 5 and 6)."""
    code = ("app_url", "boot_file_url")
    if any(name in config for name in code):
        for name in code:
            if name not in config:
                members.fault(name, "is required")
        if all(name in config for name in code):
            _check_boot(members)
        config.setdefault("engine_id", 1)
        config.pop("model_id", None)
    elif "model_id" in config:
        if config["model_id"] not in {algorithm.id for algorithm in ALGORITHMS}:
            members.fault("model_id", "is no built-in algorithm")
    elif "user_image_url" not in config:
        members.fault("app_url", "is required")
        members.fault("boot_file_url", "is required")
    if "engine_id" in config and config["engine_id"] not in {engine.id for engine in ENGINES}:
        members.fault("engine_id", "is no engine, see ai-engines")


def _check_boot(members: Members) -> None:
    code, boot = members.place("app_url") or "", members.place("boot_file_url") or ""
    if not boot.startswith(code if code.endswith("/") else code + "/"):
        members.fault("boot_file_url", "must lie inside app_url")
    elif not boot.endswith(".py"):
        members.fault("boot_file_url", "must end in .py")


def _check_data(members: Members, config: dict[str, Any]) -> None:
    ids = ("dataset_id", "dataset_version_id")
    given: list[str] = [name for name in ("data_url", "data_source") if name in config]
    if any(name in config for name in ids):
        given.append("dataset_id")
        for name in ids:
            if name not in config:
                members.fault(name, "is required")
    if len(given) > 1:
        members.fault("data_url", "dataset_id and data_source exclude each other")


def _flavor(config: dict[str, Any]) -> Flavor | None:
    """The machine; a spec_id beside a pool_id is tolerated (reference, section 9, number 4)."""
    if "flavor" in config:
        found = next((flavor for flavor in FLAVORS if flavor.code == config["flavor"]["code"]), None)
        if found is None:
            raise ApiError(INVALID, f"Invalid parameter: flavor.code {config['flavor']['code']} does not exist.")
        return found
    if "spec_id" in config and "pool_id" not in config:
        found = next((flavor for flavor in FLAVORS if flavor.spec_id == config["spec_id"]), None)
        if found is None:
            raise ApiError(INVALID, f"Invalid parameter: spec_id {config['spec_id']} does not exist.")
        return found
    return None
