"""From a neutral spec to the platform's request bodies: pure, no network, no disk, no clock."""

from __future__ import annotations

from anyfit.backend import Catalog, Plan
from anyfit.cloud.planning import staged
from anyfit.errors import SpecError
from anyfit.spec import JobSpec
from anyfit_ti.bundle import Shipped
from anyfit_ti.catalog import shipped as shipped_catalog
from anyfit_ti.places import places_of
from anyfit_ti.settings import Options, Settings
from anyfit_ti.translate.api_2019 import plan_2019
from anyfit_ti.translate.api_2021 import plan_2021
from anyfit_ti.translate.work import CHECKPOINTS, CODE, SCHEMES, Work, options_of

__all__ = ["make_plan"]


def make_plan(spec: JobSpec, catalog: Catalog, settings: Settings, shipped: Shipped) -> Plan:
    """The plan for a job on TI, of the generation that the job or the settings name."""
    options = options_of(spec.options)
    api = options.api or settings.api
    _check(spec, options)
    places = places_of(settings)
    moved, uploads = staged(spec, places, SCHEMES)
    launched = not options.algorithm and bool(spec.entry_point or spec.code)
    known = catalog if api == settings.api else shipped_catalog(api)
    work = Work(moved, spec, options, known, settings, places, shipped, launched)
    return (plan_2019 if api == "2019" else plan_2021)(work, uploads)


def _check(spec: JobSpec, options: Options) -> None:
    if not (spec.image or spec.entry_point or options.algorithm or (spec.command and spec.code)):
        raise SpecError("entry_point: there is nothing to run", hint="name a script, or an image")
    if spec.entry_point and spec.code is None:
        raise SpecError(f"entry_point: {spec.entry_point} has no code to lie in", hint="name its source_dir")
    if spec.instance_count < 1:
        raise SpecError(f"instance_count: {spec.instance_count} is too few", hint="it is 1 or more")
    if spec.max_run < 1:
        raise SpecError(f"max_run: {spec.max_run} s is too short", hint="it is 1 or more")
    for field in ("output_path", "checkpoint_path"):
        uri = getattr(spec, field)
        if uri and not uri.startswith("cos://"):
            raise SpecError(f"{field}: {uri} is not in TI's own store", hint="it begins with cos://")
    if spec.checkpoint_path and not (spec.entry_point or spec.code):
        raise SpecError("checkpoint_path: only anyfit's launcher brings checkpoints back", hint="give an entry_point")
    for name in (CHECKPOINTS, CODE):
        if name in spec.inputs:
            raise SpecError(f"inputs.{name}: the name is anyfit's own", hint="choose another name")
    for option in ("cfs", "sources"):
        for name in getattr(options, option):
            if name in spec.inputs or (option == "sources" and name in options.cfs):
                raise SpecError(f"options.ti.{option}.{name}: the name is taken", hint="name each input once")
