"""anyfit endpoints                    every endpoint, and how it is
anyfit endpoints NAME               one of them, and what it serves
anyfit endpoints logs NAME [-f]     what its servers said, or what happened to them
anyfit endpoints metrics NAME       its requests and what it uses
anyfit endpoints stop NAME          stop serving, for start to go on
anyfit endpoints start NAME
anyfit endpoints update NAME --model iris:1=90 --model iris:2=10
anyfit endpoints delete NAME [--models]
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from anyfit.cli.output import facts, local_time, print_json, print_record, say, table
from anyfit.cli.parser import add_backend, add_json, add_quiet, at_least, open_session

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace
    from collections.abc import Mapping

    from anyfit.predictor import Predictor
    from anyfit.session import Session
    from anyfit.spec import Variant


def add_arguments(parser: ArgumentParser) -> None:
    """What `anyfit endpoints` takes."""
    parser.usage = "anyfit endpoints [logs|metrics|stop|start|update|delete] [NAME] [options]"
    parser.add_argument("words", metavar="NAME", nargs="*", help="an endpoint's name, after what to do with it")
    parser.add_argument("-f", "--follow", action="store_true", help="logs: go on until Ctrl-C")
    parser.add_argument("--tail", type=at_least(0), metavar="N", help="logs: begin with the last N lines")
    parser.add_argument("--models", action="store_true", help="delete: also the model versions that it serves")
    parser.add_argument(
        "--model", dest="weights", metavar="MODEL[=WEIGHT]", action="append", help="update: what to serve instead"
    )
    parser.add_argument("--instance-count", type=at_least(1), metavar="N", help="update: how many servers")
    parser.add_argument("--instance-type", metavar="TYPE", help="update: on what")
    add_backend(parser)
    add_json(parser)
    add_quiet(parser)


def run(args: Namespace) -> int:
    """List endpoints, or look after one."""
    from anyfit.errors import UsageError
    from anyfit.predictor import find_endpoint

    session = open_session(args)
    for sentence in session.reconcile():
        say(args, sentence)
    if not args.words:
        return _list(session, args)
    action, names = ("show", args.words) if args.words[0] not in _ACTIONS else (args.words[0], args.words[1:])
    if not names:
        raise UsageError(f"endpoints {action}: name the endpoint", hint="anyfit endpoints lists them")
    if len(names) != 1:
        raise UsageError(f"cannot read {' '.join(args.words)!r}", hint="anyfit endpoints --help shows what it takes")
    return _ACTIONS[action](find_endpoint(session, names[0]), args)


def _list(session: Session, args: Namespace) -> int:
    from anyfit.listing import every_endpoint

    pairs = every_endpoint(session, args.backend or "")
    if args.json:
        from anyfit.codec import to_data

        print_json([{"name": p.name, "ref": str(p.ref), "backend": p.ref.backend, **to_data(s)} for p, s in pairs])
        return 0
    rows = [(p.name, s.status.value, p.ref.backend, local_time(s.created_at), s.url, s.reason) for p, s in pairs]
    table(("NAME", "STATUS", "BACKEND", "CREATED", "ADDRESS", "REASON"), rows)
    if not rows:
        say(args, "no endpoints; anyfit deploy JOB makes one")
    return 0


def _show(predictor: Predictor, args: Namespace) -> int:
    if args.json:
        print_json(predictor.to_json())
        return 0
    state = predictor.info()
    variants = state.spec.variants if state.spec else ()
    names = predictor.model_names() if variants else {}
    facts(
        [
            ("endpoint", predictor.name),
            ("reference", str(predictor.ref)),
            ("status", state.status.value),
            ("reason", state.reason),
            ("address", state.url),
            ("created", local_time(state.created_at)),
            *(("serves", _served(variant, names)) for variant in variants),
        ]
    )
    stopped = state.status.value == "STOPPED"
    command = f"endpoints start {predictor.name}" if stopped else f"predict {predictor.name} --data JSON"
    say(args, f"next: anyfit {command}")
    return 0


def _served(variant: Variant, names: Mapping[str, str]) -> str:
    name = names.get(variant.model)
    model = f"{name} ({variant.model})" if name else variant.model
    return f"{model} x {variant.instance_count}, weight {variant.weight:g}"


def _logs(predictor: Predictor, args: Namespace) -> int:
    for line in predictor.logs(follow=args.follow, tail=args.tail):
        if args.json:
            print_record(line, flush=args.follow)
        else:
            print(line.text, flush=args.follow)
    return 0


def _metrics(predictor: Predictor, args: Namespace) -> int:
    from anyfit.cli.curves import print_curves
    from anyfit.codec import to_data

    series = predictor.metrics()
    if args.json:
        print_json(to_data(series))
    elif series:
        print_curves(series)
    else:
        say(args, "there are no figures yet")
    return 0


def _stop(predictor: Predictor, args: Namespace) -> int:
    predictor.stop()
    return _changed(predictor, args)


def _start(predictor: Predictor, args: Namespace) -> int:
    predictor.start()
    return _changed(predictor, args)


def _update(predictor: Predictor, args: Namespace) -> int:
    from anyfit.errors import UsageError

    if not (args.weights or args.instance_count is not None or args.instance_type):
        raise UsageError(
            "endpoints update: there is nothing to change", hint="anyfit endpoints --help shows what can be"
        )
    predictor.update(
        models=dict(map(_weight, args.weights)) if args.weights else None,
        initial_instance_count=args.instance_count,
        instance_type=args.instance_type,
    )
    return _changed(predictor, args)


def _delete(predictor: Predictor, args: Namespace) -> int:
    predictor.delete(model=args.models)
    if args.json:
        print_json({"deleted": str(predictor.ref)})
    else:
        say(args, f"endpoint {predictor.name} is gone")
    return 0


_ACTIONS = {
    "show": _show,
    "logs": _logs,
    "metrics": _metrics,
    "stop": _stop,
    "start": _start,
    "update": _update,
    "delete": _delete,
}


def _changed(predictor: Predictor, args: Namespace) -> int:
    if args.json:
        print_json(predictor.to_json())
    else:
        print(f"{predictor.name} {predictor.info().status.value}")
    return 0


def _weight(text: str) -> tuple[str, float]:
    from anyfit.errors import UsageError

    name, equals, weight = text.rpartition("=")
    try:
        return (name, float(weight)) if equals else (text, 1.0)
    except ValueError:
        raise UsageError(f"--model {text}: {weight!r} is no weight", hint="write --model iris:1=0.9") from None
