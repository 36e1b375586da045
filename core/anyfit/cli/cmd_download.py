"""The folder is printed on stdout; files that are there already are written anew, each whole or not at all."""

from __future__ import annotations

from typing import TYPE_CHECKING

from anyfit.cli.output import print_json
from anyfit.cli.parser import add_backend, add_job, add_json, open_session

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

    folder = find_job(open_session(args), args.job).download(args.to, kind=args.kind)
    if args.json:
        print_json({"folder": str(folder)})
    else:
        print(folder)
    return 0
