"""The bytes of each object, one after the other, proven where the store has a checksum."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from anyfit.cli.parser import add_backend, add_json
from anyfit.cli.storing import open_stores

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

    from anyfit.storage.places import Open
    from anyfit.storage.uri import Uri

__all__ = ["print_object"]


def add_arguments(parser: ArgumentParser) -> None:
    """What `anyfit cat` takes."""
    parser.add_argument("uris", metavar="URI", nargs="+", help="an object")
    add_backend(parser)
    add_json(parser)


def run(args: Namespace) -> int:
    """Write objects to stdout."""
    from anyfit.storage.uri import Uri

    with open_stores(args) as stores:
        for text in args.uris:
            print_object(Uri.parse(text), stores)
    return 0


def print_object(uri: Uri, open: Open) -> None:
    """Write one object to stdout."""
    from anyfit.storage.places import find_source
    from anyfit.storage.stream import read_stream

    place = find_source(uri, open)
    if place.entry is None:
        from anyfit.errors import UsageError

        raise UsageError(f"{uri} is a directory", hint="name one object; anyfit ls shows what there is")
    for data in read_stream(place.store, place.entry.key):
        sys.stdout.buffer.write(data)
    sys.stdout.buffer.flush()
