"""Which files of a source folder belong to the code.

`.anyfitignore` files decide where the root has one, else `.gitignore` files do, those of the enclosing git
repository included. Caches, version control, virtual environments and anyfit's own configuration, which may hold
keys, never belong.
"""

from __future__ import annotations

import fnmatch
import os
from collections.abc import Iterator
from pathlib import Path

from attrs import frozen

from anyfit.code.ignore import IgnoreFile
from anyfit.errors import SpecError

__all__ = ["SourceFile", "source_files"]

_NEVER = (
    ".git", ".hg", ".svn", "__pycache__", "*.pyc", ".DS_Store", ".ipynb_checkpoints",
    ".mypy_cache", ".ruff_cache", ".pytest_cache", ".anyfitignore", "anyfit.toml",
)  # fmt: skip


@frozen
class SourceFile:
    """A file of the code: where it is, and its path in the bundle with `/`."""

    path: Path
    name: str


@frozen
class _Rules:
    """One ignore file and the folder that its patterns are relative to."""

    folder: Path
    file: IgnoreFile

    def verdict(self, path: Path, *, folder: bool) -> bool | None:
        return self.file.verdict(path.relative_to(self.folder).as_posix(), folder=folder)


def source_files(root: Path, *, without: Path | None = None) -> list[SourceFile]:
    """The files below `root` that belong to the code, sorted by name; the folder `without` is passed over."""
    root = root.absolute()
    own = (root / ".anyfitignore").is_file()
    file_name = ".anyfitignore" if own else ".gitignore"
    outer = [] if own else _rules_above(root)
    found = _walk(root, root, file_name, outer, frozenset(), without and without.resolve())
    return sorted(found, key=lambda f: f.name)


def _walk(
    folder: Path,
    root: Path,
    ignore_name: str,
    rules: list[_Rules],
    seen: frozenset[Path],
    without: Path | None,
) -> Iterator[SourceFile]:
    real = folder.resolve()
    if real == without:
        return
    if real in seen:
        raise SpecError(f"source_dir: {folder} is a link to a folder above it", hint="remove the link or ignore it")
    rules = rules + _rules_in(folder, ignore_name)
    with os.scandir(folder) as entries:
        for entry in entries:
            path = folder / entry.name
            if _never(entry.name):
                continue
            is_folder = entry.is_dir()
            if _ignored(path, rules, folder=is_folder):
                continue
            if is_folder:
                if not (path / "pyvenv.cfg").exists():
                    yield from _walk(path, root, ignore_name, rules, seen | {real}, without)
            elif entry.is_file():
                yield SourceFile(path, path.relative_to(root).as_posix())
            elif entry.is_symlink():
                raise SpecError(f"source_dir: {path} is a broken link", hint="remove the link or ignore it")


def _never(name: str) -> bool:
    return any(fnmatch.fnmatchcase(name, pattern) for pattern in _NEVER)


def _ignored(path: Path, rules: list[_Rules], *, folder: bool) -> bool:
    """The last word counts, and deeper files speak later."""
    verdict = None
    for rule in rules:
        word = rule.verdict(path, folder=folder)
        verdict = verdict if word is None else word
    return bool(verdict)


def _rules_in(folder: Path, ignore_name: str) -> list[_Rules]:
    path = folder / ignore_name
    if not path.is_file():
        return []
    return [_Rules(folder, IgnoreFile(path.read_text(encoding="utf-8", errors="surrogateescape")))]


def _rules_above(root: Path) -> list[_Rules]:
    """The `.gitignore` files between the top of the enclosing repository and `root`."""
    above: list[Path] = []
    for folder in root.parents if not (root / ".git").exists() else ():
        above.append(folder)
        if (folder / ".git").exists():
            return [rule for each in reversed(above) for rule in _rules_in(each, ".gitignore")]
    return []
