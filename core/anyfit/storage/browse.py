"""Looking around: what `ls`, `du` and `cat` do, as functions."""

from __future__ import annotations

from collections.abc import Iterator

from anyfit.errors import UsageError
from anyfit.show import uri_text
from anyfit.storage.opening import open_store
from anyfit.storage.places import Open, Place, find_source
from anyfit.storage.store import Bucket, Entry
from anyfit.storage.uri import Uri
from anyfit.values import frozen

__all__ = ["Listed", "Usage", "list_buckets", "list_place", "read_bytes", "usage"]

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


def list_buckets(scheme: str, *, open: Open = open_store) -> tuple[Bucket, ...]:
    """All buckets that the keys of a scheme's store can see, by name."""
    return open(Uri(scheme, "")).buckets()


def list_place(uri: Uri, *, recursive: bool = False, stem: str = "", open: Open = open_store) -> Iterator[Listed]:
    """What lies at a place: the object itself, or what is in the directory; with `recursive` all below it.

    With `stem` what has another name may be left out of all below. Memory stays flat however much there is.
    """
    place = find_source(uri, open, deep=recursive, folded=not recursive, stem=stem if recursive else "")
    if place.entry is not None:
        yield Listed(place.uri, place.entry)
        return
    if recursive:
        for entry in place.list():
            yield Listed(_uri(place, entry.key), entry)
        return
    page = place.first or place.store.list_page(place.prefix, delimiter=True)
    while True:
        lines = [Listed(_uri(place, name)) for name in page.directories]
        lines += [
            Listed(_uri(place, entry.key), entry)
            for entry in page.entries
            if entry.key != place.prefix or not entry.is_marker
        ]
        yield from sorted(lines, key=lambda line: line.uri.key.encode("utf-8", "surrogateescape"))
        if not page.next:
            return
        page = place.store.list_page(place.prefix, token=page.next, delimiter=True)


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
        raise UsageError(f"{uri_text(str(uri))} is a directory", hint="name one object; anyfit ls shows what there is")
    buffer = memoryview(bytearray(_BUFFER))
    with place.store.open(place.entry.key) as reader:
        while got := reader.readinto(buffer):
            yield buffer[:got]


def _uri(place: Place, key: str) -> Uri:
    return place.uri.join(key[len(place.prefix) :]) if place.prefix != key else place.uri
