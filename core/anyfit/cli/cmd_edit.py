"""anyfit edit JOB --description TEXT changes what the platform and the journal say about a job."""

from __future__ import annotations

from typing import TYPE_CHECKING

from anyfit.cli.output import print_json, say
from anyfit.cli.parser import add_backend, add_job, add_json, add_quiet, open_session

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace


def add_arguments(parser: ArgumentParser) -> None:
    """What `anyfit edit` takes."""
    add_job(parser)
    parser.add_argument("--description", required=True, metavar="TEXT", help="for people")
    add_backend(parser)
    add_json(parser)
    add_quiet(parser)


def run(args: Namespace) -> int:
    """Change a job's description."""
    from anyfit.job import find_job

    job = find_job(open_session(args), args.job)
    job.set_description(args.description)
    if args.json:
        print_json({"ref": str(job.ref), "description": job.spec.description})
        return 0
    say(args, f"{job.spec.key} is described as {args.description!r}")
    return 0
