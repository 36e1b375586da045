"""anyfit config show [--origin]    every value in force, secrets masked
anyfit config path               the files that are read, and where anyfit.toml would be looked for
anyfit config check              tells everything that is wrong in them, with exit code 2
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from anyfit.cli.output import print_json, say, show_warnings, table
from anyfit.cli.parser import add_backend, add_json

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace


def add_arguments(parser: ArgumentParser) -> None:
    """What `anyfit config` takes."""
    parser.add_argument(
        "action", nargs="?", default="show", choices=("show", "path", "check"), help="what to do (show)"
    )
    parser.add_argument("--origin", action="store_true", help="show: also where each value comes from")
    add_backend(parser)
    add_json(parser)


def run(args: Namespace) -> int:
    """Show the configuration."""
    return {"show": _show, "path": _path, "check": _check}[args.action](args)


def _show(args: Namespace) -> int:
    from anyfit.config import load_config
    from anyfit.plugins import backend_factory

    show_warnings()
    config = load_config(args.profile).with_arguments(backend=args.backend)
    names = dict.fromkeys([config.core.backend, *config.tables])
    entries = config.entries(*map(backend_factory, names))
    if args.json:
        print_json({e.key: {"value": e.data, "origin": e.origin} if args.origin else e.data for e in entries})
        return 0
    if args.origin:
        table(("KEY", "VALUE", "FROM"), [(e.key, e.value, e.origin) for e in entries], cut=1)
    else:
        table(("KEY", "VALUE"), [(e.key, e.value) for e in entries])
    return 0


def _path(args: Namespace) -> int:
    import os

    from anyfit.config import load_config
    from anyfit.config.files import FILE_NAME, user_folder

    config = load_config(args.profile)
    read = [str(file.path) for file in config.files]
    folder = user_folder(os.environ)
    user = str(folder / FILE_NAME) if folder else None
    if args.json:
        print_json({"read": read, "user_file": user, "home": str(config.home)})
        return 0
    for path in read:
        print(path)
    if not read:
        say(args, f"no file is read; {FILE_NAME} may stand in this folder or one above it, or be {user}")
    return 0


def _check(args: Namespace) -> int:
    from anyfit.config import load_config

    config = load_config(args.profile)
    config.check_files()
    if args.json:
        print_json({"read": [str(file.path) for file in config.files]})
    else:
        files = ", ".join(file.label for file in config.files)
        say(args, f"nothing is wrong in {files}" if files else "no file is read")
    return 0
