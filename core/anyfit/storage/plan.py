"""What a transfer has to do: two listings in the order of their keys, read side by side."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from typing import Literal

from attrs import frozen

from anyfit.errors import NotFound, StorageError
from anyfit.storage.filters import Filters
from anyfit.storage.options import Compare
from anyfit.storage.places import Place
from anyfit.storage.store import Entry

__all__ = ["Step", "steps"]


@frozen
class Step:
    """One name and what to do with it; "check" means copy unless the contents are proven equal."""

    kind: Literal["copy", "check", "skip", "delete"]
    name: str
    source: Entry | None
    target: Entry | None = None


def steps(source: Place, target: Place, filters: Filters, compare: Compare, *, delete: bool) -> Iterator[Step]:
    """All steps, as the listings come in; nothing is gathered."""
    if source.entry is not None:
        yield from _single(source, source.entry, target, filters, compare)
        return
    ours = _names(source, filters)
    if compare == "always" and not delete:
        for name, entry in ours:
            yield Step("copy", name, entry)
        return
    yield from _merge(ours, _names(target, filters), compare)


def _single(source: Place, entry: Entry, target: Place, filters: Filters, compare: Compare) -> Iterator[Step]:
    name = target.uri.name
    if not filters(source.uri.name):
        return
    there: Entry | None = None
    if compare != "always":
        with suppress(NotFound):
            there = target.store.stat(target.key(name))
    yield _decide(name, entry, there, compare)


def _merge(ours: Iterator[tuple[str, Entry]], theirs: Iterator[tuple[str, Entry]], compare: Compare) -> Iterator[Step]:
    have = next(ours, None)
    there = next(theirs, None)
    while have or there:
        if there is None or (have is not None and _order(have[0]) < _order(there[0])):
            assert have is not None  # noqa: S101  for the type checker
            yield Step("copy", have[0], have[1])
            have = next(ours, None)
        elif have is None or _order(have[0]) > _order(there[0]):
            yield Step("delete", there[0], None, there[1])
            there = next(theirs, None)
        else:
            yield _decide(have[0], have[1], there[1], compare)
            have, there = next(ours, None), next(theirs, None)


def _decide(name: str, source: Entry, target: Entry | None, compare: Compare) -> Step:
    if target is None or compare == "always" or source.size != target.size:
        return Step("copy", name, source, target)
    if compare == "checksum":
        return Step("check", name, source, target)
    if compare == "time" and source.modified > target.modified:
        return Step("copy", name, source, target)
    return Step("skip", name, source, target)


def _names(place: Place, filters: Filters) -> Iterator[tuple[str, Entry]]:
    """Names below a place, without directory markers; it is an error if they do not come in order."""
    cut = len(place.prefix)
    last = b""
    for entry in place.store.list(place.prefix):
        name = entry.key[cut:]
        order = _order(name)
        if order < last:
            raise StorageError(f"{place.uri} is not listed in order, so it cannot be compared safely")
        last = order
        if name and not entry.is_marker and filters(name):
            yield name, entry


def _order(name: str) -> bytes:
    return os.fsencode(name)
