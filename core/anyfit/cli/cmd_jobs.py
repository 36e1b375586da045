"""Finished jobs are shown from the journal; of the others their backends are asked how they are."""

from __future__ import annotations

import os

from anyfit.cli.output import ago, print_json, say, table
from anyfit.cli.parser import add_backend, add_json, add_quiet, open_session
from anyfit.home import home_folder
from anyfit.journal import Journal

TYPE_CHECKING = False  # importing typing is slow
if TYPE_CHECKING:
    import argparse
    from datetime import datetime

    from anyfit.journal import JobRow

_SHOWN = 20


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What `anyfit jobs` takes."""
    parser.add_argument("-n", type=int, default=_SHOWN, metavar="N", help=f"the newest N jobs ({_SHOWN})")
    parser.add_argument("-a", "--all", action="store_true", help="every job")
    parser.add_argument("--status", metavar="STATUS", help="jobs with this status only, such as RUNNING")
    add_backend(parser)
    add_json(parser)
    add_quiet(parser)


def run(args: argparse.Namespace) -> int:
    """List jobs."""
    journal = Journal(home_folder(os.environ))
    rows = journal.jobs(backend=args.backend or "")
    if any(not row.finished for row in rows):
        rows = _refreshed(args)
    if args.status:
        rows = [row for row in rows if row.status == args.status.upper()]
    shown = rows if args.all else rows[: max(args.n, 0)]
    if args.json:
        print_json([row.to_json() for row in shown])
        return 0
    _print(shown)
    if not rows:
        say(args, "no jobs yet; anyfit init writes one to begin with")
    elif len(shown) < len(rows):
        say(args, f"{len(shown)} of {len(rows)} jobs; --all shows the rest")
    return 0


def _refreshed(args: argparse.Namespace) -> list[JobRow]:
    from anyfit.listing import refreshed

    backend, args.backend = args.backend, None  # here a filter, and no wish for another default
    session = open_session(args)
    told = session.reconcile()
    rows, more = refreshed(session, session.journal.jobs(backend=backend or ""))
    for sentence in told + more:
        say(args, sentence)
    return rows


def _print(rows: list[JobRow]) -> None:
    from datetime import datetime, timezone

    now = datetime.now(timezone.utc)
    cells = [(row.key, row.status, row.backend, ago(row.created_at, now), _took(row, now), row.reason) for row in rows]
    table(("NAME", "STATUS", "BACKEND", "CREATED", "TOOK", "REASON"), cells)


def _took(row: JobRow, now: datetime) -> str:
    from datetime import datetime

    from anyfit.show import seconds_text

    end = datetime.fromisoformat(row.ended_at) if row.ended_at else now
    return seconds_text(max(0.0, (end - datetime.fromisoformat(row.created_at)).total_seconds()))
