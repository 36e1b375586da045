"""Whoever has the URL may do this, and nothing else, until it expires."""

from __future__ import annotations

import argparse
import re
from typing import TYPE_CHECKING

from anyfit.cli.output import print_json
from anyfit.cli.parser import add_backend, add_json
from anyfit.cli.storing import open_stores, shown

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

_UNITS = {"": 1, "s": 1, "m": 60, "min": 60, "h": 3600, "d": 86400}
_LONGEST = 7 * 86400


def add_arguments(parser: ArgumentParser) -> None:
    """What `anyfit presign` takes."""
    parser.add_argument("uri", metavar="URI", help="an object")
    parser.add_argument(
        "--expires", "--expires-in", type=_span, default=3600, metavar="TIME", help="3600, 30m, 12h, 7d at most (1h)"
    )
    parser.add_argument(
        "--method", choices=("GET", "PUT", "HEAD", "DELETE"), default="GET", help="what it is for (GET)"
    )
    add_backend(parser)
    add_json(parser)


def run(args: Namespace) -> int:
    """Print a URL that lets anybody in."""
    from anyfit.errors import UsageError
    from anyfit.storage.uri import Uri

    uri = Uri.parse(args.uri)
    if uri.is_dir:
        raise UsageError(f"{shown(uri)} is a directory", hint="name one object")
    with open_stores(args) as stores:
        url = stores(uri).presign(uri.key, method=args.method, expires=args.expires)
    if args.json:
        print_json({"url": url, "method": args.method, "expires_in": args.expires})
    else:
        print(url)
    return 0


def _span(text: str) -> int:
    found = re.fullmatch(r"(\d+)\s*(s|m|min|h|d)?", text)
    seconds = int(found[1]) * _UNITS[found[2] or ""] if found else 0
    if not 0 < seconds <= _LONGEST:
        raise argparse.ArgumentTypeError(f"{text!r} is no time from 1s to 7d")
    return seconds
