"""Writes job.toml, train.py and inference.py, which run as they are: anyfit fit. Nothing is overwritten."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from anyfit.cli.output import print_json, say
from anyfit.cli.parser import add_json, add_quiet

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

_FILES = ("job.toml", "train.py", "inference.py")


def add_arguments(parser: ArgumentParser) -> None:
    """What `anyfit init` takes."""
    parser.add_argument("folder", nargs="?", default=".", metavar="DIR", help="where; made if need be (.)")
    add_json(parser)
    add_quiet(parser)


def run(args: Namespace) -> int:
    """Write files to begin with."""
    from anyfit.errors import Conflict, UsageError

    folder = Path(args.folder)
    try:
        if there := ", ".join(name for name in _FILES if (folder / name).exists()):
            raise Conflict(f"{folder}: there is already {there}", hint="name another folder: anyfit init DIR")
        folder.mkdir(parents=True, exist_ok=True)
        for name in _FILES:
            _write(folder / name)
    except OSError as fault:
        raise UsageError(f"{fault.filename or folder}: cannot be written: {fault.strerror}") from fault
    paths = [str(folder / name) for name in _FILES]
    if args.json:
        print_json({"written": paths})
    else:
        print("\n".join(paths))
    say(args, f"next: anyfit fit {folder / 'job.toml'}")
    return 0


def _write(path: Path) -> None:
    text = (Path(__file__).parent / "templates" / path.name).read_bytes()
    with path.open("xb") as stream:
        stream.write(text)
