"""Makes TARGET have what SOURCE has; what is there unchanged is not moved.

anyfit sync data s3://bucket/data/
anyfit sync --delete --exclude '*.tmp' s3://bucket/data/ data
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from anyfit.cli.storing import Moving, add_transfer, open_stores, selected

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace


def add_arguments(parser: ArgumentParser) -> None:
    """What `anyfit sync` takes."""
    parser.add_argument("source", metavar="SOURCE", help="a URI or path")
    parser.add_argument("target", metavar="TARGET", help="a URI or path")
    parser.add_argument("--delete", action="store_true", help="delete in the target what the source does not have")
    parser.add_argument("-r", "--recursive", action="store_true", default=True, help="what it does anyway")
    add_transfer(parser, compare="time")


def run(args: Namespace) -> int:
    """Synchronise, in any direction."""
    from anyfit.storage.uri import Uri

    selection, target = selected(args, args.source), Uri.parse(args.target)
    moving = Moving(args)
    with open_stores(args) as stores:
        moving.run(selection, target, stores)
    return moving.end()
