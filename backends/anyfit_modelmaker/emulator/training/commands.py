"""From a job's configuration to processes in sandboxes (reference, sections 12.1 and 12.3)."""

from __future__ import annotations

import json
import shlex
import sys
from pathlib import Path
from typing import Any

from anyfit_emulator.running import Command
from anyfit_emulator.running.ports import free_port
from anyfit_modelmaker.emulator import catalog, programs
from anyfit_modelmaker.emulator.sandbox import Sandbox, Unfit
from anyfit_modelmaker.emulator.training.values import Version

__all__ = ["commands_of"]


def commands_of(version: Version, box: Sandbox, folder: Path) -> list[Command]:
    """One process per instance.

    Raises:
        Unfit: There is nothing to run.
    """
    count = version.instances
    boxes = [box] + [box.twin(folder / f"instance-{index}") for index in range(1, count)]
    hosts = [{"index": index, "ip": "127.0.0.1", "port": free_port()} for index in range(count)]
    commands = []
    for index, own in enumerate(boxes):
        (own.config / "resource.json").write_text(json.dumps({"current": index, "hosts": hosts}))
        argv = _argv(version.config, own)
        environment = own.environment(_told(version, index))
        prefix = f"[{index}] " if count > 1 else ""
        commands.append(Command(argv, own.src, environment, prefix, folder.parent / f"usage-{index}.txt"))
    return commands


def _argv(config: dict[str, Any], box: Sandbox) -> list[str]:
    if config["type"] == "BASIC_FRAMEWORK":
        return [sys.executable, box.program(config["startup"]), *_parameters(config, box)]
    if config["type"] == "PRESET_ALGORITHM":
        name = next(entry.name for entry in catalog.ALGORITHMS if entry.id == config["algorithmId"])
        return [sys.executable, *programs.trainer(name), *_parameters(config, box)]
    try:
        words = [word for member in ("command", "args") for word in shlex.split(config.get(member) or "")]
    except ValueError as error:
        raise Unfit(f"command, args: {error}") from error
    if not words:
        raise Unfit("images are not pulled here, and without a command there is nothing to run")
    return [box.inside(word) for word in words]


def _parameters(config: dict[str, Any], box: Sandbox) -> list[str]:
    return [f"--{item['name']}={box.inside(str(item['value']))}" for item in config.get("parameters") or []]


def _told(version: Version, index: int) -> dict[str, str]:
    return {
        "MM_JOB_ID": str(version.job_id),
        "MM_VERSION_ID": str(version.id),
        "MM_INSTANCE_INDEX": str(index),
        "MM_INSTANCE_COUNT": str(version.instances),
        **{item["name"]: str(item["value"]) for item in version.config.get("envs") or []},
    }
