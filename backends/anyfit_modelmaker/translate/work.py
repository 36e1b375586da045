"""What the bodies are made from: the spec where the platform can read it, and what it chose."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from attrs import frozen

from anyfit.backend import Catalog, Match, Note, Offering
from anyfit.catalog import choose, parse_wish
from anyfit.cloud import planning
from anyfit.errors import SpecError
from anyfit.spec import JobSpec
from anyfit_modelmaker.catalog import MOST_NODES
from anyfit_modelmaker.settings import Options, Settings

__all__ = [
    "CHECKPOINTS",
    "SCHEMES",
    "Work",
    "checked",
    "folder_of",
    "limited",
    "machine_of",
    "main_channel",
    "options_of",
    "pool",
]

SCHEMES = ("s3",)
CHECKPOINTS = "anyfit-checkpoints"
"""The input folder of checkpoints."""

_LIMITS = {"instance_count": MOST_NODES, "volume_size": 10}
_CUSTOM = ("cpu", "memory", "gpuModel", "gpuCount")
_CUSTOM_MORE = ("requestCpu", "requestMemory", "shareGpu", "gpuz")


@frozen
class Work:
    """Everything that the bodies are made from.

    Attributes:
        spec: The job, its inputs where the platform reads them.
        original: The job as asked.
        options: The backend's own.
        catalog, settings: What there is.
        launched: Whether anyfit's launcher runs in the container.
        main: The channel that is `dataUrl`, or "".
    """

    spec: JobSpec
    original: JobSpec
    options: Options
    catalog: Catalog
    settings: Settings
    launched: bool
    main: str


def options_of(options: Mapping[str, Any]) -> Options:
    """The backend's own options, whether they stand alone or under its name."""
    return planning.options_of(Options, "modelmaker", options)


def limited(field: str, value: int, most: int) -> int:
    """The value, refused by its field's name when the platform's limit is passed."""
    if not 1 <= value <= most:
        raise SpecError(f"{field}: {value} is not from 1 to {most}", hint="ModelMaker's own limit")
    return value


def pool(options: Options, instance_type: str) -> dict[str, Any] | None:
    """`customResource` for a personal pool whose machine is described and not named; None for any other."""
    if options.resource_pool_type == "PUBLIC_POOL":
        if options.custom_resource or options.tag_name:
            raise SpecError(
                "options.modelmaker.custom_resource: belongs to a personal pool",
                hint='set resource_pool_type to "PERSONAL_POOL"',
            )
        return None
    custom = dict(options.custom_resource)
    for name in custom:
        if name not in (*_CUSTOM, *_CUSTOM_MORE):
            raise SpecError(
                f"options.modelmaker.custom_resource.{name}: unknown",
                hint=f"known: {', '.join(_CUSTOM + _CUSTOM_MORE)}",
            )
    if not custom and re.search("[:=]", instance_type):
        custom = _wished(instance_type)
    missing = [name for name in _CUSTOM if name not in custom]
    if custom and missing:
        raise SpecError(f"options.modelmaker.custom_resource: {', '.join(missing)} missing", hint="give all four")
    return custom or None


def _wished(instance_type: str) -> dict[str, Any]:
    """The four limits of a personal pool from a neutral wish."""
    wish = parse_wish(instance_type)
    if wish.cpus is None or wish.memory_gib is None:
        raise SpecError(
            f"instance_type: {instance_type!r} says too little for a personal pool",
            hint='write for instance "cpu=2 mem=4GB gpu=K80:1"',
        )
    count = int(wish.gpu_count.value) if wish.gpu_count else 0
    model = wish.gpu_model or None
    return {"cpu": wish.cpus.value, "memory": wish.memory_gib.value, "gpuModel": model, "gpuCount": count}


def machine_of(work: Work) -> tuple[Offering, dict[str, Any], list[Note]]:
    spec, options = work.spec, work.options
    custom = pool(options, spec.instance_type)
    members: dict[str, Any] = {"resourcePoolType": options.resource_pool_type, "customResource": custom}
    if options.tag_name:
        members["tagName"] = options.tag_name
    if custom:
        note = Note("instance_type", Match.NEAR, "a part of the personal pool's machines; the pool decides which")
        return _personal(custom), {**members, "resourceId": None}, [note]
    offering = choose(spec.instance_type, work.catalog.offerings, spec.instance_count)
    return offering, {**members, "resourceId": int(offering.spec_id)}, []


def _personal(custom: Mapping[str, Any]) -> Offering:
    return Offering(
        spec_id="personal",
        cpus=float(custom["cpu"] or 0),
        memory_gib=float(custom["memory"] or 0),
        gpu_model=str(custom["gpuModel"] or ""),
        gpu_count=int(custom["gpuCount"] or 0),
        max_nodes=MOST_NODES,
    )


def main_channel(spec: JobSpec) -> str:
    """The channel that is the platform's data directory; the others are input files."""
    preferred = [name for name in ("data", "training", "train") if name in spec.inputs]
    return next(iter([*preferred, *sorted(spec.inputs)]), "")


def folder_of(uri: str) -> str:
    return uri if uri.endswith("/") else f"{uri}/"


# ------------------------------------------------------------------------------------------ what cannot be


def checked(spec: JobSpec, options: Options) -> None:
    if options.algorithm:
        _check_preset(spec)
    elif not spec.image and not spec.entry_point and not (spec.command and spec.code):
        raise SpecError("entry_point: there is nothing to run", hint="name a script, an image or a preset algorithm")
    if spec.entry_point and spec.code is None:
        raise SpecError(f"entry_point: {spec.entry_point} has no code to lie in", hint="name its source_dir")
    limited("instance_count", spec.instance_count, _LIMITS["instance_count"])
    limited("volume_size", spec.volume_size or 1, _LIMITS["volume_size"])
    if len(spec.description) > 128:
        raise SpecError(f"description: {len(spec.description)} characters are too many", hint="128 at most")
    if spec.max_run < 1:
        raise SpecError(f"max_run: {spec.max_run} s is too short", hint="it is 1 or more")
    for field in ("output_path", "checkpoint_path"):
        _check_s3(field, getattr(spec, field))
    _check_s3("options.modelmaker.init_model", options.init_model)
    for name, uri in options.input_files.items():
        _check_s3(f"options.modelmaker.input_files.{name}", uri)
        if name in spec.inputs or name in ("data", CHECKPOINTS):
            raise SpecError(f"options.modelmaker.input_files.{name}: the name is taken", hint="choose another name")
    if spec.checkpoint_path and not (spec.entry_point or spec.code):
        raise SpecError("checkpoint_path: only anyfit's launcher brings checkpoints back", hint="give an entry_point")


def _check_preset(spec: JobSpec) -> None:
    for field, value in (("image_uri", spec.image), ("command", spec.command), ("entry_point", spec.entry_point)):
        if value:
            raise SpecError(f"{field}: a preset algorithm brings its own code", hint=f"leave {field} out")
    if len(spec.inputs) != 1:
        raise SpecError(
            f"inputs: a preset algorithm takes one input, not {len(spec.inputs)}", hint="put all data into one folder"
        )
    if spec.checkpoint_path:
        raise SpecError("checkpoint_path: a preset algorithm has none", hint="see options.modelmaker.init_model")


def _check_s3(field: str, uri: str) -> None:
    if uri and not uri.startswith("s3://"):
        raise SpecError(f"{field}: {uri} is not in ModelMaker's own store", hint="it begins with s3://")
