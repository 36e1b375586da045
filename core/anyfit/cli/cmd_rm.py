"""A word with :// is a place in a store, unless a backend's name is before it; any other is a job.

anyfit rm NAME                          a job. What would go is shown first; on a terminal it is
                                        asked for, elsewhere -y has to be given
anyfit rm s3://bucket/key               an object; nobody is asked
anyfit rm -r s3://bucket/data/          all below a directory
anyfit rm 's3://bucket/data/*.tmp'      what fits; * goes through directories
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from anyfit.cli.output import print_json, say
from anyfit.cli.parser import add_backend, add_json, add_quiet, open_session
from anyfit.cli.storing import add_filters

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

    from anyfit.removal import Removal

_NO_FILES = "write s3://bucket/key; files of this machine are not for anyfit to remove"


def add_arguments(parser: ArgumentParser) -> None:
    """What `anyfit rm` takes."""
    parser.add_argument("names", metavar="JOB|URI", nargs="+", help="a job's name or reference, or a URI")
    parser.add_argument("--all", action="store_true", help="jobs: also the endpoints and models that came of it")
    parser.add_argument("-y", "--yes", action="store_true", help="jobs: do not ask")
    parser.add_argument("-r", "--recursive", action="store_true", help="URIs: all below")
    add_filters(parser)
    parser.add_argument("--dry-run", action="store_true", help="URIs: say what would be deleted")
    add_backend(parser)
    add_json(parser)
    add_quiet(parser)


def run(args: Namespace) -> int:
    """Remove jobs, or objects."""
    from anyfit.errors import UsageError

    places = [name for name in args.names if _is_place(name)]
    only_for_places = [f"--{name}" for name in ("recursive", "dry_run", "filters", "raw") if getattr(args, name)]
    if places and len(places) < len(args.names):
        raise UsageError("jobs and URIs cannot be removed together", hint="call it twice")
    if places:
        from anyfit.cli.deleting import delete

        return delete(args)
    if only_for_places:
        raise UsageError(
            f"{args.names[0]} is no URI, and only URIs are deleted with {only_for_places[0].replace('_', '-')}",
            hint=_NO_FILES,
        )
    for name in args.names:
        if "/" in name and "://" not in name:
            raise UsageError(f"{name} is neither a URI nor a job's name", hint=_NO_FILES)
    return _remove_jobs(args)


def _is_place(name: str) -> bool:
    scheme, sign, _ = name.partition("://")
    if not sign:
        return False
    from anyfit.plugins import backend_names

    return scheme not in backend_names()


def _remove_jobs(args: Namespace) -> int:
    """Of several jobs each is removed that can be."""
    from anyfit.cli.several import each
    from anyfit.job import find_job
    from anyfit.removal import removal_of

    session = open_session(args)
    removals, faults = each(args.names, lambda name: removal_of(find_job(session, name), everything=args.all))
    if removals and not args.yes and not _agreed(removals):
        say(args, "nothing was removed")
        return 130
    removed, left = each(removals, _run, lambda removal: removal.job.spec.key)
    faults.update(left)
    if args.json and removed:
        print_json([{"removed": removal.lines()} for removal in removed] + faults.to_json())
        return faults.exit_code()
    if removed:
        say(args, f"removed {', '.join(removal.job.spec.key for removal in removed)}")
    faults.tell()
    return 0


def _run(removal: Removal) -> Removal:
    removal.run()
    return removal


def _agreed(removals: list[Removal]) -> bool:
    from anyfit.errors import UsageError

    for removal in removals:
        print("\n".join(removal.lines()), file=sys.stderr)
    if not sys.stdin.isatty():
        raise UsageError("nobody is there to ask", hint="give -y to remove this without asking")
    print("remove this for good? [y/N] ", end="", file=sys.stderr, flush=True)
    return sys.stdin.readline().strip().lower() in ("y", "yes")
