"""From a neutral spec to what this machine will do: pure, no disk, no clock."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from anyfit.backend import Catalog, Match, Note, Plan, Request, Upload
from anyfit.catalog import choose
from anyfit.errors import SpecError
from anyfit.options import structure
from anyfit.spec import JobSpec
from anyfit_local.layout import REGION, Home
from anyfit_local.settings import Options, Settings

__all__ = ["make_plan"]

_CHANNEL = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,254}")


def make_plan(spec: JobSpec, catalog: Catalog, settings: Settings, home: Home) -> Plan:
    """The plan for a job on this machine."""
    options = structure(Options, dict(spec.options), "options.local")
    _check(spec)
    offering = choose(spec.instance_type, catalog.offerings, spec.instance_count)
    body = {
        "job": _launcher_job(spec, options, settings),
        "python": options.python or settings.python or sys.executable,
        "folder": str(home.job(spec.key).path),
        "nodes": spec.instance_count,
        "num_cpus": max(1, int(offering.cpus) // spec.instance_count),
        "num_gpus": offering.gpu_count,
        "max_run": spec.max_run,
        "grace_seconds": _first(options.grace_seconds, settings.grace_seconds),
        "stall_seconds": settings.stall_seconds,
    }
    return Plan(
        spec=spec,
        backend="local",
        region=REGION,
        offering=offering,
        uploads=tuple(_uploads(spec)),
        requests=(Request("start", body),),
        notes=tuple(_notes(spec, options, settings)),
    )


def _check(spec: JobSpec) -> None:
    if not (spec.entry_point or spec.command):
        raise SpecError("entry_point: there is nothing to run", hint="name a script, or a command")
    if spec.entry_point and spec.code is None:
        raise SpecError(f"entry_point: {spec.entry_point} has no code to lie in")
    if spec.instance_count < 1:
        raise SpecError(f"instance_count: {spec.instance_count} is too few", hint="it is 1 or more")
    if spec.max_run < 1:
        raise SpecError(f"max_run: {spec.max_run} s is too short", hint="it is 1 or more")
    for name in spec.inputs:
        if not _CHANNEL.fullmatch(name):
            raise SpecError(f"inputs: {name!r} cannot be the name of a folder", hint="use letters, digits, - _ .")


def _uploads(spec: JobSpec) -> Iterator[Upload]:
    """The packed code is where jobs can read it as soon as it is packed, so that nothing is moved."""
    if spec.code is not None:
        yield Upload(kind="code", source=spec.code.archive, target=_code_uri(spec), size=spec.code.size)


def _code_uri(spec: JobSpec) -> str:
    return Path(spec.code.archive).as_uri() if spec.code is not None else ""


def _launcher_job(spec: JobSpec, options: Options, settings: Settings) -> dict[str, Any]:
    return {
        "format": 1,
        "job_name": spec.key,
        "backend": "local",
        "region": REGION,
        "entry_point": spec.entry_point or None,
        "command": list(spec.command),
        "hyperparameters": dict(spec.hyperparameters),
        "arguments": list(spec.arguments),
        "environment": dict(spec.environment),
        "channels": {name: {"uri": channel.uri} for name, channel in spec.inputs.items()},
        "convention": spec.convention,
        "distribution": spec.distribution,
        "instance_type": spec.instance_type or "local",
        "instance_count": spec.instance_count,
        "output_uri": spec.output_path,
        "checkpoint_uri": spec.checkpoint_path,
        "code_uri": _code_uri(spec),
        "python_paths": [],
        "install_requirements": _first(options.install_requirements, settings.install_requirements),
    }


def _notes(spec: JobSpec, options: Options, settings: Settings) -> Iterator[Note]:
    if spec.image:
        yield Note("image_uri", Match.NONE, "the command runs as a process of this machine, without the image")
    if spec.instance_type not in ("", "local"):
        text = f"this machine can grant {spec.instance_type}, but sets no limit: the job may use all of it"
        yield Note("instance_type", Match.NEAR, text)
    if spec.framework:
        wanted = f"{spec.framework} {spec.framework_version}".strip()
        yield Note("framework", Match.NEAR, f"whatever {wanted} is installed here is used, no image")
    elif spec.py_version:
        yield Note("py_version", Match.NONE, "the Python of this machine is used")
    if spec.code and spec.code.requirements and not _first(options.install_requirements, settings.install_requirements):
        text = "its requirements.txt is not installed; options.local.install_requirements = true does it"
        yield Note("source_dir", Match.NEAR, text)
    if spec.volume_size is not None:
        yield Note("volume_size", Match.NONE, "the job has the disk of this machine")
    if spec.max_wait is not None:
        yield Note("max_wait", Match.NONE, "the job starts at once and waits for nothing")
    if spec.instance_count > 1:
        text = f"{spec.instance_count} nodes are as many processes that share this machine and its folders"
        yield Note("instance_count", Match.NEAR, text)
    if any(channel.local for channel in spec.inputs.values()):
        yield Note("inputs", Match.EXACT, "local folders are linked, not copied: the script sees the originals")


def _first(*values: Any) -> Any:
    return next(value for value in values if value is not None)
