"""What a transfer has to do: two listings in the order of their keys, read side by side."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime
from typing import Literal

from anyfit.errors import NotFound, StorageError
from anyfit.show import uri_text
from anyfit.storage.filters import Filters
from anyfit.storage.options import Compare
from anyfit.storage.places import Place
from anyfit.storage.store import Entry
from anyfit.values import frozen

__all__ = ["Step", "steps"]


_Named = tuple[bytes, str, Entry]
_END: _Named = (b"", "", Entry("", 0, datetime.min))


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
        for _, name, entry in ours:
            yield Step("copy", name, entry)
        return
    yield from _merge(_ordered(source, ours), _ordered(target, _names(target, filters)), compare)


def _single(source: Place, entry: Entry, target: Place, filters: Filters, compare: Compare) -> Iterator[Step]:
    name = target.uri.name
    if not filters(source.uri.name):
        return
    there: Entry | None = None
    if compare != "always":
        with suppress(NotFound):
            there = target.store.stat(target.key(name))
    yield _decide(name, entry, there, compare)


def _merge(ours: Iterator[_Named], theirs: Iterator[_Named], compare: Compare) -> Iterator[Step]:
    have, there = next(ours, _END), next(theirs, _END)
    while have is not _END or there is not _END:
        if there is _END or (have is not _END and have[0] < there[0]):
            yield Step("copy", have[1], have[2])
            have = next(ours, _END)
        elif have is _END or have[0] > there[0]:
            yield Step("delete", there[1], None, there[2])
            there = next(theirs, _END)
        else:
            yield _decide(have[1], have[2], there[2], compare)
            have, there = next(ours, _END), next(theirs, _END)


def _decide(name: str, source: Entry, target: Entry | None, compare: Compare) -> Step:
    if target is None or compare == "always" or source.size != target.size:
        return Step("copy", name, source, target)
    if compare == "checksum":
        return Step("check", name, source, target)
    if compare == "time" and source.modified > target.modified:
        return Step("copy", name, source, target)
    return Step("skip", name, source, target)


def _names(place: Place, filters: Filters) -> Iterator[_Named]:
    """Names below a place, without directory markers; the directory's own key has content when its name is ""."""
    cut = len(place.prefix)
    for entry in place.list():
        name = entry.key[cut:]
        if place.apart and name.startswith(place.apart):
            continue
        if not entry.is_marker and filters(name):
            yield os.fsencode(name), name, entry


def _ordered(place: Place, names: Iterator[_Named]) -> Iterator[_Named]:
    """The same names; an error if they do not come in order, as from some services: then nothing can be compared."""
    last = b""
    for named in names:
        if named[0] < last:
            raise StorageError(
                f"{uri_text(str(place.uri))} is not listed in order, so it cannot be compared safely",
                hint="copy it: anyfit cp -r",
            )
        last = named[0]
        yield named
