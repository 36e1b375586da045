"""`anyfit __complete WORD...`: what the last word could become, for the scripts of `anyfit completion`."""

from __future__ import annotations

import os

from anyfit.cli.table import COMMANDS

TYPE_CHECKING = False  # a shell waits for this
if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["complete"]

_JOB_COMMANDS = ("attach", "deploy", "download", "edit", "logs", "metrics", "register", "rerun", "rm", "status", "stop",
                 "utilization")  # fmt: skip
_WORDS = {"completion": ("bash", "zsh", "fish"), "config": ("show", "path", "check"), "help": tuple(COMMANDS)}
_ENDPOINT_ACTIONS = ("delete", "logs", "metrics", "start", "stop", "update")


def complete(words: list[str]) -> int:
    """Print every candidate; a fault prints none, for nobody could read it."""
    from anyfit.errors import AnyfitError

    last = words[-1] if words else ""
    try:
        found = [word for word in _candidates(words or [""]) if word.startswith(last)]
    except AnyfitError:
        found = []
    for word in found:
        print(word)
    return 0


def _candidates(words: list[str]) -> Iterable[str]:
    command, before, last = words[0], words[-2] if len(words) > 1 else "", words[-1]
    if len(words) == 1:
        return (*COMMANDS, "help")
    if last.startswith("-"):
        return _options(command)
    if before in ("-b", "--backend"):
        return _backends()
    if before in ("-p", "--profile"):
        from anyfit.config import load_config

        return load_config().profiles
    return _arguments(command, position=len(words))


def _arguments(command: str, position: int) -> Iterable[str]:
    if command in _JOB_COMMANDS:
        return _jobs()
    if command == "predict":
        return _endpoints()
    if command == "endpoints":
        return [*_endpoints(), *(_ENDPOINT_ACTIONS if position == 2 else ())]
    if command == "backends":
        return _backends()
    return _WORDS.get(command, ())


def _jobs() -> Iterable[str]:
    from anyfit.home import home_folder
    from anyfit.journal import Journal

    return [row.key for row in Journal(home_folder(os.environ)).jobs(limit=1000)]


def _endpoints() -> Iterable[str]:
    from anyfit.home import home_folder
    from anyfit.journal import Journal

    return [row.name for row in Journal(home_folder(os.environ)).endpoints()]


def _backends() -> Iterable[str]:
    from anyfit.plugins import backend_names

    return backend_names()


def _options(command: str) -> Iterable[str]:
    if command not in COMMANDS:
        return ()
    from anyfit.cli.parser import Parser

    parser = Parser(prog="anyfit")
    __import__(f"anyfit.cli.cmd_{command}", fromlist=["add_arguments"]).add_arguments(parser)
    return parser.options()
