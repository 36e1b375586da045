"""What every cloud's plan does: inputs that have to move, the launcher's job, what is told of both."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TypeVar

from attrs import evolve

from anyfit.backend import Match, Note, Upload
from anyfit.cloud.places import Places
from anyfit.codec import to_data
from anyfit.inputs import has_to_move
from anyfit.launch.shipping import ARCHIVE
from anyfit.options import structure
from anyfit.show import size_text
from anyfit.spec import Channel, JobSpec

__all__ = ["checkpoint_mark", "copied_first", "launcher_job", "options_of", "staged"]

T = TypeVar("T")


def options_of(kind: type[T], backend: str, options: Mapping[str, Any]) -> T:
    """A backend's own options, whether they stand alone or under its name."""
    mine = options.get(backend, options) if isinstance(options.get(backend), dict) else options
    return structure(kind, dict(mine), f"options.{backend}")


def staged(spec: JobSpec, places: Places, schemes: Sequence[str]) -> tuple[JobSpec, tuple[Upload, ...]]:
    """The spec with every input where jobs can read it, and what has to be moved for that."""
    uploads, channels = [], {}
    for name, channel in spec.inputs.items():
        channels[name] = channel
        if has_to_move(channel, schemes):
            target = places.input(channel.digest) if channel.digest else places.job_input(spec.key, name)
            uploads.append(Upload(target=target, source=channel.uri, size=channel.size, kind="input"))
            channels[name] = evolve(channel, uri=target)
    return evolve(spec, inputs=channels), tuple(uploads)


def copied_first(asked: JobSpec, spec: JobSpec) -> Iterator[Note]:
    """What is to be told about inputs that `staged` has moved."""
    for name, channel in asked.inputs.items():
        if channel.uri != spec.inputs[name].uri:
            plural = "" if channel.files == 1 else "s"
            size = "" if channel.size is None else f" {channel.files} file{plural}, {size_text(channel.size)}:"
            yield Note(f"inputs.{name}", Match.NEAR, f"copied first:{size} to {spec.inputs[name].uri}")


def checkpoint_mark(spec: JobSpec) -> tuple[Upload, ...]:
    """Platforms refuse inputs where nothing is, so the first job with a checkpoint path needs something there."""
    if not spec.checkpoint_path:
        return ()
    return (Upload(target=f"{spec.checkpoint_path.rstrip('/')}/.anyfit", content=b"checkpoints\n", kind="job"),)


def launcher_job(
    spec: JobSpec,
    *,
    backend: str,
    region: str,
    machine: str,
    channels: Mapping[str, str],
    installs: bool,
    archive: str,
    output: str,
    places: Mapping[str, Any],
) -> dict[str, Any]:
    """What anyfit's launcher reads, and the whole spec for machines that never saw the job.

    Args:
        spec: The job as asked.
        backend, region: Where it runs.
        machine: What the platform calls the machine.
        channels: URIs of the inputs by their names in the container.
        installs: Whether a requirements.txt is to be installed.
        archive: URI of the packed code, "" where there is none.
        output: URI of the folder of results.
        places: What the backend's own conventions read.
    """
    kept = evolve(
        spec,
        code=spec.code and evolve(spec.code, archive=archive),
        inputs={name: Channel(uri=channel.uri) for name, channel in spec.inputs.items()},
    )
    return {
        "format": 1,
        "job_name": spec.key,
        "backend": backend,
        "region": region,
        "entry_point": spec.entry_point or None,
        "command": list(spec.command),
        "hyperparameters": dict(spec.hyperparameters),
        "arguments": list(spec.arguments),
        "environment": dict(spec.environment),
        "channels": {name: {"uri": uri} for name, uri in channels.items()},
        "convention": spec.convention,
        "distribution": spec.distribution,
        "instance_type": machine,
        "instance_count": spec.instance_count,
        "checkpoint_uri": spec.checkpoint_path,
        "install_requirements": installs and bool(spec.code and spec.code.requirements),
        "code_archive": ARCHIVE if spec.code else "",
        "python_paths": [],
        "output_uri": output,
        "code_uri": archive,
        "places": dict(places),
        "spec": to_data(kept),
    }
