"""Metrics are what the regular expressions of metric_definitions find in the log."""

from __future__ import annotations

from typing import TYPE_CHECKING

from anyfit.cli.output import print_json, say
from anyfit.cli.parser import add_backend, add_job, add_json, add_quiet, open_session

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace


def add_arguments(parser: ArgumentParser) -> None:
    """What `anyfit metrics` takes."""
    add_job(parser)
    add_backend(parser)
    add_json(parser)
    add_quiet(parser)


def run(args: Namespace) -> int:
    """Show a job's metrics."""
    from anyfit.cli.curves import print_curves
    from anyfit.codec import to_data
    from anyfit.job import find_job

    job = find_job(open_session(args), args.job)
    series = job.metrics()
    if args.json:
        print_json(to_data(series))
    elif series:
        print_curves(series)
    elif job.spec.metric_definitions:
        say(args, "the log holds no value of a metric yet")
    else:
        say(args, "the job defines no metrics; [metric_definitions] of a job file names them: loss = 'loss=([0-9.]+)'")
    return 0
