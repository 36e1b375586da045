"""Says what works, what does not, and what to do about it. Exit code 0 when nothing is broken."""

from __future__ import annotations

from typing import TYPE_CHECKING

from anyfit.cli.output import print_json, show_warnings, table
from anyfit.cli.parser import add_backend, add_json

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace


def add_arguments(parser: ArgumentParser) -> None:
    """What `anyfit doctor` takes."""
    add_backend(parser)
    add_json(parser)


def run(args: Namespace) -> int:
    """Check the installation."""
    from anyfit.codec import to_data
    from anyfit.overview import check_installation

    show_warnings()
    checks = check_installation(backend=args.backend, profile=args.profile)
    if args.json:
        print_json(to_data(checks))
    else:
        table(("", "CHECK", "FOUND"), [(check.verdict, check.name, check.found) for check in checks])
        for check in checks:
            if check.advice:
                print(f"{check.name}: {check.advice}")
    return 2 if any(check.verdict == "broken" for check in checks) else 0
