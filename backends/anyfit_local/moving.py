"""Bringing data from a store and taking it there.

As a program (mover.py) it is the helper of a supervisor. It reads the configuration itself, so that keys stand neither
on its command line nor in any file of the job.
"""

from __future__ import annotations

import os
import sys
import time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from anyfit.errors import AnyfitError, StorageError

if TYPE_CHECKING:
    from anyfit.storage.options import Failure, OnProgress, Progress
    from anyfit.storage.places import Open
    from anyfit.storage.uri import Uri

__all__ = ["arguments", "main", "move"]

_PROFILE = "--profile="
_TELLING_SECONDS = 1.0


def arguments(folder: Path, profile: str | None) -> list[str]:
    """What the program takes before the errand: where the client was, and the profile it had."""
    return [str(folder), *([] if profile is None else [f"{_PROFILE}{profile}"])]


def move(verb: str, uri: str, path: str, open: Open, on_progress: OnProgress | None = None) -> None:
    """Bring what lies at the URI into the folder, or put the file or folder there."""
    from anyfit.storage.uri import Uri
    from anyfit.stores import Stores

    with Stores(open) as stores:
        if verb == "get":
            failures = _get(Uri.parse(uri), Path(path), stores, on_progress)
        else:
            failures = _put(Path(path), uri, stores, on_progress)
    if failures:
        more = f" (and {len(failures) - 1} more)" if len(failures) > 1 else ""
        raise StorageError(f"{failures[0]}{more}")


def _get(place: Uri, folder: Path, open: Open, on_progress: OnProgress | None) -> tuple[Failure, ...]:
    from anyfit.storage.options import Options
    from anyfit.storage.transfer import transfer

    folder.mkdir(parents=True, exist_ok=True)
    return transfer(place, f"{folder}/", Options(compare="always"), open=open, on_progress=on_progress).failures


def _put(path: Path, uri: str, open: Open, on_progress: OnProgress | None) -> tuple[Failure, ...]:
    """What is there already is compared by content, for the clocks of a store and of this machine may differ."""
    from anyfit.storage.options import Options
    from anyfit.storage.transfer import transfer

    report = transfer(path, uri, Options(compare="checksum"), open=open, on_progress=on_progress)
    return tuple(failure for failure in report.failures if _is_loss(failure))


def _is_loss(failure: Failure) -> bool:
    """Whether something would be lost: not with links that lead nowhere, and with pipes."""
    from anyfit.storage.uri import Uri

    if failure.target:
        return True
    path = Uri.parse(failure.source).path
    return path.exists() and not os.access(path, os.R_OK)


def main() -> None:
    """Run as a program, with the configuration that holds where the client was."""
    folder, *options, verb, uri, path = sys.argv[1:]
    profile = options[0].removeprefix(_PROFILE) if options else None
    try:
        os.chdir(folder)
        _run(profile, verb, uri, path)
    except AnyfitError as fault:
        sys.exit(fault.message)
    except OSError as fault:
        sys.exit(f"{fault.filename or path}: {fault.strerror}")


def _run(profile: str | None, verb: str, uri: str, path: str) -> None:
    from anyfit.stores import profile_store

    move(verb, uri, path, partial(profile_store, profile), _Teller())


class _Teller:
    """Says how far it is, and not often: the supervisor gives up who says nothing at all."""

    def __init__(self) -> None:
        self._due = 0.0

    def __call__(self, progress: Progress) -> None:
        now = time.monotonic()
        if now >= self._due:
            self._due = now + _TELLING_SECONDS
            print(f"{progress.files} of {progress.total_files} files, {progress.bytes} bytes", flush=True)
