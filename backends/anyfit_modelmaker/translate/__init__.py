"""From a neutral spec to the platform's request bodies: pure, no network, no disk, no clock."""

from __future__ import annotations

from typing import Any

from attrs import evolve

from anyfit.backend import Catalog, Offering, Plan, Request
from anyfit.cloud.planning import checkpoint_mark, launcher_job, staged
from anyfit.codec import to_data
from anyfit.errors import SpecError
from anyfit.secret import refuse_secrets
from anyfit.spec import JobSpec
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
)

__all__ = ["SCHEMES", "limited", "make_plan", "options_of", "pool"]


def make_plan(spec: JobSpec, catalog: Catalog, settings: Settings, shipped: Shipped) -> Plan:
    """The plan for a job on ModelMaker."""
    options = options_of(spec.options)
    checked(spec, options)
    if not spec.image:
        refuse_secrets(spec, "modelmaker", "ModelMaker has variables for images of one's own only")
    places = places_of(settings)
    moved, uploads = staged(spec, places, SCHEMES)
    launched = not options.algorithm and bool(spec.entry_point or spec.code)
    work = Work(moved, spec, options, catalog, settings, launched, main_channel(spec))
    offering, machine, notes = machine_of(work)
    digest = _digest(work, offering, shipped)
    root = places.job(spec.key, digest) if launched or not spec.output_path else ""
    result = _results(spec, root)
    output, inner = _output(spec, result)
    if launched:
        job = _launcher_job(work, f"{root}code/", result, inner, offering)
        uploads += shipped.for_job(f"{root}code/", spec.code, job)
        uploads += checkpoint_mark(spec)
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


def _digest(work: Work, offering: Offering, shipped: Shipped) -> str:
    """That of everything that a job is made of: what is sent, what was asked for, and what was chosen."""
    spec = work.original
    asked = to_data(evolve(spec, code=None))
    chosen = [work.settings.region, offering.spec_id, _installs(work), _channels(work)]
    return digest_of(shipped.launcher.digest, shipped.platform.digest, spec.code and spec.code.digest, chosen, asked)


def _installs(work: Work) -> bool:
    chosen = work.options.install_requirements
    return work.settings.install_requirements if chosen is None else chosen


def _channels(work: Work) -> dict[str, str]:
    return {name: channel.uri for name, channel in work.spec.inputs.items()}


def _launcher_job(work: Work, code_uri: str, results: str, inner: dict[str, str], offering: Offering) -> dict[str, Any]:
    spec = work.spec
    places: dict[str, Any] = {
        **inner,
        "num_gpus": offering.gpu_count,
        "inputs": {work.main: "data"} if work.main else {},
    }
    if spec.checkpoint_path:
        places["checkpoint_input"] = CHECKPOINTS
    return launcher_job(
        spec,
        backend="modelmaker",
        region=work.settings.region,
        machine=offering.spec_id,
        channels=_channels(work),
        installs=_installs(work),
        archive=code_uri + ARCHIVE if spec.code else "",
        output=results,
        places=places,
    )
