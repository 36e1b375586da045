"""Data from and to places that are not on this machine, for the supervisor: `CLIENT_FOLDER get|put URI PATH`."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from anyfit.errors import AnyfitError

__all__ = ["main", "move"]


def move(verb: str, uri: str, path: str) -> None:
    """Bring what lies at the URI into the folder, or put the file or folder there."""
    from anyfit.storage import transfer

    if verb == "get":
        Path(path).mkdir(parents=True, exist_ok=True)
        transfer(uri, path)
    else:
        transfer(path, uri)


def main() -> None:
    """Run as a program, with the configuration that holds where the client was."""
    client_folder, verb, uri, path = sys.argv[1:]
    os.chdir(client_folder)
    try:
        move(verb, uri, path)
    except AnyfitError as fault:
        sys.exit(fault.message)
