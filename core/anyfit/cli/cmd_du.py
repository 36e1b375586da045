"""One line for each place: bytes, objects, and the place."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from anyfit.cli.output import print_json, print_line
from anyfit.cli.parser import add_backend, add_json
from anyfit.cli.storing import add_filters, add_human, open_stores, selected

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

    from anyfit.stores import Stores


def add_arguments(parser: ArgumentParser) -> None:
    """What `anyfit du` takes."""
    parser.add_argument("uris", metavar="URI", nargs="+", help="an object, or a directory")
    add_human(parser)
    add_filters(parser)
    add_backend(parser)
    add_json(parser)


def run(args: Namespace) -> int:
    """Add up sizes. Of several places each is added up that can be."""
    from anyfit.cli.several import each

    with open_stores(args) as stores:
        rows, faults = each(args.uris, lambda text: _add_up(args, text, stores))
    if args.json and rows:
        print_json(rows + faults.to_json())
        return faults.exit_code()
    faults.tell()
    return 0


def _add_up(args: Namespace, text: str, stores: Stores) -> dict[str, Any]:
    from anyfit.show import size_text
    from anyfit.storage.selection import chosen

    count = size = 0
    for _, listed in chosen(selected(args, text), recursive=True, open=stores):
        count += 1
        size += listed.entry.size if listed.entry else 0
    if not args.json:
        print_line(f"{size_text(size) if args.human else str(size):>14}  {count:>9}  {text}")
    return {"uri": text, "bytes": size, "objects": count}
