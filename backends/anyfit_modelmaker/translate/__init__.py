"""From a neutral spec to the platform's request bodies: pure, no network, no disk, no clock."""

from __future__ import annotations

from typing import Any

from attrs import evolve

from anyfit.backend import Catalog, Offering, Plan, Request, Upload
from anyfit.codec import to_data
from anyfit.errors import SpecError
from anyfit.secret import refuse_secrets
from anyfit.spec import Channel, JobSpec
from anyfit_modelmaker.bundle import ARCHIVE, Shipped, digest_of
from anyfit_modelmaker.places import places_of
from anyfit_modelmaker.settings import Settings
from anyfit_modelmaker.translate.bodies import basic_members, common_members, custom_members, preset_members
from anyfit_modelmaker.translate.notes import notes_of
from anyfit_modelmaker.translate.work import (
    CHECKPOINTS,
    SCHEMES,
    Work,
    checked,
    folder_of,
    limited,
    machine_of,
    main_channel,
    options_of,
    pool,
    staged,
)

__all__ = ["SCHEMES", "limited", "make_plan", "options_of", "pool"]

_MARK = ".anyfit"


def make_plan(spec: JobSpec, catalog: Catalog, settings: Settings, shipped: Shipped) -> Plan:
    """The plan for a job on ModelMaker."""
    options = options_of(spec.options)
    checked(spec, options)
    if not spec.image:
        refuse_secrets(spec, "modelmaker", "ModelMaker has variables for images of one's own only")
    places = places_of(settings)
    moved, uploads = staged(spec, places)
    launched = not options.algorithm and bool(spec.entry_point or spec.code)
    work = Work(moved, spec, options, catalog, settings, launched, main_channel(spec))
    offering, machine, notes = machine_of(work)
    job = _launcher_job(work, offering)
    asked = to_data(evolve(spec, code=None))
    digest = digest_of(shipped.launcher.digest, shipped.platform.digest, spec.code and spec.code.digest, job, asked)
    root = places.job(spec.key, digest) if launched or not spec.output_path else ""
    result = _results(spec, root)
    output, inner = _output(spec, result)
    if launched:
        job = _placed(job, work, f"{root}code/", result, inner, offering)
        uploads += shipped.for_job(f"{root}code/", spec.code, job)
        uploads += _checkpoint_mark(spec)
    body = common_members(work, machine, output)
    if options.algorithm:
        body |= preset_members(work)
    elif spec.image:
        body |= custom_members(work, f"{root}code/" if launched else None)
    else:
        members, note = basic_members(work, f"{root}code/")
        body |= members
        notes += [note] if note else []
    action = "POST /v1/train" if spec.version == 1 else "POST /v1/train/{id}/version"
    return Plan(
        spec=spec,
        backend="modelmaker",
        region=settings.region,
        offering=offering,
        uploads=uploads,
        requests=(Request(action, body),),
        notes=(*notes, *notes_of(work)),
    )


def _results(spec: JobSpec, root: str) -> str:
    """The folder of what the job leaves."""
    return f"{folder_of(spec.output_path)}{spec.key}/" if spec.output_path else f"{root}output/"


def _output(spec: JobSpec, results: str) -> tuple[str, dict[str, str]]:
    """What the platform copies to, and where below it results and checkpoints lie.

    The platform copies one tree to one place. So that checkpoints come to theirs, that place is the nearest folder
    which holds both.
    """
    if not spec.checkpoint_path:
        return results, {"results": ""}
    checkpoints = folder_of(spec.checkpoint_path)
    ours, theirs = results.split("/"), checkpoints.split("/")
    if ours[2] != theirs[2]:
        raise SpecError(
            f"checkpoint_path: {checkpoints} and the output {results} are not in one bucket",
            hint="ModelMaker writes to one place only",
        )
    shared = 0
    while shared < min(len(ours), len(theirs)) - 1 and ours[shared] == theirs[shared]:
        shared += 1
    inner = {"results": "/".join(ours[shared:]), "checkpoints": "/".join(theirs[shared:])}
    return "/".join(ours[:shared]) + "/", inner


def _launcher_job(work: Work, offering: Offering) -> dict[str, Any]:
    spec, options = work.spec, work.options
    installs = (
        work.settings.install_requirements if options.install_requirements is None else options.install_requirements
    )
    return {
        "format": 1,
        "job_name": spec.key,
        "backend": "modelmaker",
        "region": work.settings.region,
        "entry_point": spec.entry_point or None,
        "command": list(spec.command),
        "hyperparameters": dict(spec.hyperparameters),
        "arguments": list(spec.arguments),
        "environment": dict(spec.environment),
        "channels": {name: {"uri": channel.uri} for name, channel in spec.inputs.items()},
        "convention": spec.convention,
        "distribution": spec.distribution,
        "instance_type": offering.spec_id,
        "instance_count": spec.instance_count,
        "checkpoint_uri": spec.checkpoint_path,
        "install_requirements": installs and bool(spec.code and spec.code.requirements),
        "code_archive": ARCHIVE if spec.code else "",
        "python_paths": [],
    }


def _placed(
    job: dict[str, Any], work: Work, code_uri: str, results: str, inner: dict[str, str], offering: Offering
) -> dict[str, Any]:
    """The launcher's job with its places, and the whole spec for machines that never saw it."""
    spec, archive = work.spec, code_uri + ARCHIVE
    code = spec.code and evolve(spec.code, archive=archive)
    places: dict[str, Any] = {
        **inner,
        "num_gpus": offering.gpu_count,
        "inputs": {work.main: "data"} if work.main else {},
    }
    if spec.checkpoint_path:
        places["checkpoint_input"] = CHECKPOINTS
    kept = evolve(spec, code=code, inputs={name: Channel(uri=c.uri) for name, c in spec.inputs.items()})
    return {
        **job,
        "output_uri": results,
        "code_uri": archive if code else "",
        "places": places,
        "spec": to_data(kept),
    }


def _checkpoint_mark(spec: JobSpec) -> tuple[Upload, ...]:
    """The platform refuses an input folder that is empty, as that of the first checkpoints is."""
    if not spec.checkpoint_path:
        return ()
    return (Upload(target=folder_of(spec.checkpoint_path) + _MARK, content=b"checkpoints\n", kind="job"),)
