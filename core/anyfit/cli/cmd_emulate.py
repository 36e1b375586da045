"""It prints a profile for anyfit.toml, listens on 127.0.0.1 only, and runs until SIGTERM or Ctrl-C.
docs/emulators.md tells more."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace


def add_arguments(parser: ArgumentParser) -> None:
    """What `anyfit emulate` takes."""
    _emulator().add_arguments(parser)


def run(args: Namespace) -> int:
    """Run emulators in the foreground."""
    try:
        return int(_emulator().run(args))
    except ModuleNotFoundError as error:
        raise _missing(error) from error


def _emulator() -> Any:
    """The emulators' own command line; core names it and does not know it."""
    try:
        return import_module("anyfit_emulator.cli")
    except ModuleNotFoundError as error:
        raise _missing(error) from error


def _missing(error: ModuleNotFoundError) -> Exception:
    from anyfit.plugins import missing_extra

    return missing_extra("anyfit emulate", error, extra="emulate")
