"""WISH chooses: "A100:8", "cpu:4+", "cpu=4+ mem=16GB+". What is listed can be an instance_type."""

from __future__ import annotations

from typing import TYPE_CHECKING

from anyfit.cli.output import print_json, say, table
from anyfit.cli.parser import add_backend, add_json, add_quiet, open_session

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

    from anyfit.backend import Offering


def add_arguments(parser: ArgumentParser) -> None:
    """What `anyfit specs` takes."""
    parser.add_argument("wish", nargs="?", default="", metavar="WISH", help="machines that grant this only")
    parser.add_argument("--refresh", action="store_true", help="ask the backend anew, whatever is kept on disk")
    add_backend(parser)
    add_json(parser)
    add_quiet(parser)


def run(args: Namespace) -> int:
    """List machines."""
    from anyfit.catalog import parse_wish
    from anyfit.codec import to_data
    from anyfit.offers import catalog_of

    wish = parse_wish(args.wish)
    session = open_session(args)
    backend = session.backend()
    catalog = catalog_of(session.config.home, backend, refresh=args.refresh)
    offerings = [offer for offer in catalog.offerings if wish.admits(offer)]
    if args.json:
        print_json(to_data(offerings))
        return 0
    heads = ("SPEC", "CPUS", "MEMORY", "GPUS", "PRICE/H", "STOCK", "NODES", "FOR")
    table(heads, [_row(offer) for offer in offerings])
    if not offerings:
        say(
            args, f"{backend.name} offers nothing like {args.wish!r}" if args.wish else f"{backend.name} offers nothing"
        )
    return 0


def _row(offer: Offering) -> tuple[str, ...]:
    memory = f" {offer.gpu_memory_gib:g}GB" if offer.gpu_memory_gib else ""
    return (
        offer.spec_id,
        f"{offer.cpus:g}",
        f"{offer.memory_gib:g} GB",
        f"{offer.gpu_count} x {offer.gpu_model}{memory}" if offer.gpu_count else "-",
        "-" if offer.price is None else f"{offer.price:.2f} {offer.currency}",
        "yes" if offer.in_stock else "sold out",
        "any" if offer.max_nodes is None else f"up to {offer.max_nodes}",
        ", ".join(offer.tasks),
    )
