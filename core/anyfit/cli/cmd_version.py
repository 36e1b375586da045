"""anyfit's own version; with --json also Python's and the platform's."""

from __future__ import annotations

from typing import TYPE_CHECKING

from anyfit.cli.output import print_json
from anyfit.cli.parser import add_json

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace


def add_arguments(parser: ArgumentParser) -> None:
    """What `anyfit version` takes."""
    add_json(parser)


def run(args: Namespace) -> int:
    """Print the version."""
    import platform

    import anyfit

    if args.json:
        print_json({"anyfit": anyfit.__version__, "python": platform.python_version(), "platform": platform.platform()})
    else:
        print(f"anyfit {anyfit.__version__}")
    return 0
