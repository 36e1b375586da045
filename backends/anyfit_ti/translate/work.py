"""What the plans of both generations have in common: pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from attrs import evolve, frozen

from anyfit.backend import Catalog, Match, Note, Offering, Upload
from anyfit.codec import to_data
from anyfit.inputs import has_to_move
from anyfit.options import structure
from anyfit.show import size_text
from anyfit.spec import Channel, JobSpec
from anyfit_ti.bundle import ARCHIVE, Shipped, digest_of
from anyfit_ti.places import Places, folder
from anyfit_ti.settings import Options, Settings

__all__ = [
    "CHECKPOINTS",
    "CODE",
    "MOUNT",
    "SCHEMES",
    "Work",
    "checkpoint_mark",
    "common_notes",
    "cost",
    "home_of",
    "job_file",
    "options_of",
    "staged",
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
    mine = options.get("ti", options) if isinstance(options.get("ti"), dict) else options
    return structure(Options, dict(mine), "options.ti")


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
    """What anyfit's launcher reads: what to start, and the whole spec for machines that never saw it.

    Variables are the platform's business, which has a place for them.
    """
    spec, options = work.spec, work.options
    installs = (
        work.settings.install_requirements if options.install_requirements is None else options.install_requirements
    )
    archive = code + ARCHIVE if spec.code else ""
    kept = evolve(
        spec,
        code=spec.code and evolve(spec.code, archive=archive),
        inputs={name: Channel(uri=channel.uri) for name, channel in spec.inputs.items()},
    )
    return {
        "format": 1,
        "job_name": spec.key,
        "backend": "ti",
        "region": work.settings.region,
        "entry_point": spec.entry_point or None,
        "command": list(spec.command),
        "hyperparameters": dict(spec.hyperparameters),
        "arguments": list(spec.arguments),
        "channels": {name: {"uri": uri} for name, uri in work.channels.items()},
        "convention": spec.convention,
        "distribution": spec.distribution,
        "instance_type": offering.spec_id,
        "instance_count": spec.instance_count,
        "checkpoint_uri": spec.checkpoint_path,
        "install_requirements": installs and bool(spec.code and spec.code.requirements),
        "code_archive": ARCHIVE if spec.code else "",
        "python_paths": [],
        "output_uri": output,
        "code_uri": archive,
        "places": {**places, "num_gpus": offering.gpu_count},
        "spec": to_data(kept),
    }


def cost(offering: Offering, nodes: int) -> dict[str, Any]:
    """What all nodes cost, for a plan."""
    if offering.price is None:
        return {}
    return {"cost_per_hour": offering.price * nodes, "currency": offering.currency}


def common_notes(work: Work) -> Iterator[Note]:
    """What is to be told about any job."""
    for name, channel in work.original.inputs.items():
        if channel.uri != work.spec.inputs[name].uri:
            size = "" if channel.size is None else f" {channel.files} files, {size_text(channel.size)}:"
            yield Note(f"inputs.{name}", Match.NEAR, f"copied first:{size} to {work.spec.inputs[name].uri}")


def staged(spec: JobSpec, places: Places) -> tuple[JobSpec, tuple[Upload, ...]]:
    """The spec with every input in the platform's store, and what has to be moved for that."""
    uploads, channels = [], {}
    for name, channel in spec.inputs.items():
        channels[name] = channel
        if has_to_move(channel, SCHEMES):
            target = places.input(channel.digest) if channel.digest else places.job_input(spec.key, name)
            uploads.append(Upload(target=target, source=channel.uri, size=channel.size, kind="input"))
            channels[name] = evolve(channel, uri=target)
    return evolve(spec, inputs=channels), tuple(uploads)


def checkpoint_mark(spec: JobSpec) -> tuple[Upload, ...]:
    """An input folder may not be empty, as that of the first checkpoints is."""
    if not spec.checkpoint_path:
        return ()
    return (Upload(target=folder(spec.checkpoint_path) + ".anyfit", content=b"checkpoints\n", kind="job"),)
