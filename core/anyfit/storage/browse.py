"""Looking around and removing: what `ls`, `du`, `cat` and `rm` do, as functions."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from anyfit.errors import NotFound, UsageError
from anyfit.storage.filters import Filter, Filters
from anyfit.storage.opening import open_store
from anyfit.storage.options import Failure
from anyfit.storage.places import Open, Place, find_source
from anyfit.storage.store import Bucket, Entry
from anyfit.storage.uri import Uri
from anyfit.values import frozen

__all__ = ["Listed", "Removed", "Usage", "list_buckets", "list_place", "read_bytes", "remove", "usage"]

_BUFFER = 1 << 20


@frozen
class Listed:
    """One line of a listing: an object with its entry, or a directory without."""

    uri: Uri
    entry: Entry | None = None


@frozen
class Usage:
    """How much lies somewhere."""

    objects: int
    bytes: int


@frozen
class Removed:
    """What a removal did."""

    deleted: int
    bytes: int
    failures: tuple[Failure, ...] = ()


def list_buckets(scheme: str, *, open: Open = open_store) -> tuple[Bucket, ...]:
    """All buckets that the keys of a scheme's store can see, by name."""
    return open(Uri(scheme, "")).buckets()


def list_place(uri: Uri, *, recursive: bool = False, open: Open = open_store) -> Iterator[Listed]:
    """What lies at a place: the object itself, or what is in the directory; with `recursive` all below it.

    Memory stays flat however much there is.
    """
    place = find_source(uri, open, deep=recursive)
    if place.entry is not None:
        yield Listed(place.uri, place.entry)
        return
    if recursive:
        for entry in place.list():
            yield Listed(_uri(place, entry.key), entry)
        return
    token = ""
    while True:
        page = place.store.list_page(place.prefix, token=token, delimiter=True)
        lines = [Listed(_uri(place, name)) for name in page.directories]
        lines += [Listed(_uri(place, entry.key), entry) for entry in page.entries if entry.key != place.prefix]
        yield from sorted(lines, key=lambda line: line.uri.key.encode("utf-8", "surrogateescape"))
        token = page.next
        if not token:
            return


def usage(uri: Uri, *, open: Open = open_store) -> Usage:
    """How many objects and bytes lie at a place and below it."""
    count = size = 0
    for line in list_place(uri, recursive=True, open=open):
        count += 1
        size += line.entry.size if line.entry else 0
    return Usage(count, size)


def read_bytes(uri: Uri, *, open: Open = open_store) -> Iterator[memoryview]:
    """The bytes of one object, piece by piece; each piece is valid until the next is asked for."""
    place = find_source(uri, open)
    if place.entry is None:
        raise UsageError(f"{uri} is a directory", hint="name one object; anyfit ls shows what there is")
    buffer = memoryview(bytearray(_BUFFER))
    with place.store.open(place.entry.key) as reader:
        while got := reader.readinto(buffer):
            yield buffer[:got]


def remove(
    uri: Uri,
    *,
    recursive: bool = False,
    filters: Iterable[Filter] = (),
    dry_run: bool = False,
    open: Open = open_store,
) -> Removed:
    """Delete an object, or with `recursive` all below a directory, its markers included.

    Raises:
        UsageError: It is a directory and `recursive` was not asked for.
        NotFound: There is nothing.
    """
    place = find_source(uri, open, deep=recursive)
    if place.entry is not None:
        if not dry_run:
            place.store.delete(place.entry.key)
        return Removed(1, place.entry.size)
    if not recursive:
        raise UsageError(f"{uri} is a directory", hint="add --recursive to delete all below it")
    chosen = Filters(filters)
    cut = len(place.prefix)
    entries = {entry.key: entry.size for entry in place.list() if chosen(entry.key[cut:])}
    if not entries:
        raise NotFound(f"nothing to delete at {uri}")
    failed = [] if dry_run else list(place.store.delete_many(entries))
    failures = tuple(Failure("", str(_uri(place, failure.key)), failure.reason) for failure in failed)
    lost = {failure.key for failure in failed}
    return Removed(len(entries) - len(lost), sum(size for key, size in entries.items() if key not in lost), failures)


def _uri(place: Place, key: str) -> Uri:
    return place.uri.join(key[len(place.prefix) :]) if place.prefix != key else place.uri
