"""Bringing inputs into a job's own store, under a prefix named by their content.

Equal inputs get an equal prefix on every machine, so what was staged once is there for every later job: staging it
again lists the prefix and moves only what is missing. A prefix that is complete never changes.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
from typing import Any

from anyfit.errors import StorageError
from anyfit.storage.file import FileStore
from anyfit.storage.filters import Filter, Filters
from anyfit.storage.opening import open_store
from anyfit.storage.places import Open, Place, find_source
from anyfit.storage.store import Entry
from anyfit.storage.transfer import sync
from anyfit.storage.uri import Uri
from anyfit.values import frozen

__all__ = ["Preview", "Staged", "digest_tree", "preview", "stage", "staged_uri"]

_BUFFER = 1 << 20


@frozen
class Preview:
    """What staging would move if nothing were there: taken from a listing, no content is read."""

    files: int
    bytes: int


@frozen
class Staged:
    """What was staged.

    Attributes:
        uri: Where it is now.
        digest: Of the content.
        files, bytes: All that is there.
        moved_files, moved_bytes: What had to be moved for it.
    """

    uri: Uri
    digest: str
    files: int
    bytes: int
    moved_files: int
    moved_bytes: int


def staged_uri(source: Uri, digest: str, into: Uri) -> Uri:
    """Where content of that digest is staged below `into`: a directory, or a single file in one. Pure."""
    directory = into.as_dir().join(digest[:32] + "/")
    return directory if source.is_dir else directory.join(source.name)


def preview(
    source: Uri | str | os.PathLike[str], *, open: Open = open_store, filters: Iterable[Filter] = ()
) -> Preview:
    """How many files and bytes an input has."""
    place = find_source(_uri(source), open)
    sizes = [entry.size for _, entry in _entries(place, filters)]
    return Preview(len(sizes), sum(sizes))


def digest_tree(
    source: Uri | str | os.PathLike[str], *, open: Open = open_store, filters: Iterable[Filter] = ()
) -> str:
    """The digest of an input: of names and contents for files, of names, sizes and ETags for another store's objects.

    Raises:
        StorageError: A part of it cannot be read.
    """
    return _digest(_found(source, open), filters)


def stage(
    source: Uri | str | os.PathLike[str],
    into: Uri,
    *,
    open: Open = open_store,
    filters: tuple[Filter, ...] = (),
    **options: Any,
) -> Staged:
    """Make an input available below `into`, moving only what is not there.

    Args:
        source: A directory or file of this machine, or a place in any store.
        into: A directory in the job's store.
        open: Gives the store of a URI.
        filters: What of it belongs to the input.
        options: As in `Options`, and `on_progress`.

    Raises:
        StorageError: Not all of it could be moved; what could is kept for the next attempt.
    """
    place = _found(source, open)
    digest = _digest(place, filters)
    target = staged_uri(place.uri, digest, into)
    found = [entry.size for _, entry in _entries(place, filters)]
    report = sync(place.uri, target, open=open, filters=filters, **{**options, "compare": "size"})
    report.raise_for_failures()
    return Staged(target, digest, len(found), sum(found), report.copied, report.bytes)


def _found(source: Uri | str | os.PathLike[str], open: Open) -> Place:
    def problem(key: str, reason: str) -> None:
        raise StorageError(f"{key}: {reason}", hint="an input has to be readable as a whole")

    return find_source(_uri(source), open, problem=problem)


def _digest(place: Place, filters: Iterable[Filter]) -> str:
    entries = list(_entries(place, filters))
    store = place.store
    if isinstance(store, FileStore):
        local = store
        with ThreadPoolExecutor(min(4, os.cpu_count() or 1)) as pool:
            marks = list(pool.map(lambda pair: _content(local, pair[1]), entries))
    else:
        marks = [f"{entry.size} {entry.etag}" for _, entry in entries]
    whole = sha256()
    for (name, _), mark in zip(entries, marks, strict=True):
        encoded = os.fsencode(name)
        whole.update(b"%d %s %s\n" % (len(encoded), encoded, mark.encode()))
    return whole.hexdigest()


def _content(store: FileStore, entry: Entry) -> str:
    digest = sha256()
    buffer = memoryview(bytearray(min(_BUFFER, max(1, entry.size))))
    with store.open(entry.key) as reader:
        while got := reader.readinto(buffer):
            digest.update(buffer[:got])
    return digest.hexdigest()


def _entries(place: Place, filters: Iterable[Filter]) -> Iterable[tuple[str, Entry]]:
    if place.entry is not None:
        return [(place.uri.name, place.entry)]
    chosen = Filters(filters)
    cut = len(place.prefix)
    pairs = ((entry.key[cut:], entry) for entry in place.store.list(place.prefix))
    return ((name, entry) for name, entry in pairs if not entry.is_marker and chosen(name))


def _uri(source: Uri | str | os.PathLike[str]) -> Uri:
    return source if isinstance(source, Uri) else Uri.parse(source)
