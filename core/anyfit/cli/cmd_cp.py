"""anyfit cp model.pt s3://bucket/models/       into the directory, for the slash
anyfit cp -r data s3://bucket/data/          what is in data
anyfit cp 's3://bucket/logs/*.txt' logs/     what fits; * goes through directories
anyfit cp - s3://bucket/key                  from stdin; anyfit cp s3://bucket/key - to stdout
anyfit cp s3://bucket/key pipe               into a named pipe or a device
"""

from __future__ import annotations

import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

from anyfit.cli.output import print_json, say
from anyfit.cli.storing import Moving, add_transfer, open_stores, selected, shown

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace
    from collections.abc import Iterable, Iterator
    from pathlib import Path

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
    from anyfit.storage.selection import together
    from anyfit.storage.uri import Uri

    # These may be links to files, which are written into and never replaced.
    args.sources = ["-" if text == "/dev/stdin" else text for text in args.sources]
    args.target = "-" if args.target == "/dev/stdout" else args.target
    if "-" in (*args.sources, args.target):
        return _pipe(args)
    target = Uri.parse(args.target)
    if _is_pipe(target) and not args.dry_run:
        return _into_pipe(args, target)
    selections = [selected(args, text) for text in args.sources]
    moving = Moving(args)
    with open_stores(args) as stores:
        _check(args, selections, target, stores)
        if len(selections) > 1 and args.compare == "always" and not target.is_local:
            selections = together(selections)
        moving.run_each(selections, target, stores)
    return moving.end()


def _check(args: Namespace, selections: list[Selection], target: Uri, stores: Stores) -> None:
    """Of several, refuse directories and two for one place before any is copied."""
    from anyfit.errors import UsageError
    from anyfit.storage.places import find_source

    if len(selections) == 1:
        return
    if not (target.is_dir or (target.is_local and target.path.is_dir())):
        raise UsageError(f"{args.target} is no directory", hint=f"several go into one: {args.target}/")
    named: dict[str, Selection] = {}
    for selection in selections:
        if selection.wildcards:
            continue
        if find_source(selection.uri, stores).entry is None:
            hint = "copy one directory at a time" if args.recursive else "add -r to copy what is in it"
            raise UsageError(f"{shown(selection.uri)} is a directory", hint=hint)
        name = selection.uri.name
        if (other := named.setdefault(name, selection)).uri != selection.uri:
            both = f"{shown(other.uri)} and {shown(selection.uri)}"
            raise UsageError(
                f"{both} would both be {shown(target.as_dir().join(name))}", hint="give one a name of its own"
            )


def _pipe(args: Namespace) -> int:
    from anyfit.errors import UsageError
    from anyfit.storage.uri import Uri

    if len(args.sources) > 1 or args.sources[0] == args.target:
        raise UsageError("one of source and target can be -, and the other has to be one object")
    if args.dry_run:
        raise UsageError("a stream cannot be tried without being used up", hint="leave --dry-run out")
    with open_stores(args) as stores:
        if args.target == "-":
            from anyfit.cli.cmd_cat import print_object

            print_object(Uri.parse(args.sources[0]), stores, bandwidth=args.limit_rate)
            return 0
        size = _from_stdin(args, Uri.parse(args.target), stores)
    return _told(args, size)


def _told(args: Namespace, size: int) -> int:
    if args.json:
        print_json({"copied": 1, "bytes": size})
    else:
        from anyfit.show import size_text

        say(args, f"1 copied ({size_text(size)})")
    return 0


def _is_pipe(target: Uri) -> bool:
    """Whether bytes are written into what is there, as it is with a named pipe and a terminal."""
    import stat

    if not target.is_local:
        return False
    try:
        mode = target.path.stat().st_mode
    except OSError:
        return False
    return stat.S_ISFIFO(mode) or stat.S_ISCHR(mode)


def _into_pipe(args: Namespace, target: Uri) -> int:
    from anyfit.cli.cmd_cat import object_of
    from anyfit.errors import UsageError
    from anyfit.storage.stream import read_stream

    selection = selected(args, args.sources[0])
    if len(args.sources) > 1 or selection.wildcards:
        raise UsageError(f"{shown(target)} is a pipe or a device", hint="it takes one object at a time")
    with open_stores(args) as stores:
        store, entry = object_of(selection.uri, stores)
        size = _pour(read_stream(store, entry.key, bandwidth=args.limit_rate), target.path)
    return _told(args, size)


def _pour(pieces: Iterable[bytes], path: Path) -> int:
    """Write into what is there; answers the bytes."""
    import os

    from anyfit.storage.file import os_error

    size = 0
    try:
        fd = os.open(path, os.O_WRONLY | os.O_CLOEXEC)
    except OSError as error:
        raise os_error(error, str(path)) from error
    try:
        for data in pieces:
            view = memoryview(data)
            while view:
                try:
                    view = view[os.write(fd, view) :]
                except OSError as error:
                    raise os_error(error, str(path)) from error
            size += len(data)
    finally:
        os.close(fd)
    return size


def _from_stdin(args: Namespace, target: Uri, stores: Stores) -> int:
    from anyfit.errors import UsageError
    from anyfit.storage.places import followed
    from anyfit.storage.stream import read_pipe, write_stream

    if target.is_dir:
        raise UsageError(f"{shown(target)} is a directory", hint="name the object to make of stdin")
    if _is_pipe(target):
        return _pour(read_pipe(sys.stdin.buffer, bandwidth=args.limit_rate), target.path)
    target = followed(target)
    try:
        with _told_to_end():
            return write_stream(sys.stdin.buffer, stores(target), target.key, bandwidth=args.limit_rate)
    except KeyboardInterrupt:
        say(args, "interrupted; a stream cannot go on, and what was sent of it is thrown away")
        raise


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
