"""Nothing is sent, and no account is needed. --json prints the whole plan with the platform's request bodies."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from anyfit.cli.describing import add_description, described, estimator_for
from anyfit.cli.output import print_json, say
from anyfit.cli.parser import add_backend, add_json, add_quiet

if TYPE_CHECKING:
    from argparse import Namespace

    from anyfit.cli.parser import Parser


def add_arguments(parser: Parser) -> None:
    """What `anyfit plan` takes."""
    add_description(parser)
    add_backend(parser)
    add_json(parser)
    add_quiet(parser)


def run(args: Namespace) -> int:
    """Show a plan."""
    file = described(args)
    plan = estimator_for(file, args).plan(file.inputs, job_name=file.job_name, version_of=args.version_of)
    if args.json:
        print_json(plan)
        return 0
    print(plan)
    say(args, f"next: {shlex.join(('anyfit', 'fit', *args.given))}")
    return 0
