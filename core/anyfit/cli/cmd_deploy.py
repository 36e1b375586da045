"""The endpoint's name is printed on stdout. With --file the [deploy] table of a job file says how."""

from __future__ import annotations

from typing import TYPE_CHECKING

from anyfit.cli.deploying import deploy
from anyfit.cli.output import show_warnings
from anyfit.cli.parser import add_backend, add_environment, add_job, add_json, add_quiet, at_least, environment_of

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace
    from typing import Any


def add_arguments(parser: ArgumentParser) -> None:
    """What `anyfit deploy` takes."""
    add_job(parser)
    parser.add_argument("--model", metavar="MODEL", help="a registered model, NAME:VERSION, instead of a job's")
    parser.add_argument("--name", metavar="NAME", help="the endpoint's name; the job's by default")
    parser.add_argument("--instance-type", metavar="TYPE", help="as for training")
    parser.add_argument("--instance-count", type=at_least(1), metavar="N", help="how many servers")
    parser.add_argument("--model-name", metavar="NAME", help="the model's name; the job's by default")
    parser.add_argument("--entry-point", metavar="FILE", help="the inference script; inference.py by default")
    parser.add_argument("--source-dir", metavar="DIR", help="where it is; the job's own code by default")
    add_environment(parser)
    parser.add_argument("--file", metavar="FILE", help="a job file whose [deploy] table holds for what is not given")
    parser.add_argument("--no-wait", action="store_true", help="do not wait until it answers")
    add_backend(parser)
    add_json(parser)
    add_quiet(parser)


def run(args: Namespace) -> int:
    """Serve a job's model."""
    from anyfit.estimator import Estimator

    show_warnings()
    arguments = _arguments(args)
    if args.model:
        return _deploy_model(arguments, args)
    estimator = Estimator.attach(args.job, backend=args.backend, profile=args.profile)
    return deploy(estimator, arguments, args, wait=not args.no_wait)


def _deploy_model(arguments: dict[str, Any], args: Namespace) -> int:
    from anyfit.cli.deploying import told
    from anyfit.cli.output import say
    from anyfit.errors import UsageError
    from anyfit.model import find_model
    from anyfit.session import Session

    for name in ("job", "model_name", "entry_point", "source_dir"):
        if given := getattr(args, name):
            raise UsageError(f"--model and {given}: the model is made already", hint="leave one out")
    session = Session.open(backend=args.backend, profile=args.profile)
    for sentence in session.reconcile():
        say(args, sentence)
    model = find_model(session, args.model)
    return told(f"model {model.name}:{model.version}", args, lambda: model.deploy(**arguments, wait=not args.no_wait))


def _arguments(args: Namespace) -> dict[str, Any]:
    from anyfit.jobfile import load_job_file

    given = {
        "endpoint_name": args.name,
        "instance_type": args.instance_type,
        "initial_instance_count": args.instance_count,
        "model_name": args.model_name,
        "entry_point": args.entry_point,
        "source_dir": args.source_dir,
    }
    file = dict(load_job_file(args.file).deploy) if args.file else {}
    if environment := environment_of(args):
        file["environment"] = {**(file.get("environment") or {}), **environment}
    return file | {name: value for name, value in given.items() if value is not None}
