"""A job that is told to stop may still save its checkpoints; it is no error if it has ended."""

from __future__ import annotations

from typing import TYPE_CHECKING

from anyfit.cli.output import print_json, say
from anyfit.cli.parser import add_backend, add_jobs, add_json, add_quiet, open_session

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace


def add_arguments(parser: ArgumentParser) -> None:
    """What `anyfit stop` takes."""
    add_jobs(parser)
    add_backend(parser)
    add_json(parser)
    add_quiet(parser)


def run(args: Namespace) -> int:
    """Stop jobs."""
    from anyfit.job import find_job, refresh_all

    session = open_session(args)
    jobs = [find_job(session, name) for name in args.names]
    for job in jobs:
        job.stop()
    states = refresh_all(jobs)
    if args.json:
        print_json([job.to_json() for job in jobs])
        return 0
    for job, state in zip(jobs, states, strict=True):
        print(f"{job.spec.key} {state.status.value if state.status.finished else 'STOPPING'}")
        say(args, f"next: anyfit rerun {job.spec.key}")
    return 0
