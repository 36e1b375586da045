"""The answer is printed as JSON, or as it came where it is something else.

anyfit predict iris --data '[[5.1, 3.5, 1.4, 0.2]]'
anyfit predict iris --file rows.csv
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from anyfit.cli.parser import add_backend, add_json, open_session

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

    from anyfit.backend import Payload

_TYPES = {
    ".csv": "text/csv",
    ".json": "application/json",
    ".npy": "application/x-npy",
    ".txt": "text/plain",
}


def add_arguments(parser: ArgumentParser) -> None:
    """What `anyfit predict` takes."""
    parser.add_argument("endpoint", metavar="ENDPOINT", help="an endpoint's name or reference")
    data = parser.add_mutually_exclusive_group(required=True)
    data.add_argument("--data", metavar="TEXT", help="what to send; JSON unless --content-type says otherwise")
    data.add_argument("--file", metavar="FILE", help="a file to send as it is; - is stdin")
    parser.add_argument("--content-type", metavar="TYPE", help="what is sent; a file's name tells it by default")
    parser.add_argument("--accept", metavar="TYPE", default="application/json", help="how the answer should come")
    parser.add_argument("--pretty", action="store_true", help="JSON on many lines")
    add_backend(parser)
    add_json(parser)


def run(args: Namespace) -> int:
    """Ask an endpoint."""
    from anyfit.predictor import find_endpoint

    body, content_type = _payload(args)
    predictor = find_endpoint(open_session(args), args.endpoint)
    _print(predictor.invoke(body, content_type, args.accept), pretty=args.pretty)
    return 0


def _payload(args: Namespace) -> tuple[bytes, str]:
    from anyfit.errors import UsageError

    if args.data is not None:
        content_type = args.content_type or "application/json"
        if content_type == "application/json":
            _check_json(args.data)
        return args.data.encode(), content_type
    if args.file == "-":
        return sys.stdin.buffer.read(), args.content_type or "application/json"
    try:
        body = Path(args.file).expanduser().read_bytes()
    except OSError as fault:
        raise UsageError(f"--file: cannot read {args.file}: {fault.strerror}") from fault
    by_name = _TYPES.get(Path(args.file).suffix.lower(), "application/octet-stream")
    return body, args.content_type or by_name


def _check_json(text: str) -> None:
    import json

    from anyfit.errors import UsageError

    try:
        json.loads(text)
    except ValueError as fault:
        raise UsageError(
            f"--data: is not JSON: {fault}", hint="""write it as in --data '[[1, 2]]', or name its --content-type"""
        ) from None


def _print(answer: Payload, *, pretty: bool) -> None:
    import json

    if answer.content_type.partition(";")[0].strip() == "application/json":
        print(json.dumps(json.loads(answer.body), ensure_ascii=False, indent=2 if pretty else None))
        return
    sys.stdout.flush()
    sys.stdout.buffer.write(answer.body)
    if answer.content_type.startswith("text/") and not answer.body.endswith(b"\n"):
        sys.stdout.buffer.write(b"\n")
    sys.stdout.buffer.flush()
