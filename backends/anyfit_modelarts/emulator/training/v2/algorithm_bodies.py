"""What says how a job runs: the same members in a job's `algorithm` and in an algorithm's `job_config`."""

from __future__ import annotations

import re
from typing import Any

from anyfit_modelarts.emulator.errors import V2, ApiError
from anyfit_modelarts.emulator.members import Members
from anyfit_modelarts.emulator.places import NoPlace, to_s3
from anyfit_modelarts.emulator.storehouse import Storehouse
from anyfit_modelarts.emulator.training.v2.values import preset_of

__all__ = [
    "NAME",
    "check_code",
    "check_places",
    "check_program",
    "engine_shown",
    "read_channels",
    "read_parameters",
    "require_place",
]

NAME = r"[A-Za-z0-9_-]{1,64}"
_TYPES = ("String", "Integer", "Float", "Boolean")
_KEY = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_FORBIDDEN = ("modelarts", "modelarts-dev", "infer")
_CHANNEL = ("name", "description", "local_dir", "access_method", "remote", "remote_constraint", "remote_constraints")
FILES, LEVELS, BYTES = 1000, 32, 5 << 30


def require_place(value: Any, code: str = "ModelArts.2791") -> str:
    """A place in OBS, as `s3://…`."""
    try:
        return to_s3(value)
    except NoPlace as error:
        raise ApiError(code, f"The OBS path is invalid: {error}") from None


def check_program(members: Members) -> dict[str, Any]:
    """The members that both have, each of its type; what is not there is left out."""
    engine = members.child("engine")
    found: dict[str, Any] = {
        "code_dir": members.text("code_dir"),
        "boot_file": members.text("boot_file"),
        "command": members.text("command"),
        "engine": _engine(engine) if engine is not None else None,
        "parameters": read_parameters(members),
        "inputs": read_channels(members, "inputs"),
        "outputs": read_channels(members, "outputs"),
    }
    members.finish(V2.invalid)
    _check_forms(found)
    return {name: value for name, value in found.items() if value not in (None, "")}


def check_code(program: dict[str, Any], storehouse: Storehouse) -> None:
    """Refuse code that is not there, or too much of it (reference, section 9, number 17)."""
    code_dir, boot = program.get("code_dir"), program.get("boot_file")
    if not code_dir or str(code_dir).startswith("file://"):
        return
    files = storehouse.files(require_place(code_dir, "ModelArts.2757"))
    if not files:
        raise ApiError("ModelArts.2757", f"The code directory {code_dir} does not exist or is empty.")
    if boot and not storehouse.has_file(require_place(boot, "ModelArts.2758")):
        raise ApiError("ModelArts.2758", f"The boot file {boot} does not exist.")
    if len(files) > FILES:
        raise ApiError("ModelArts.2759", f"The code directory has more than {FILES} files.")
    if max(name.count("/") for name, _ in files) >= LEVELS:
        raise ApiError("ModelArts.2760", f"The code directory has more than {LEVELS} levels.")
    if sum(size for _, size in files) > BYTES:
        raise ApiError("ModelArts.2761", "The code directory is larger than 5 GB.")


def check_places(members: Members) -> dict[str, Any]:
    """Where a job wants its code and its start, and what it is told: members of jobs alone."""
    found: dict[str, Any] = {}
    for name, code in (("local_code_dir", "ModelArts.2857"), ("working_dir", "ModelArts.2859")):
        if (value := members.text(name)) is not None:
            found[name] = _local(value, name, code)
    environments = members.texts("environments", 100)
    for name, value in environments.items():
        if not _KEY.fullmatch(name) or len(name) > 8192 or len(value) > 4096:
            members.fault("environments", f"has a member {name[:80]!r} whose name or value is not allowed")
    return found | ({"environments": environments} if environments else {})


def engine_shown(engine: dict[str, Any]) -> dict[str, Any]:
    """An engine with everything that the platform knows of it."""
    preset = preset_of(engine)
    if preset is None:
        return engine
    known = {"engine_id": preset.id, "engine_name": preset.name, "engine_version": preset.version}
    return {**known, "v1_compatible": preset.v1_compatible, "run_user": preset.run_user, **engine}


def _engine(members: Members) -> dict[str, Any]:
    names = ("engine_id", "engine_name", "engine_version", "image_url", "image_repo_id")
    found: dict[str, Any] = {name: members.text(name) for name in names}
    found["install_sys_packages"] = members.flag("install_sys_packages")
    return {name: value for name, value in found.items() if value not in (None, "")}


def _check_forms(program: dict[str, Any]) -> None:
    """A platform's engine with code and boot file, or an image with a command."""
    engine = program.get("engine") or {}
    named = any(name in engine for name in ("engine_id", "engine_name", "engine_version"))
    if named and preset_of(engine) is None:
        raise ApiError("ModelArts.2780", "The engine does not exist.")
    if not named:
        if "image_url" not in engine or not program.get("command"):
            raise ApiError("ModelArts.2806", "A custom image needs engine.image_url and command.")
        return
    code_dir, boot = program.get("code_dir"), program.get("boot_file")
    if not code_dir:
        raise ApiError("ModelArts.2757", "code_dir is required.")
    if not boot:
        raise ApiError("ModelArts.2758", "boot_file is required.")
    if str(code_dir).startswith("file://"):
        return
    code = require_place(code_dir, "ModelArts.2757").rstrip("/") + "/"
    if not require_place(boot, "ModelArts.2758").startswith(code):
        raise ApiError("ModelArts.2792", "The boot file must be inside of the code directory.")


def read_parameters(members: Members) -> list[dict[str, Any]]:
    """Hyper-parameters."""
    found = []
    for item in members.children("parameters"):
        name = item.text("name", required=True)
        value = item.text("value")
        constraint = item.child("constraint")
        if constraint is not None:
            constraint.word("type", _TYPES)
            for flag in ("editable", "required", "sensitive"):
                constraint.flag(flag)
        more = {key: item.raw(key) for key in ("description", "constraint", "i18n_description") if key in item}
        found.append({"name": name, "value": value if value is not None else "", **more})
    return found


def read_channels(members: Members, kind: str) -> list[dict[str, Any]]:
    """Inputs or outputs."""
    found: list[dict[str, Any]] = []
    for item in members.children(kind):
        name = item.text("name", required=True)
        if name and any(other.get("name") == name for other in found):
            raise ApiError("ModelArts.2753", f"The channel {name} is there twice.")
        item.word("access_method", ("parameter", "env"))
        item.text("local_dir")
        remote = item.child("remote")
        if remote is not None:
            _remote(remote, kind)
        found.append({key: item.raw(key) for key in _CHANNEL if key in item})
    return found


def _remote(remote: Members, kind: str) -> None:
    obs, dataset = remote.child("obs"), remote.child("dataset")
    if obs is not None:
        require_place(obs.text("obs_url", required=True) or "/")
    elif dataset is not None and kind == "inputs":
        dataset.text("id", required=True)
        dataset.text("version_id")
    else:
        remote.fault("obs", "is required")


def _local(value: str, name: str, code: str) -> str:
    parts = value.rstrip("/").split("/")
    good = value.startswith("/home/") and ".." not in parts and parts != ["", "home", "ma-user"]
    if not good or (parts[:3] == ["", "home", "ma-user"] and parts[3] in _FORBIDDEN):
        raise ApiError(code, f"{name} {value} is not allowed.")
    return value.rstrip("/")
