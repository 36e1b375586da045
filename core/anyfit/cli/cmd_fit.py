"""FILE is a job file, a folder with a job.toml, or a script. Ctrl-C detaches; the job goes on.

anyfit fit job.toml --set hyperparameters.epochs=5 --backend local
anyfit fit train.py --input train=data -- --verbose
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from anyfit.cli.describing import add_description, described, estimator_for
from anyfit.cli.following import add_following, console_for, follow_to_end
from anyfit.cli.output import print_json
from anyfit.cli.parser import add_backend, add_json, add_quiet

if TYPE_CHECKING:
    from argparse import Namespace

    from anyfit.cli.parser import Parser
    from anyfit.console import Console
    from anyfit.job import Job


def add_arguments(parser: Parser) -> None:
    """What `anyfit fit` takes."""
    add_description(parser)
    parser.add_argument("--no-wait", "--detach", action="store_true", help="submit, print the job's name, and leave")
    parser.add_argument("--deploy", action="store_true", help="deploy the model afterwards, as [deploy] says")
    add_following(parser)
    add_backend(parser)
    add_json(parser)
    add_quiet(parser)


def run(args: Namespace) -> int:
    """Run a job."""
    from anyfit.training import start

    _check(args)
    file = described(args)
    estimator = estimator_for(file, args)
    if args.deploy:
        from anyfit.predictor import check_deployment

        check_deployment(estimator.session(), file.deploy)
    console = console_for(args)
    job = start(estimator, file.inputs, job_name=file.job_name, version_of=args.version_of, console=console)
    if args.no_wait:
        return _leave(job, args, console)
    if not args.deploy:
        return follow_to_end(job, args, console)
    from anyfit.cli.deploying import deploy
    from anyfit.training import watch

    watch(job, console=console, logs=not args.no_logs, tensorboard=args.tensorboard)
    return deploy(estimator, file.deploy, args)


def _check(args: Namespace) -> None:
    from anyfit.errors import UsageError

    for wish in ("deploy", "tensorboard"):
        if args.no_wait and getattr(args, wish):
            raise UsageError(f"--{wish} needs the end of the job, --no-wait does not wait for it", hint="leave out one")


def _leave(job: Job, args: Namespace, console: Console) -> int:
    if args.json:
        print_json(job.to_json())
    else:
        print(job.spec.key)
    console.say(f"next: anyfit attach {job.spec.key}")
    return 0
