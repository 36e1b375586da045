"""The same code, inputs and hyperparameters under a new name, but for what --set changes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from anyfit.cli.following import add_following, console_for, follow_to_end
from anyfit.cli.output import print_json
from anyfit.cli.parser import add_backend, add_job, add_json, add_quiet, add_set, open_session

if TYPE_CHECKING:
    from argparse import Namespace

    from anyfit.cli.parser import Parser


def add_arguments(parser: Parser) -> None:
    """What `anyfit rerun` takes."""
    parser.passes_arguments = True
    add_job(parser)
    parser.add_argument("--name", metavar="NAME", help="the new job's name")
    parser.add_argument("--version", action="store_true", help="make a new version of the job instead")
    parser.add_argument("--no-wait", "--detach", action="store_true", help="submit, print the job's name, and leave")
    add_set(parser)
    add_following(parser)
    add_backend(parser)
    add_json(parser)
    add_quiet(parser)


def run(args: Namespace) -> int:
    """Run a job again."""
    from anyfit.job import find_job
    from anyfit.jobfile import job_again
    from anyfit.training import start

    job = find_job(open_session(args), args.job)
    file = job_again(job).overriding(args.overrides)
    estimator = file.estimator(backend=args.backend, profile=args.profile, arguments=args.script_arguments)
    console = console_for(args)
    again = start(
        estimator,
        file.inputs,
        job_name=args.name or file.job_name,
        version_of=job if args.version else None,
        console=console,
    )
    if not args.no_wait:
        return follow_to_end(again, args, console)
    print_json(again.to_json()) if args.json else print(again.spec.key)
    console.say(f"next: anyfit attach {again.spec.key}")
    return 0
