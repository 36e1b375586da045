"""The folder is printed on stdout. Files appear whole or not at all; what is there unchanged is not fetched again,
and what was interrupted goes on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from anyfit.cli.output import print_json
from anyfit.cli.parser import add_backend, add_job, add_json, open_session
from anyfit.cli.storing import interruptible, progress_line

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace


def add_arguments(parser: ArgumentParser) -> None:
    """What `anyfit download` takes."""
    add_job(parser)
    parser.add_argument("--to", default=".", metavar="DIR", help="make the job's folder in this one (.)")
    parser.add_argument("--kind", default="", choices=("model", "output", "checkpoint", "log"), help="only this")
    add_backend(parser)
    add_json(parser)


def run(args: Namespace) -> int:
    """Bring here what a job left."""
    from anyfit.job import find_job

    job = find_job(open_session(args), args.job)
    progress = progress_line(args)
    with interruptible(args, progress):
        folder = job.download(args.to, kind=args.kind, on_progress=progress)
    if args.json:
        print_json({"folder": str(folder)})
    else:
        print(folder)
    return 0
