"""What the plans of both generations have in common: pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from attrs import evolve, frozen

from anyfit.backend import Catalog, Match, Note, Offering
from anyfit.cloud import planning
from anyfit.cloud.places import Places
from anyfit.codec import to_data
from anyfit.errors import SpecError
from anyfit.spec import JobSpec
from anyfit_ti.bundle import ARCHIVE, Shipped, digest_of
from anyfit_ti.settings import Options, Settings

__all__ = [
    "CHECKPOINTS",
    "CODE",
    "MOUNT",
    "SCHEMES",
    "Work",
    "cost",
    "home_of",
    "job_file",
    "of_no_use",
    "options_of",
    "refuse_of_other",
]

SCHEMES = ("cos",)
MOUNT = "/opt/ml"
CHECKPOINTS = "anyfit-checkpoints"
CODE = "anyfit-code"


@frozen
class Work:
    """Everything that the bodies are made from.

    Attributes:
        spec: The job, its inputs where the platform reads them.
        original: The job as asked.
        options: The backend's own.
        catalog, settings: What there is; the catalog is of the job's own generation.
        places: Where things go.
        shipped: Our own files.
        launched: Whether anyfit's launcher runs in the container.
    """

    spec: JobSpec
    original: JobSpec
    options: Options
    catalog: Catalog
    settings: Settings
    places: Places
    shipped: Shipped
    launched: bool

    @property
    def channels(self) -> dict[str, str]:
        """Every input by its name; those that no URI names have ""."""
        named = {name: channel.uri for name, channel in self.spec.inputs.items()}
        return named | dict.fromkeys([*self.options.cfs, *self.options.sources], "")


def options_of(options: Mapping[str, Any]) -> Options:
    """The backend's own options, whether they stand alone or under its name."""
    return planning.options_of(Options, "ti", options)


def refuse_of_other(options: Options, api: str, names: Iterable[str]) -> None:
    """Refuse options of the other generation that say what runs, where, or who may reach it: it would not be so."""
    for name in names:
        if getattr(options, name) != getattr(Options(), name):
            hint = f'leave it out, or set options.ti.api to "{api}"'
            raise SpecError(f"options.ti.{name}: belongs to the generation of {api}", hint=hint)


def of_no_use(options: Options, api: str, names: Iterable[str]) -> Iterator[Note]:
    """Tell options of the other generation that do no harm here, and nothing else."""
    for name in names:
        if getattr(options, name) != getattr(Options(), name):
            yield Note(f"options.ti.{name}", Match.NONE, f"belongs to the generation of {api}")


def home_of(work: Work, offering: Offering, api: str) -> str:
    """The job's own folder; its name is made of everything that the job is made of."""
    spec = work.original
    asked = to_data(evolve(spec, code=None))
    ours = (work.shipped.launcher.digest, work.shipped.platform.digest)
    digest = digest_of(
        api, *ours, spec.code and spec.code.digest, asked, to_data(work.settings.python), offering.spec_id
    )
    return work.places.job(spec.key, digest)


def job_file(work: Work, offering: Offering, *, output: str, code: str, places: Mapping[str, Any]) -> dict[str, Any]:
    """What anyfit's launcher reads, but for variables, which are the platform's business: it has a place for them."""
    wanted = work.options.install_requirements
    job = planning.launcher_job(
        work.spec,
        backend="ti",
        region=work.settings.region,
        machine=offering.spec_id,
        channels=work.channels,
        installs=work.settings.install_requirements if wanted is None else wanted,
        archive=code + ARCHIVE if work.spec.code else "",
        output=output,
        places={**places, "num_gpus": offering.gpu_count},
    )
    return {**job, "environment": {}}


def cost(offering: Offering, nodes: int) -> dict[str, Any]:
    """What all nodes cost, for a plan."""
    if offering.price is None:
        return {}
    return {"cost_per_hour": offering.price * nodes, "currency": offering.currency}
