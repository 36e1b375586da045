"""Keeping a prefix of the object store, or a directory, up to date with what a program writes into another one."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from anyfit_emulator.moving import upload
from anyfit_emulator.storage import ObjectStore

__all__ = ["Mirror", "Put", "to_cos", "to_directory"]

Put = Callable[[Path], None]


class Mirror:
    """Hands over the files of a directory that are new or were changed since it last looked.

    Args:
        source: The directory; links are not followed.
        put: Takes a directory that holds these files under their relative names.
    """

    def __init__(self, source: Path, put: Put) -> None:
        self._source = source
        self._put = put
        self._seen: dict[str, tuple[int, int]] = {}

    def look(self) -> None:
        """Look once."""
        found = self._found()
        news = [name for name, state in found.items() if self._seen.get(name) != state]
        if not news:
            return
        with tempfile.TemporaryDirectory(dir=self._source.parent, prefix=".mirror-") as folder:
            for name in news:
                target = Path(folder, name)
                target.parent.mkdir(parents=True, exist_ok=True)
                with suppress(FileNotFoundError):  # it has been removed meanwhile
                    _link(self._source / name, target)
            self._put(Path(folder))
        self._seen = found

    def _found(self) -> dict[str, tuple[int, int]]:
        found = {}
        for folder, _, names in os.walk(self._source):
            for name in names:
                path = Path(folder, name)
                with suppress(FileNotFoundError):
                    state = path.stat()
                    if path.is_file():
                        found[path.relative_to(self._source).as_posix()] = (state.st_mtime_ns, state.st_size)
        return found


def to_cos(store: ObjectStore, uri: str) -> Put:
    """Puts files below a prefix."""

    def put(folder: Path) -> None:
        upload(store, folder, uri)

    return put


def to_directory(directory: Path) -> Put:
    """Puts files below a directory."""

    def put(folder: Path) -> None:
        shutil.copytree(folder, directory, dirs_exist_ok=True)

    return put


def _link(source: Path, target: Path) -> None:
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)
