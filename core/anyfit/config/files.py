"""The files that configure anyfit: where they lie, and what is in them."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

from attrs import field, frozen

from anyfit.errors import ConfigError

__all__ = ["FILE_NAME", "ConfigFile", "find_files", "user_file"]

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

    @property
    def profiles(self) -> list[str]:
        """The names of the profiles in this file."""
        return list(self.table(("profiles",)))


def find_files(cwd: Path | None, environ: Mapping[str, str]) -> tuple[ConfigFile, ...]:
    """The project's file and the user's, as far as they exist, in this order."""
    found: list[ConfigFile] = []
    user, project = user_file(environ), _project_file(cwd)
    if environ.get("ANYFIT_CONFIG") and not user.exists():
        raise ConfigError(f"environment ANYFIT_CONFIG: there is no file {user}")
    if project and not (user.exists() and project.samefile(user)):
        here = project.parent == (cwd or Path.cwd()).absolute()
        found.append(_read(project, FILE_NAME if here else str(project)))
    if user.exists():
        found.append(_read(user, f"user file {user}"))
    return tuple(found)


def user_file(environ: Mapping[str, str]) -> Path:
    """Where the user's file is looked for."""
    if named := environ.get("ANYFIT_CONFIG"):
        return Path(named).expanduser()
    if sys.platform == "linux":  # as platformdirs answers, which alone takes 10 ms to import
        folder = Path(environ.get("XDG_CONFIG_HOME", "").strip() or "~/.config").expanduser()
        return folder / "anyfit" / FILE_NAME
    from platformdirs import user_config_path

    return user_config_path("anyfit", appauthor=False) / FILE_NAME


def _project_file(cwd: Path | None) -> Path | None:
    return next((file for file in _candidates(cwd) if file.is_file()), None)


def _candidates(cwd: Path | None) -> Iterator[Path]:
    try:
        start = (cwd or Path.cwd()).absolute()
    except FileNotFoundError:  # the folder has been removed under this process
        return
    for folder in (start, *start.parents):
        yield folder / FILE_NAME


def _read(path: Path, label: str) -> ConfigFile:
    from anyfit.config.toml import decode, parse_toml

    try:
        data = path.read_bytes()
    except OSError as error:
        raise ConfigError(f"{label}: cannot be read: {error.strerror}") from error
    text = decode(data, label)
    return ConfigFile(path, label, text, parse_toml(text, label))
