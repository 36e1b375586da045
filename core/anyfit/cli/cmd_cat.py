"""The bytes of each object, one after the other, proven where the store has a checksum."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from anyfit.cli.parser import add_backend
from anyfit.cli.storing import open_stores, shown

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

    from anyfit.storage.places import Open
    from anyfit.storage.store import Entry, Store
    from anyfit.storage.uri import Uri

__all__ = ["object_of", "print_object"]


def add_arguments(parser: ArgumentParser) -> None:
    """What `anyfit cat` takes."""
    parser.add_argument("uris", metavar="URI", nargs="+", help="an object")
    add_backend(parser)
    parser.add_argument("--json", action="store_true", help="print an error as one JSON document on stdout")


def run(args: Namespace) -> int:
    """Write objects to stdout."""
    from anyfit.storage.uri import Uri

    with open_stores(args) as stores:
        for text in args.uris:
            print_object(Uri.parse(text), stores)
    return 0


def print_object(uri: Uri, open: Open, *, bandwidth: float | None = None) -> None:
    """Write one object to stdout."""
    from anyfit.storage.stream import read_stream

    store, entry = object_of(uri, open)
    for data in read_stream(store, entry.key, bandwidth=bandwidth):
        sys.stdout.buffer.write(data)
    sys.stdout.buffer.flush()


def object_of(uri: Uri, open: Open) -> tuple[Store, Entry]:
    """The one object that a URI names, and the store it is in."""
    from anyfit.storage.places import find_source

    place = find_source(uri, open)
    if place.entry is None:
        from anyfit.errors import UsageError

        raise UsageError(f"{shown(uri)} is a directory", hint="name one object; anyfit ls shows what there is")
    return place.store, place.entry
