"""What would go is shown first; on a terminal it is asked for, elsewhere -y has to be given."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from anyfit.cli.output import print_json, say
from anyfit.cli.parser import add_backend, add_jobs, add_json, add_quiet, open_session

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

    from anyfit.removal import Removal


def add_arguments(parser: ArgumentParser) -> None:
    """What `anyfit rm` takes."""
    add_jobs(parser)
    parser.add_argument("--all", action="store_true", help="also the endpoints and models that came of the job")
    parser.add_argument("-y", "--yes", action="store_true", help="do not ask")
    add_backend(parser)
    add_json(parser)
    add_quiet(parser)


def run(args: Namespace) -> int:
    """Remove jobs."""
    from anyfit.job import find_job
    from anyfit.removal import removal_of

    session = open_session(args)
    removals = [removal_of(find_job(session, name), everything=args.all) for name in args.names]
    if not args.yes and not _agreed(removals):
        say(args, "nothing was removed")
        return 130
    for removal in removals:
        removal.run()
    if args.json:
        print_json([{"removed": removal.lines()} for removal in removals])
    else:
        say(args, f"removed {', '.join(removal.job.spec.key for removal in removals)}")
    return 0


def _agreed(removals: list[Removal]) -> bool:
    from anyfit.errors import UsageError

    for removal in removals:
        print("\n".join(removal.lines()), file=sys.stderr)
    if not sys.stdin.isatty():
        raise UsageError("nobody is there to ask", hint="give -y to remove this without asking")
    print("remove this for good? [y/N] ", end="", file=sys.stderr, flush=True)
    return sys.stdin.readline().strip().lower() in ("y", "yes")
