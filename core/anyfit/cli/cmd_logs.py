"""Lines go to stdout as the script wrote them; with several nodes each begins with its node."""

from __future__ import annotations

from typing import TYPE_CHECKING

from anyfit.cli.output import print_record
from anyfit.cli.parser import add_backend, add_job, add_json, at_least, open_session

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace
    from collections.abc import Iterator
    from datetime import datetime

    from anyfit.backend import LogLine
    from anyfit.job import Job

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


def add_arguments(parser: ArgumentParser) -> None:
    """What `anyfit logs` takes."""
    add_job(parser)
    parser.add_argument("-f", "--follow", action="store_true", help="go on until the job has ended")
    parser.add_argument("--tail", type=at_least(0), metavar="N", help="begin with the last N lines")
    parser.add_argument("--since", metavar="TIME", help="begin so long ago (30s, 10m, 2h, 1d), or at an ISO time")
    parser.add_argument("--node", type=at_least(0), metavar="N", help="lines of this node only")
    add_backend(parser)
    add_json(parser)


def run(args: Namespace) -> int:
    """Print a log."""
    from anyfit.job import find_job

    since = _time(args.since) if args.since else None
    job = find_job(open_session(args), args.job)
    several = job.spec.instance_count > 1 and args.node is None
    lines = job.logs(follow=args.follow, tail=args.tail, since=since, node=args.node, on_lost=_tell_lost)
    for line in _with_warning(lines, job) if since else lines:
        if args.json:
            print_record(line, flush=args.follow)
        else:
            print(f"[{line.node}] {line.text}" if several else line.text, flush=args.follow)
    return 0


def _with_warning(lines: Iterator[LogLine], job: Job) -> Iterator[LogLine]:
    """The lines; before the first without a time it is said that `--since` could not leave it out."""
    warned = False
    for line in lines:
        if line.time is None and not warned:
            warned = True
            _tell(f"{job.ref.backend} tells no times of these lines, so --since leaves none of them out")
        yield line


def _tell_lost(reason: str) -> None:
    _tell(f"lost contact, trying again: {reason}")


def _tell(text: str) -> None:
    import sys

    print(f"anyfit: {text}", file=sys.stderr, flush=True)


def _time(text: str) -> datetime:
    """So long before now, or an ISO time, local where it names no zone."""
    from datetime import datetime, timedelta, timezone

    from anyfit.errors import UsageError

    try:
        if text[-1] in _UNITS and not text.startswith("-"):
            return datetime.now(timezone.utc) - timedelta(seconds=float(text[:-1]) * _UNITS[text[-1]])
        return datetime.fromisoformat(text).astimezone()
    except (ValueError, OverflowError):
        raise UsageError(f"--since: {text!r} is no time", hint="write 30s, 10m, 2h, 1d or 2026-11-21T07:00") from None
