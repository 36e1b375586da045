"""anyfit cp model.pt s3://bucket/models/       into the directory, for the slash
anyfit cp -r data s3://bucket/data/          what is in data
anyfit cp 's3://bucket/logs/*.txt' logs/     what fits; * goes through directories
anyfit cp - s3://bucket/key                  from stdin; anyfit cp s3://bucket/key - to stdout
"""

from __future__ import annotations

import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

from anyfit.cli.output import print_json, say
from anyfit.cli.storing import Moving, add_transfer, open_stores, selected, shown

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace
    from collections.abc import Iterator

    from anyfit.storage.selection import Selection
    from anyfit.storage.uri import Uri
    from anyfit.stores import Stores


def add_arguments(parser: ArgumentParser) -> None:
    """What `anyfit cp` takes."""
    parser.add_argument("sources", metavar="SOURCE", nargs="+", help="a URI or path, or - for stdin")
    parser.add_argument("target", metavar="TARGET", help="a URI or path, or - for stdout")
    parser.add_argument("-r", "--recursive", action="store_true", help="a directory, with all below it")
    add_transfer(parser, compare="always")


def run(args: Namespace) -> int:
    """Copy, in any direction."""
    from anyfit.storage.uri import Uri

    if "-" in (*args.sources, args.target):
        return _pipe(args)
    target = Uri.parse(args.target)
    selections = [selected(args, text) for text in args.sources]
    moving = Moving(args)
    with open_stores(args) as stores:
        _check(args, selections, target, stores)
        for selection in selections:
            moving.run(selection, target, stores)
    return moving.end()


def _check(args: Namespace, selections: list[Selection], target: Uri, stores: Stores) -> None:
    """Refuse directories that nobody asked for, and several things for one place."""
    from anyfit.errors import UsageError
    from anyfit.storage.places import find_source

    several = len(selections) > 1
    if several and not (target.is_dir or (target.is_local and target.path.is_dir())):
        raise UsageError(f"{args.target} is no directory", hint=f"several go into one: {args.target}/")
    for selection in selections:
        if selection.wildcards or (args.recursive and not several):
            continue
        if find_source(selection.uri, stores).entry is None:
            hint = "copy one directory at a time" if args.recursive else "add -r to copy what is in it"
            raise UsageError(f"{shown(selection.uri)} is a directory", hint=hint)


def _pipe(args: Namespace) -> int:
    from anyfit.errors import UsageError
    from anyfit.storage.uri import Uri

    if len(args.sources) > 1 or args.sources[0] == args.target:
        raise UsageError("one of source and target can be -, and the other has to be one object")
    with open_stores(args) as stores:
        if args.target == "-":
            from anyfit.cli.cmd_cat import print_object

            print_object(Uri.parse(args.sources[0]), stores)
            return 0
        size = _from_stdin(Uri.parse(args.target), stores)
    if args.json:
        print_json({"copied": 1, "bytes": size})
    else:
        from anyfit.show import size_text

        say(args, f"1 copied ({size_text(size)})")
    return 0


def _from_stdin(target: Uri, stores: Stores) -> int:
    from anyfit.errors import UsageError
    from anyfit.storage.stream import write_stream

    if target.is_dir:
        raise UsageError(f"{target} is a directory", hint="name the object to make of stdin")
    with _told_to_end():
        return write_stream(sys.stdin.buffer, stores(target), target.key)


class _Terminated(KeyboardInterrupt):
    """A signal asked this process to end; its code is the shell's for that."""

    def __init__(self, number: int) -> None:
        self.exit_code = 128 + number


@contextmanager
def _told_to_end() -> Iterator[None]:
    """Let signals that end a process be errors, so that nothing half-sent stays with the service."""
    import signal

    def end(number: int, frame: object) -> None:
        raise _Terminated(number)

    old = {number: signal.signal(number, end) for number in (signal.SIGTERM, signal.SIGHUP)}
    try:
        yield
    finally:
        for number, handler in old.items():
            signal.signal(number, handler)
