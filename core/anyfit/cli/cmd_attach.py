"""The log is printed from its beginning. Ctrl-C detaches again; a job that has ended is told as `fit` tells it, and
when it was."""

from __future__ import annotations

from typing import TYPE_CHECKING

from anyfit.cli.following import add_following, console_for, follow_to_end
from anyfit.cli.output import local_time
from anyfit.cli.parser import add_backend, add_job, add_json, add_quiet

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

    from anyfit.backend import JobState


def add_arguments(parser: ArgumentParser) -> None:
    """What `anyfit attach` takes."""
    add_job(parser)
    add_following(parser)
    add_backend(parser)
    add_json(parser)
    add_quiet(parser)


def run(args: Namespace) -> int:
    """Follow a job."""
    from contextlib import suppress

    from anyfit.cli.parser import open_session
    from anyfit.errors import ServiceError
    from anyfit.job import find_job

    session = open_session(args)
    console = console_for(args)
    for sentence in session.reconcile():
        console.say(sentence)
    job = find_job(session, args.job)
    with suppress(ServiceError):  # following waits until it can be asked
        if job.finished:
            console.say(_times(job.state))
    return follow_to_end(job, args, console)


def _times(state: JobState) -> str:
    times = (("created", state.created_at), ("started", state.started_at), ("ended", state.ended_at))
    return ", ".join(f"{name} {local_time(at)}" for name, at in times if at)
