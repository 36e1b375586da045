"""Finished jobs are shown from the journal; of the others their backends are asked how they are."""

from __future__ import annotations

import os

from anyfit.cli.output import ago, print_json, say, table
from anyfit.home import home_folder
from anyfit.journal import Journal

TYPE_CHECKING = False  # importing typing is slow
if TYPE_CHECKING:
    import argparse
    from datetime import datetime
    from typing import TypeVar

    from anyfit.journal import JobRow

    _T = TypeVar("_T")

# Without arguments no parser is made: importing argparse would take as long as all the rest.
BARE = {
    "n": 20,
    "all": False,
    "remote": False,
    "status": None,
    "backend": None,
    "profile": None,
    "json": False,
    "quiet": False,
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What `anyfit jobs` takes."""
    from anyfit.cli.parser import add_backend, add_json, add_quiet, at_least

    parser.add_argument(
        "-n", type=at_least(0), metavar="N", help="the newest N, and older ones that have not ended (20)"
    )
    parser.add_argument("-a", "--all", action="store_true", help="every job")
    parser.add_argument("--remote", action="store_true", help="what the backend has, jobs of other machines too")
    parser.add_argument("--status", metavar="STATUS", help="jobs with this status only, such as RUNNING")
    add_backend(parser)
    add_json(parser)
    add_quiet(parser)
    parser.set_defaults(**BARE)


def run(args: argparse.Namespace) -> int:
    """List jobs."""
    if args.status:
        _check_status(args)
    if args.remote:
        return _run_remote(args)
    journal = Journal(home_folder(os.environ))
    rows = _rows(journal, args)
    if any(not row.finished for row in rows):
        rows = _refreshed(journal, args)
    if args.status:
        rows = _some([row for row in rows if row.status == args.status.upper()], args)
    if args.json:
        print_json([row.to_json() for row in rows])
        return 0
    _print(rows)
    more = 0 if args.all or args.status else journal.count(backend=args.backend or "") - len(rows)
    if more > 0:
        say(args, f"{more} older ones are not shown; --all shows them")
    elif not rows and args.status:
        say(args, f"no jobs with the status {args.status.upper()}")
    elif not rows:
        say(args, "no jobs; anyfit init writes one to begin with")
    return 0


def _check_status(args: argparse.Namespace) -> None:
    from anyfit.backend import Status
    from anyfit.errors import UsageError, nearest

    known = [status.value for status in Status]
    if args.status.upper() not in known:
        near = nearest(args.status.upper(), known)
        raise UsageError(f"--status: there is no status {args.status!r}", hint=near or f"there are: {', '.join(known)}")


def _some(found: list[_T], args: argparse.Namespace) -> list[_T]:
    """As many as are wanted, where some were left out before."""
    return found if args.all else found[: args.n]


def _run_remote(args: argparse.Namespace) -> int:
    """List what the backend has; any of it can be attached to by its name or reference."""
    from anyfit.cli.parser import open_session
    from anyfit.codec import to_data
    from anyfit.listing import jobs_there

    backend = open_session(args).backend()
    found = jobs_there(backend, None if args.all or args.status else args.n)
    if args.status:
        found = _some([(named, state) for named, state in found if state.status.value == args.status.upper()], args)
    if args.json:
        print_json([{"name": named.name, "ref": str(named.ref), **to_data(state)} for named, state in found])
        return 0
    heads = ("NAME", "STATUS", "NATIVE", "REFERENCE")
    table(heads, [(named.name, state.status.value, state.native, str(named.ref)) for named, state in found])
    if not found:
        say(args, f"no jobs on {backend.name}")
    elif len(found) == args.n and not args.all:
        say(args, f"the newest {args.n} are shown; --all shows all")
    return 0


def _rows(journal: Journal, args: argparse.Namespace) -> list[JobRow]:
    """The newest, and older ones that have not ended."""
    backend = args.backend or ""
    rows = journal.jobs(backend=backend, limit=-1 if args.all or args.status else args.n)
    shown = {row.id for row in rows}
    running = journal.jobs(backend=backend, unfinished=True)
    return rows + [row for row in running if row.id not in shown]


def _refreshed(journal: Journal, args: argparse.Namespace) -> list[JobRow]:
    from anyfit.cli.parser import open_session
    from anyfit.listing import refresh_rows

    filtered, args.backend = args.backend, None  # it chooses what is shown, and is no wish for another default
    session = open_session(args)
    args.backend = filtered
    told = session.reconcile()
    rows = _rows(journal, args)
    for sentence in told + refresh_rows(session, rows):
        say(args, sentence)
    return rows


def _print(rows: list[JobRow]) -> None:
    from datetime import datetime, timezone

    now = datetime.now(timezone.utc)
    cells = [
        (row.key, row.status, row.backend, ago(row.created_at, now), _took(row, now), " ".join(row.reason.split()))
        for row in rows
    ]
    table(("NAME", "STATUS", "BACKEND", "CREATED", "TOOK", "REASON"), cells)


def _took(row: JobRow, now: datetime) -> str:
    from datetime import datetime

    from anyfit.show import seconds_text

    end = datetime.fromisoformat(row.ended_at) if row.ended_at else now
    return seconds_text(max(0.0, (end - datetime.fromisoformat(row.created_at)).total_seconds()))
