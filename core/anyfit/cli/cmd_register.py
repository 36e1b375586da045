"""anyfit register JOB                     a model version of what a job has left
anyfit register --from URI --name NAME   of files that no job has left

The model's reference is printed on stdout. deploy registers by itself; this is for deploying later.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from anyfit.cli.output import print_json, say, show_warnings
from anyfit.cli.parser import add_backend, add_environment, add_job, add_json, add_quiet, environment_of, open_session

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

    from anyfit.model import Model

_FILES_ONLY = ("framework", "framework_version", "image")


def add_arguments(parser: ArgumentParser) -> None:
    """What `anyfit register` takes."""
    add_job(parser)
    parser.add_argument("--from", dest="artifact", metavar="URI", help="the folder with the model's files, or a path")
    parser.add_argument("--name", default="", metavar="NAME", help="the model's name; the job's by default")
    parser.add_argument("--version", default="", metavar="VERSION", help="counted by default")
    parser.add_argument("--entry-point", default="", metavar="FILE", help="the inference script")
    parser.add_argument("--source-dir", default="", metavar="DIR", help="where it is; the job's own code by default")
    parser.add_argument("--framework", default="", metavar="NAME", help="with --from: the platform's image to serve in")
    parser.add_argument("--framework-version", default="", metavar="VERSION", help="with --from: which one of them")
    parser.add_argument("--image", default="", metavar="URI", help="with --from: an image of your own")
    add_environment(parser)
    parser.add_argument("--description", default="", metavar="TEXT", help="for people")
    parser.add_argument("--no-wait", dest="wait", action="store_false", help="return before it can be deployed")
    add_backend(parser)
    add_json(parser)
    add_quiet(parser)


def run(args: Namespace) -> int:
    """Make a model version."""
    show_warnings()
    model = _of_files(args) if args.artifact else _of_job(args)
    if args.json:
        print_json({"name": model.name, "version": model.version, "ref": str(model.ref)})
        return 0
    print(model.ref)
    say(args, f"model {model.name}, version {model.version}")
    ours = model.backend.name == open_session(args).config.core.backend
    say(args, f"next: anyfit deploy --model {f'{model.name}:{model.version}' if ours else model.ref}")
    return 0


def _of_job(args: Namespace) -> Model:
    from anyfit.errors import UsageError
    from anyfit.estimator import Estimator

    for name in _FILES_ONLY:
        if getattr(args, name):
            option = f"--{name.replace('_', '-')}"
            raise UsageError(f"{option}: a job brings its own", hint="it goes with --from URI")
    return Estimator.attach(args.job, backend=args.backend, profile=args.profile).register(
        model_name=args.name,
        model_version=args.version,
        entry_point=args.entry_point,
        source_dir=args.source_dir,
        environment=environment_of(args),
        description=args.description,
        wait=args.wait,
    )


def _of_files(args: Namespace) -> Model:
    from anyfit.errors import UsageError
    from anyfit.registering import register_model

    if args.job:
        raise UsageError(f"--from and job {args.job}: a model is made of one of them", hint="leave one out")
    if not args.name:
        raise UsageError("--name: missing", hint="files have no job to be called by: --name NAME")
    return register_model(
        args.artifact,
        model_name=args.name,
        model_version=args.version,
        backend=args.backend,
        profile=args.profile,
        entry_point=args.entry_point,
        source_dir=args.source_dir,
        framework=args.framework,
        framework_version=args.framework_version,
        image_uri=args.image,
        environment=environment_of(args),
        description=args.description,
        wait=args.wait,
    )
