"""With NAME: what that backend can do, and its settings; or one of the lists of what it provides."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from anyfit.cli.output import print_json, table
from anyfit.cli.parser import add_json, open_session

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace
    from typing import Any


_LISTS = {
    "frameworks": "the images that the backend provides",
    "algorithms": "the ready-made algorithms that it trains",
    "models": "the ready-made models that it serves",
}


def add_arguments(parser: ArgumentParser) -> None:
    """What `anyfit backends` takes."""
    parser.add_argument("name", nargs="?", metavar="NAME", help="one backend")
    lists = parser.add_mutually_exclusive_group()
    for kind, what in _LISTS.items():
        lists.add_argument(f"--{kind}", dest="kind", action="store_const", const=kind, help=f"list {what}")
    parser.add_argument("-p", "--profile", metavar="NAME", help="the profile of the configuration to use")
    add_json(parser)


def run(args: Namespace) -> int:
    """List backends."""
    args.backend = args.name
    if args.kind:
        return _provided(args)
    return _one(args) if args.name else _all(args)


def _all(args: Namespace) -> int:
    from anyfit.overview import backend_summaries

    chosen = open_session(args).config.core.backend
    found = backend_summaries()
    if args.json:
        print_json(
            [{"name": s.name, "default": s.name == chosen, "summary": s.summary, "fault": s.fault} for s in found]
        )
        return 0
    rows = [(s.name, "yes" if s.name == chosen else "", s.fault or s.summary) for s in found]
    table(("NAME", "DEFAULT", "WHAT"), rows)
    return 0


def _one(args: Namespace) -> int:
    from anyfit.backend import Feature
    from anyfit.options.declared import options
    from anyfit.options.kinds import show
    from anyfit.plugins import backend_factory

    factory = backend_factory(args.name)
    can = open_session(args).backend().capabilities
    settings = [
        {"name": name, "default": show(option.default), "help": option.help}
        for name, option in options(factory.settings).items()
    ]
    if args.json:
        features = {feature.value: can.missing.get(feature, True) for feature in Feature}
        shown: dict[str, Any] = {"name": factory.name, "summary": factory.summary, "features": features}
        print_json(shown | {"schemes": list(can.schemes), "settings": settings})
        return 0
    print(f"{factory.name}: {factory.summary}\n")
    rows = [(f.value, "yes" if can.can(f) else "no", can.missing.get(f, "")) for f in Feature]
    table(("FEATURE", "HAS", "WHY NOT"), rows)
    print(f"\nURIs: {', '.join(can.schemes)}; code up to {can.max_code_mib} MiB; names are {can.name_rule}\n")
    table((f"[{factory.name}]", "DEFAULT", "WHAT"), [(s["name"], s["default"] or "-", s["help"]) for s in settings])
    return 0


def _provided(args: Namespace) -> int:
    from anyfit.codec import to_data
    from anyfit.offers import catalog_of

    session = open_session(args)
    catalog = catalog_of(session.config.home, session.backend())
    found = getattr(catalog, args.kind)
    if args.json:
        print_json(to_data(found))
    elif args.kind == "frameworks":
        rows = [(f.name, f.version, f.py_version, ", ".join(f.tasks), f.native) for f in catalog.frameworks]
        table(("FRAMEWORK", "VERSION", "PYTHON", "FOR", "IMAGE"), rows)
    else:
        table(("NAME", "ID"), [(preset.name, preset.native) for preset in found])
    if not found and not args.json:
        print(f"anyfit: {session.backend().name} lists no {args.kind}", file=sys.stderr)
    return 0
