"""CFS file systems: a directory each, made when it is first named, that all jobs see (reference, sections 2.1 and 3.2).

What is mounted read-only is a copy, so that nothing written there ever comes back.
"""

from __future__ import annotations

import re
import shutil
from pathlib import Path, PurePosixPath

from anyfit_ti.emulator.container import Container, Unfit

__all__ = ["FileSystems"]

_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*")


class FileSystems:
    """All file systems of the account.

    Args:
        folder: Where they lie.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def directory(self, identifier: str, path: str) -> Path:
        """A directory of a file system, made if it is not there.

        Raises:
            Unfit: There can be no such directory.
        """
        parts = PurePosixPath("/", path).parts[1:]
        if not _ID.fullmatch(identifier) or ".." in parts:
            raise Unfit(f"{identifier}:{path}: there can be no such directory of a file system")
        found = self._folder.joinpath(identifier, *parts)
        found.mkdir(parents=True, exist_ok=True)
        return found

    def mount(self, identifier: str, path: str, container: Container, place: str, *, read_only: bool) -> None:
        """Let a directory appear in a container."""
        source = self.directory(identifier, path)
        if read_only:
            shutil.copytree(source, container.path(place), dirs_exist_ok=True)
        else:
            container.share(place, source)
