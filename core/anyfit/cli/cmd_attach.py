"""The log is printed from its beginning. Ctrl-C detaches again; a job that has ended is told as `fit` tells it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from anyfit.cli.following import add_following, console_for, follow_to_end
from anyfit.cli.parser import add_backend, add_job, add_json, add_quiet

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace


def add_arguments(parser: ArgumentParser) -> None:
    """What `anyfit attach` takes."""
    add_job(parser)
    add_following(parser)
    add_backend(parser)
    add_json(parser)
    add_quiet(parser)


def run(args: Namespace) -> int:
    """Follow a job."""
    from anyfit.cli.parser import open_session
    from anyfit.job import find_job

    session = open_session(args)
    console = console_for(args)
    for sentence in session.reconcile():
        console.say(sentence)
    return follow_to_end(find_job(session, args.job), args, console)
