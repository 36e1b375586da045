"""Inputs that have to be brought to a backend's own store: how much they are, and what their content is called."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from attrs import evolve

from anyfit.errors import SpecError
from anyfit.spec import Channel, JobSpec

if TYPE_CHECKING:
    from anyfit.backend import Backend

__all__ = ["has_to_move", "measured"]

_BLOCK = 1 << 20


def has_to_move(channel: Channel, schemes: Iterable[str]) -> bool:
    """Whether jobs that read these schemes cannot read the channel where it is."""
    return channel.uri.partition("://")[0] not in tuple(schemes)


def measured(spec: JobSpec, backend: Backend) -> JobSpec:
    """The spec with size, files and digest of every channel that has to move; reads what lies on this machine."""
    schemes = backend.capabilities.schemes
    channels = {
        name: _measure(name, channel, backend) if has_to_move(channel, schemes) and not channel.digest else channel
        for name, channel in spec.inputs.items()
    }
    return evolve(spec, inputs=channels) if channels != dict(spec.inputs) else spec


def _measure(name: str, channel: Channel, backend: Backend) -> Channel:
    from anyfit.storage.places import find_source
    from anyfit.storage.uri import Uri

    place = find_source(Uri.parse(channel.uri), backend.store)
    entries = [place.entry] if place.entry else [e for e in place.store.list(place.prefix) if not e.is_marker]
    if not entries:
        raise SpecError(f"inputs.{name}: {channel.uri} holds no file")
    whole = hashlib.sha256()
    for entry in entries:
        relative = place.uri.name if place.entry else entry.key[len(place.prefix) :]
        path = place.uri.path if place.entry else place.uri.path / relative if channel.local else None
        content = _content(path) if channel.local and path else f"{entry.size} {entry.etag} {entry.modified}"
        whole.update(f"{relative}\0{content}\0".encode("utf-8", "surrogateescape"))
    return evolve(
        channel,
        uri=str(place.uri),
        size=sum(entry.size for entry in entries),
        files=len(entries),
        digest=whole.hexdigest(),
    )


def _content(path: Path) -> str:
    found = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            found.update(block)
    return found.hexdigest()
