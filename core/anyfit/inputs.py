"""Inputs that have to be brought to a backend's own store: how much they are, and what their content is called."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from attrs import evolve

from anyfit.errors import AnyfitError, SpecError
from anyfit.spec import Channel, JobSpec

if TYPE_CHECKING:
    from anyfit.backend import Backend

__all__ = ["has_to_move", "measured", "measured_here"]


def has_to_move(channel: Channel, schemes: Iterable[str]) -> bool:
    """Whether jobs that read these schemes cannot read the channel where it is."""
    return channel.uri.partition("://")[0] not in tuple(schemes)


def measured(spec: JobSpec, backend: Backend) -> JobSpec:
    """The spec with size, files and digest of every channel that has to move; reads what lies on this machine."""
    return _measured(spec, backend, lambda channel: True)


def measured_here(spec: JobSpec, backend: Backend) -> JobSpec:
    """The same of what lies on this machine alone; no store is asked."""
    return _measured(spec, backend, lambda channel: channel.local)


def _measured(spec: JobSpec, backend: Backend, wanted: Callable[[Channel], bool]) -> JobSpec:
    schemes = backend.capabilities.schemes
    channels = {
        name: _measure(name, channel, backend)
        if wanted(channel) and has_to_move(channel, schemes) and not channel.digest
        else channel
        for name, channel in spec.inputs.items()
    }
    return evolve(spec, inputs=channels) if channels != dict(spec.inputs) else spec


def _measure(name: str, channel: Channel, backend: Backend) -> Channel:
    from anyfit.storage.staging import digest_tree, preview

    try:
        found = preview(channel.uri, open=backend.store)
        if not found.files:
            raise SpecError(f"{channel.uri} holds no file")
        digest = digest_tree(channel.uri, open=backend.store)
    except AnyfitError as error:
        error.message = f"inputs.{name}: {error.message}"
        raise
    return evolve(channel, size=found.bytes, files=found.files, digest=digest)
