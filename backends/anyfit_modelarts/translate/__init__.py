"""From a neutral spec to the platform's request bodies: pure, no network, no disk, no clock."""

from __future__ import annotations

from typing import Any

from attrs import evolve

from anyfit.backend import Catalog, Framework, Note, Plan, Upload
from anyfit.cloud.places import Places
from anyfit.cloud.planning import checkpoint_mark, launcher_job, staged
from anyfit.codec import to_data
from anyfit.errors import SpecError
from anyfit.spec import JobSpec
from anyfit_modelarts.bundle import ARCHIVE, Shipped, digest_of
from anyfit_modelarts.catalog import find_engine
from anyfit_modelarts.places import obs_uri, places_of
from anyfit_modelarts.settings import Options, Settings
from anyfit_modelarts.training.v2 import OUTPUT
from anyfit_modelarts.translate.notes import notes_of
from anyfit_modelarts.translate.v1 import request_v1
from anyfit_modelarts.translate.v2 import request_v2
from anyfit_modelarts.translate.work import (
    CHECKPOINTS,
    RESUME,
    SCHEMES,
    Work,
    checked,
    machine_of,
    options_of,
)

__all__ = ["SCHEMES", "api_of", "make_plan", "options_of"]

_REQUESTS = {"v1": request_v1, "v2": request_v2}


def make_plan(spec: JobSpec, catalog: Catalog, settings: Settings, shipped: Shipped) -> Plan:
    """The plan for a job on ModelArts."""
    options = options_of(spec.options)
    api = api_of(options, settings)
    checked(spec, options, api)
    places = places_of(settings)
    moved, uploads = staged(spec, places, SCHEMES)
    engine, note = _engine(spec, options, settings, catalog, api)
    work = Work(
        spec=moved,
        original=spec,
        options=options,
        settings=settings,
        catalog=catalog,
        api=api,
        launched=spec.code is not None,
        machine=machine_of(spec, options, catalog, api),
        engine=engine,
    )
    if work.launched:
        work, more = _launched(work, places, shipped)
        uploads += more
    else:
        digest = digest_of(to_data(spec), api)
        work = evolve(work, code=_own_code(options), output=_own_output(spec, places, digest))
    return Plan(
        spec=spec,
        backend="modelarts",
        region=settings.region,
        offering=work.machine,
        uploads=uploads,
        requests=(_REQUESTS[api](work),),
        notes=(*([note] if note else []), *notes_of(work)),
    )


def api_of(options: Options, settings: Settings) -> str:
    """The generation that a job is for."""
    return options.api or settings.api


def _engine(
    spec: JobSpec, options: Options, settings: Settings, catalog: Catalog, api: str
) -> tuple[Framework | None, Note | None]:
    """The platform's image, where it is needed."""
    if spec.image or options.algorithm_id or options.subscription_id:
        return None, None
    wanted = (spec.framework, spec.framework_version, spec.py_version)
    engine, note = find_engine(wanted, catalog, api=api, default=settings.default_framework)
    if spec.code is not None and engine.py_version.startswith("2"):
        raise SpecError(
            f"framework: {engine.native} has Python {engine.py_version}, and anyfit's launcher needs 3.6 or newer",
            hint="choose another version, or let the platform run it: options.modelarts.code_dir and boot_file",
        )
    return engine, note


def _own_code(options: Options) -> str:
    """The folder of code that is in OBS already, or in the image."""
    folder = options.code_dir
    if not folder or folder.startswith("file://"):
        return folder and f"{folder.rstrip('/')}/"
    return str(obs_uri(folder).as_dir())


def _own_output(spec: JobSpec, places: Places, digest: str) -> str:
    """What runs without anyfit's launcher writes to just the place that was named."""
    return f"{spec.output_path.rstrip('/')}/" if spec.output_path else f"{places.job(spec.key, digest)}output/"


# ------------------------------------------------------------------------------------------ with the launcher


def _launched(work: Work, places: Places, shipped: Shipped) -> tuple[Work, tuple[Upload, ...]]:
    """The work with its places, and what has to be there for the launcher."""
    spec = work.spec
    asked = to_data(evolve(spec, code=None))
    chosen = [work.api, work.settings.region, work.machine.spec_id, _installs(work), _channels(work)]
    root = places.job(spec.key, digest_of(shipped.digests, spec.code and spec.code.digest, chosen, asked))
    output = f"{spec.output_path.rstrip('/')}/{spec.key}/" if spec.output_path else f"{root}output/"
    work = evolve(work, code=f"{root}code/", output=output)
    uploads = shipped.for_job(work.code, spec.code, _launcher_job(work))
    return work, uploads + checkpoint_mark(spec)


def _installs(work: Work) -> bool:
    chosen = work.options.install_requirements
    return work.settings.install_requirements if chosen is None else chosen


def _channels(work: Work) -> dict[str, str]:
    return {name: each.uri for name, each in work.channels.items()}


def _launcher_job(work: Work) -> dict[str, Any]:
    spec = work.spec
    places = {
        "inputs": {name: each.name for name, each in work.channels.items()},
        "output": OUTPUT,
        "results": "" if work.api == "v1" and not spec.image else work.output,
        "resume": RESUME,
        "checkpoints": CHECKPOINTS,
        "num_gpus": work.machine.gpu_count,
    }
    job = launcher_job(
        spec,
        backend="modelarts",
        region=work.settings.region,
        machine=work.machine.spec_id,
        channels=_channels(work),
        installs=_installs(work),
        archive=f"{work.code}{ARCHIVE}",
        output=work.output,
        places=places,
    )
    return {**job, "max_run": spec.max_run}
