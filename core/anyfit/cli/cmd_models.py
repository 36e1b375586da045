"""anyfit models                       the newest versions
anyfit models NAME                  those of one name
anyfit models --all                 every version
anyfit models delete NAME:VERSION   remove one version
anyfit models delete NAME --all     remove every version
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from anyfit.cli.output import local_time, print_json, say, table
from anyfit.cli.parser import add_backend, add_json, add_quiet, at_least, open_session

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

    from anyfit.model import Model
    from anyfit.session import Session


_NEWEST = 20


def add_arguments(parser: ArgumentParser) -> None:
    """What `anyfit models` takes."""
    parser.add_argument("words", metavar="NAME", nargs="*", help="a model's name, or delete NAME:VERSION")
    parser.add_argument("-n", type=at_least(0), default=_NEWEST, metavar="N", help=f"the newest N ({_NEWEST})")
    parser.add_argument("-a", "--all", action="store_true", help="every version; with delete, of that name")
    add_backend(parser)
    add_json(parser)
    add_quiet(parser)


def run(args: Namespace) -> int:
    """List or delete models."""
    from anyfit.errors import UsageError

    session = open_session(args)
    if args.words[:1] == ["delete"]:
        return _delete(session, args)
    if len(args.words) > 1:
        raise UsageError(f"cannot read {' '.join(args.words)!r}", hint="anyfit models --help shows what it takes")
    backend = session.backend()
    name = args.words[0] if args.words else ""
    every = backend.models(name)
    models = every if args.all else every[: args.n]
    if args.json:
        from anyfit.codec import to_data

        print_json([to_data(info) | {"ref": str(info.ref)} for info in models])
        return 0
    heads = ("NAME", "VERSION", "STATUS", "CREATED", "REFERENCE")
    table(heads, [(i.name, i.version, i.status.value, local_time(i.created_at), str(i.ref)) for i in models])
    if not every and name:
        say(args, f"no model is called {name!r} on {backend.name}; anyfit models lists them")
    elif not every:
        say(args, f"no models on {backend.name}; anyfit register JOB makes one")
    elif len(models) < len(every):
        say(args, f"{len(every) - len(models)} older ones are not shown; --all shows them")
    return 0


def _delete(session: Session, args: Namespace) -> int:
    from anyfit.errors import UsageError

    if not args.words[1:]:
        raise UsageError("models delete: name the model", hint="anyfit models lists them")
    from anyfit.cli.several import each

    deleted, faults = each(args.words[1:], lambda word: _deleted(session, word, args))
    if args.json and deleted:
        print_json([{"deleted": str(model.ref)} for models in deleted for model in models] + faults.to_json())
        return faults.exit_code()
    faults.tell()
    return 0


def _deleted(session: Session, word: str, args: Namespace) -> list[Model]:
    """The versions that a word means, which are gone."""
    from anyfit.errors import UsageError
    from anyfit.model import Model, find_model

    if not args.all and ":" not in word:
        hint = f"anyfit models {word} lists them; --all means every one"
        raise UsageError(f"models delete: {word!r} names no version", hint=hint)
    models = [find_model(session, word)]
    if args.all:
        backend = models[0].backend
        models = [Model(session, backend, info) for info in backend.models(models[0].name)]
    for model in models:
        model.delete()
        say(args, f"model {model.name}:{model.version} is gone")
    return models
