"""One line for each place: bytes, objects, and the place."""

from __future__ import annotations

from typing import TYPE_CHECKING

from anyfit.cli.output import print_json, print_line
from anyfit.cli.parser import add_backend, add_json
from anyfit.cli.storing import add_filters, add_human, open_stores, selected

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace


def add_arguments(parser: ArgumentParser) -> None:
    """What `anyfit du` takes."""
    parser.add_argument("uris", metavar="URI", nargs="+", help="an object, or a directory")
    add_human(parser)
    add_filters(parser)
    add_backend(parser)
    add_json(parser)


def run(args: Namespace) -> int:
    """Add up sizes."""
    from anyfit.show import size_text
    from anyfit.storage.selection import chosen

    rows = []
    with open_stores(args) as stores:
        for text in args.uris:
            count = size = 0
            for _, listed in chosen(selected(args, text), recursive=True, open=stores):
                count += 1
                size += listed.entry.size if listed.entry else 0
            rows.append({"uri": text, "bytes": size, "objects": count})
            if not args.json:
                print_line(f"{size_text(size) if args.human else str(size):>14}  {count:>9}  {text}")
    if args.json:
        print_json(rows)
    return 0
