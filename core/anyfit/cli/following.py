"""From a job to its end, for every command that follows one."""

from __future__ import annotations

import io
import sys
from typing import TYPE_CHECKING

from anyfit.cli.output import print_json

if TYPE_CHECKING:
    import argparse

    from anyfit.console import Console
    from anyfit.job import Job

__all__ = ["add_following", "console_for", "follow_to_end"]


def add_following(parser: argparse.ArgumentParser) -> None:
    """The options of commands that follow a job."""
    parser.add_argument("--no-logs", action="store_true", help="do not print the job's log")
    parser.add_argument("--tensorboard", action="store_true", help="run TensorBoard on the job's output meanwhile")


def console_for(args: argparse.Namespace) -> Console:
    """A console with log lines on stdout, or on stderr where stdout is for JSON."""
    from anyfit.console import Console

    return Console(
        out=sys.stderr if args.json else sys.stdout,
        talk=io.StringIO() if args.quiet else sys.stderr,
    )


def follow_to_end(job: Job, args: argparse.Namespace, console: Console) -> int:
    """Print what happens until the job's success; what else can happen is raised."""
    from anyfit.outcome import outcome_record
    from anyfit.training import watch

    watch(job, console=console, logs=not args.no_logs, tensorboard=args.tensorboard)
    if args.json:
        print_json(outcome_record(job))
    return 0
