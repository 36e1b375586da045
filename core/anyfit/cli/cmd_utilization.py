"""Samples of processor and memory, of accelerators where the backend knows them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from anyfit.cli.output import print_json, say
from anyfit.cli.parser import add_backend, add_job, add_json, add_quiet, open_session

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace


def add_arguments(parser: ArgumentParser) -> None:
    """What `anyfit utilization` takes."""
    add_job(parser)
    add_backend(parser)
    add_json(parser)
    add_quiet(parser)


def run(args: Namespace) -> int:
    """Show what a job used."""
    from anyfit.cli.curves import print_curves
    from anyfit.codec import to_data
    from anyfit.job import find_job

    series = find_job(open_session(args), args.job).utilization()
    if args.json:
        print_json(to_data(series))
    elif series:
        print_curves(series)
    else:
        say(args, "there are no samples; a job has to run for some seconds")
    return 0
