"""Source and target of a transfer: a store, and what in it."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

from anyfit.errors import AnyfitError, AuthError, NotFound, UsageError
from anyfit.show import uri_text
from anyfit.storage.ahead import read_ahead
from anyfit.storage.apart import Apart
from anyfit.storage.file import FileStore
from anyfit.storage.store import Entry, Page, Store
from anyfit.storage.uri import Uri
from anyfit.storage.walk import Links, Problem
from anyfit.values import evolve, field, frozen

__all__ = ["Open", "Place", "find_source", "find_target", "followed", "without_target"]

Open = Callable[[Uri], Store]


@frozen
class Place:
    """One side of a transfer.

    Attributes:
        store: The store; for files one whose root is the directory, so that no key leads out of it.
        uri: The directory, with its slash, or the single object.
        prefix: What stands before a name in the store's keys.
        entry: The single object, if it is one.
        first: The first page of the directory's listing, deep or folded, if that is known already.
        names: What of the directory is wanted, none for all of it.
        stem: How all names begin that are wanted, for services: on a disk it might lead out of the directory.
        apart: How the names begin that take no part, as the transfer itself writes there; "" where it does not.
    """

    store: Store
    uri: Uri
    prefix: str
    entry: Entry | None = None
    first: Page | None = field(default=None, repr=False)
    names: tuple[str, ...] = ()
    stem: str = ""
    apart: str = ""

    def key(self, name: str) -> str:
        """The key of a name."""
        return self.prefix + name

    def list(self) -> Iterator[Entry]:
        """All below the directory that is wanted, and perhaps more."""
        if self.names:
            return (self.store.stat(self.key(name)) for name in sorted(self.names, key=os.fsencode))
        first, prefix = self.first, self.prefix if self.uri.is_local else self.prefix + self.stem
        if first is None:
            return self.store.list(prefix)
        return read_ahead(lambda token: self.store.list_page(prefix, token=token) if token else first)

    def shown(self, name: str) -> str:
        """The URI of a name, for people."""
        return str(self.uri.join(name)) if self.uri.is_dir else str(self.uri)


def find_source(
    uri: Uri,
    open_store: Open,
    *,
    deep: bool = False,
    folded: bool = False,
    stem: str = "",
    links: Links = "follow",
    problem: Problem | None = None,
) -> Place:
    """What `uri` means as a source: with a slash a directory, else the object, else the directory of that name.

    With `deep` all below a directory will be listed whose names begin with `stem`, and what is asked to find it is the
    first page of that; with `folded` it is the first page of what is in the directory.

    Raises:
        NotFound: There is neither.
    """
    if uri.is_local:
        return _local_source(uri, links, problem)
    store = open_store(uri)
    if not uri.is_dir:
        entry = _object(store, uri)
        if entry:
            return Place(store, uri, uri.key.rpartition("/")[0] + "/" if "/" in uri.key else "", entry)
    directory = uri.as_dir()
    page = store.list_page(directory.key + stem, delimiter=folded, limit=1000 if deep or folded else 1)
    found = page.entries or page.directories or not uri.key
    if not (found or (stem and store.list_page(directory.key, limit=1).entries)):
        raise NotFound(f"nothing at {uri_text(str(uri))}", hint="anyfit ls shows what there is")
    return Place(store, directory, directory.key, first=page if deep or folded else None, stem=stem)


def _object(store: Store, uri: Uri) -> Entry | None:
    """The object of that name, if there is one.

    A service refuses to tell of an object (HEAD) without a word why. What it answers to a listing has words; it may
    also be that only what is below the name may be seen, or that the listing has led to the bucket's region.
    """
    try:
        return store.stat(uri.key)
    except NotFound as error:
        if error.status == "NoSuchBucket":
            raise
        return None
    except AnyfitError as error:
        if getattr(error, "status", "") not in ("400", "403"):
            raise
        refusal = error
    try:
        page = store.list_page(uri.as_dir().key, limit=1)
    except AuthError as error:
        if error.status == "AccessDenied":
            raise refusal from None
        raise
    return None if page.entries else store.stat(uri.key)


def _local_source(uri: Uri, links: Links, problem: Problem | None) -> Place:
    path = uri.path
    if path.is_dir():
        return Place(FileStore(path, links=links, problem=problem), uri.as_dir(), "")
    store = FileStore(path.parent, links=links)
    try:
        entry = store.stat(path.name + ("/" if uri.key.endswith("/") else ""))
    except NotFound as error:
        scheme = next((part for part in path.parts if part in ("s3:", "obs:", "cos:")), "s3:")
        raise NotFound(error.message, hint=f"a place in a bucket is written {scheme}//bucket/key") from error
    return Place(store, uri, "", entry)


def find_target(uri: Uri, source: Place, open_store: Open) -> Place:
    """Where things go: a directory's into the directory of that name, a single object to `uri` or into it."""
    if source.entry is None:
        directory = uri.as_dir()
    elif uri.is_dir or (uri.is_local and uri.path.is_dir()):
        directory = uri.as_dir()
        uri = directory.join(source.uri.name)
    else:
        directory = uri.parent
    if uri.is_local and source.entry is not None:
        uri = followed(uri)
        directory = uri.parent
    if uri.is_local:
        _refuse_file(directory.path)
        return Place(FileStore(directory.path), directory if source.entry is None else uri, "")
    return Place(open_store(uri), directory if source.entry is None else uri, directory.key)


def _refuse_file(directory: Path) -> None:
    """Refuse a directory that cannot be made, since a file is in its place or above it."""
    for path in (directory, *directory.parents):
        if os.path.isdir(path):  # noqa: PTH112  it answers where others raise
            return
        if os.path.lexists(path):
            raise UsageError(f"{path} is no directory", hint="choose another target, or move what is there")


def followed(uri: Uri) -> Uri:
    """Where a file goes that is written to `uri`: if that is a link of this machine, what it points at."""
    if uri.is_local and not uri.is_dir and uri.path.is_symlink():
        return Uri.parse(os.path.realpath(uri.path))
    return uri


def without_target(source: Place, target: Place, takes: Callable[[str], bool]) -> Place:
    """The source, without the target where that lies in it: what is written there is not to be copied once more.

    Raises:
        UsageError: The target is the source, or is among what the filters take of it.
    """
    ours, theirs = source.uri, target.uri
    if ours.is_local and theirs.is_local:
        ours, theirs = (_real(uri) for uri in (ours, theirs))
    elif not (ours.scheme == theirs.scheme and ours.bucket == theirs.bucket and target.store.copies_from(source.store)):
        return source
    inner, outer = uri_text(str(target.uri)), uri_text(str(source.uri))
    if theirs == ours:
        raise UsageError(f"{outer} is both source and target", hint="choose another target")
    name = theirs.key[len(ours.key) :] if ours.is_dir and theirs.key.startswith(ours.key) else ""
    if name and takes(name):
        hint = f"choose a target outside of the source, or leave it out: --exclude '{name}'"
        raise UsageError(f"{inner} lies in {outer}", hint=hint)
    if isinstance(source.store, FileStore) and source.entry is None:
        store, apart = source.store, Apart(str(ours.path), str(theirs.path), takes)
        return evolve(source, store=FileStore(store.root, links=store.links, problem=store.problem, apart=apart))
    return evolve(source, apart=name)


def _real(uri: Uri) -> Uri:
    real = Uri.parse(uri.path.resolve())
    return real.as_dir() if uri.is_dir else real
