"""The model's reference is printed on stdout. deploy registers by itself; this is for deploying later."""

from __future__ import annotations

from typing import TYPE_CHECKING

from anyfit.cli.output import print_json, say, show_warnings
from anyfit.cli.parser import add_backend, add_environment, add_job, add_json, add_quiet, environment_of

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace


def add_arguments(parser: ArgumentParser) -> None:
    """What `anyfit register` takes."""
    add_job(parser)
    parser.add_argument("--name", default="", metavar="NAME", help="the model's name; the job's by default")
    parser.add_argument("--version", default="", metavar="VERSION", help="counted by default")
    parser.add_argument("--entry-point", default="", metavar="FILE", help="the inference script")
    parser.add_argument("--source-dir", default="", metavar="DIR", help="where it is; the job's own code by default")
    add_environment(parser)
    parser.add_argument("--description", default="", metavar="TEXT", help="for people")
    parser.add_argument("--no-wait", dest="wait", action="store_false", help="return before it can be deployed")
    add_backend(parser)
    add_json(parser)
    add_quiet(parser)


def run(args: Namespace) -> int:
    """Make a model version."""
    from anyfit.estimator import Estimator

    show_warnings()
    estimator = Estimator.attach(args.job, backend=args.backend, profile=args.profile)
    model = estimator.register(
        model_name=args.name,
        model_version=args.version,
        entry_point=args.entry_point,
        source_dir=args.source_dir,
        environment=environment_of(args),
        description=args.description,
        wait=args.wait,
    )
    if args.json:
        print_json({"name": model.name, "version": model.version, "ref": str(model.ref)})
        return 0
    print(model.ref)
    say(args, f"model {model.name}, version {model.version}")
    return 0
