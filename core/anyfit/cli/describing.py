"""The job that the arguments describe: a job file or a script, and what the command line changes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from anyfit.cli.parser import add_set

if TYPE_CHECKING:
    from argparse import Namespace

    from anyfit.cli.parser import Parser
    from anyfit.estimator import Estimator
    from anyfit.jobfile import JobFile

__all__ = ["add_description", "described", "estimator_for"]


def add_description(parser: Parser) -> None:
    """The arguments that describe a job."""
    parser.passes_arguments = True
    parser.usage = f"{parser.prog} [options] [FILE] [-- SCRIPT ARGUMENTS]"
    parser.add_argument(
        "file", nargs="?", default="job.toml", metavar="FILE", help="job file, its folder, or a script (job.toml)"
    )
    parser.add_argument(
        "--input",
        dest="inputs",
        metavar="[CHANNEL=]PATH",
        action="append",
        default=[],
        help="data for a channel, `training` where none is named; again for more",
    )
    parser.add_argument("--name", metavar="NAME", help="the job's name")
    parser.add_argument("--version-of", metavar="JOB", help="make a new version of this job")
    add_set(parser)


def described(args: Namespace) -> JobFile:
    """The job with everything that the command line says of it."""
    import json

    from anyfit.errors import UsageError
    from anyfit.jobfile import load_job_file

    changes = list(args.overrides)
    channels: set[str] = set()
    for text in args.inputs:
        channel, equals, path = text.rpartition("=")
        channel = channel if equals else "training"
        if channel in channels:
            raise UsageError(f"--input {text}: the channel {channel} is given twice", hint="name each channel once")
        channels.add(channel)
        changes.append(f"inputs.{json.dumps(channel)}={path}")
    if args.name:
        changes.append(f"job_name={args.name}")
    return load_job_file(args.file).overriding(changes)


def estimator_for(file: JobFile, args: Namespace) -> Estimator:
    """The estimator of the job."""
    from anyfit.cli.output import show_warnings

    show_warnings()
    return file.estimator(backend=args.backend, profile=args.profile, arguments=args.script_arguments)
