"""The files that configure anyfit: where they lie, and what is in them."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

from anyfit.errors import ConfigError
from anyfit.values import field, frozen

__all__ = ["FILE_NAME", "ConfigFile", "find_files", "home_path", "user_folder"]

FILE_NAME = "anyfit.toml"


@frozen(slots=False, eq=False)
class ConfigFile:
    """A configuration file as it was read.

    Attributes:
        path: Where it lies.
        label: How messages name it.
        text: What was written.
        data: What it says.
    """

    path: Path
    label: str
    text: str = field(repr=False)
    data: Mapping[str, Any] = field(repr=False)

    @cached_property
    def _lines(self) -> dict[tuple[str, ...], int]:
        from anyfit.config.toml import key_lines

        return key_lines(self.text)

    def place(self, path: tuple[str, ...]) -> str:
        """`label:line` of a key, or of the nearest thing around it."""
        for end in range(len(path), 0, -1):
            if line := self._lines.get(path[:end]):
                return f"{self.label}:{line}"
        return self.label

    def where(self, path: tuple[str, ...]) -> str:
        """`label:line: dotted.path` of a key, for messages."""
        return f"{self.place(path)}: {'.'.join(path)}"

    def table(self, path: tuple[str, ...]) -> Mapping[str, Any]:
        """The table at a path, empty when there is none."""
        table: Any = self.data
        for key in path:
            table = table.get(key) if isinstance(table, Mapping) else None
        return table if isinstance(table, Mapping) else {}

    def reread(self) -> ConfigFile:
        """The file as it is by now; raises `ConfigError` where it cannot be read any more."""
        return _read(self.path, self.label)

    @property
    def profiles(self) -> list[str]:
        """The names of the profiles in this file."""
        return list(self.table(("profiles",)))


def find_files(cwd: Path | None, environ: Mapping[str, str]) -> tuple[ConfigFile, ...]:
    """The project's file and the user's, as far as they exist, in this order."""
    found: list[ConfigFile] = []
    user, project = _user_file(environ), _project_file(cwd)
    if project and not (user and project.samefile(user)):
        here = project.parent == (cwd or Path.cwd()).absolute()
        found.append(_read(project, FILE_NAME if here else str(project)))
    if user:
        found.append(_read(user, f"user file {user}"))
    return tuple(found)


def home_path(path: str) -> Path | None:
    """The path with `~` replaced, or None when nobody knows where this user's home is."""
    try:
        return Path(path).expanduser()
    except RuntimeError:  # as in containers that run under a made-up user number
        return None


def _user_file(environ: Mapping[str, str]) -> Path | None:
    if named := environ.get("ANYFIT_CONFIG"):
        file = home_path(named)
        if not _is_there(file):
            raise ConfigError(f"environment ANYFIT_CONFIG: there is no file {named}")
        return file
    folder = user_folder(environ)
    file = folder / FILE_NAME if folder else None
    return file if _is_there(file) else None


def user_folder(environ: Mapping[str, str]) -> Path | None:
    """Where the user's file is looked for unless ANYFIT_CONFIG names another; None without a home."""
    if sys.platform == "linux":  # as platformdirs answers, which alone takes 10 ms to import
        folder = home_path(environ.get("XDG_CONFIG_HOME", "").strip() or "~/.config")
        return folder / "anyfit" if folder else None
    from platformdirs import user_config_path

    return user_config_path("anyfit", appauthor=False)


def _project_file(cwd: Path | None) -> Path | None:
    try:
        start = (cwd or Path.cwd()).absolute()
    except FileNotFoundError:  # the folder has been removed under this process
        return None
    files = (folder / FILE_NAME for folder in (start, *start.parents))
    return next(filter(_is_there, files), None)


def _is_there(path: Path | None) -> bool:
    """Whether there is such a file; in a folder that may not be looked into there is none."""
    return path is not None and os.path.exists(path) and not os.path.isdir(path)  # noqa: PTH110, PTH112


def _read(path: Path, label: str) -> ConfigFile:
    from anyfit.config.toml import decode, parse_toml

    try:
        data = path.read_bytes()
    except OSError as error:
        raise ConfigError(f"{label}: cannot be read: {error.strerror}") from error
    text = decode(data, label)
    return ConfigFile(path, label, text, parse_toml(text, label))
