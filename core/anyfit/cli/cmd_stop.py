"""A job that is told to stop may still save its checkpoints; it is no error if it has ended.

Of several jobs each is stopped that can be.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from anyfit.cli.output import print_json, say
from anyfit.cli.parser import add_backend, add_jobs, add_json, add_quiet, open_session

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

    from anyfit.job import Job
    from anyfit.session import Session


def add_arguments(parser: ArgumentParser) -> None:
    """What `anyfit stop` takes."""
    add_jobs(parser)
    add_backend(parser)
    add_json(parser)
    add_quiet(parser)


def run(args: Namespace) -> int:
    """Stop jobs."""
    from anyfit.cli.several import each
    from anyfit.job import refresh_all

    session = open_session(args)
    jobs, faults = each(args.names, lambda name: _stopped(session, name))
    states = refresh_all(jobs)
    if args.json and jobs:
        print_json([job.to_json() for job in jobs] + faults.to_json())
        return faults.exit_code()
    for job, state in zip(jobs, states, strict=True):
        print(f"{job.spec.key} {state.status.value if state.status.finished else 'STOPPING'}")
        say(args, f"next: anyfit rerun {job.spec.key}")
    faults.tell()
    return 0


def _stopped(session: Session, name: str) -> Job:
    from anyfit.job import find_job

    job = find_job(session, name)
    job.stop()
    return job
