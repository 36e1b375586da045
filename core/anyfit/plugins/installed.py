"""Which plugins are installed, found without importing any of them.

`importlib.metadata` answers the same question, but importing it and parsing every package's metadata costs
more than all else that `import anyfit` does. Entry points lie in small text files beside the packages and are
read here directly; only what is not a plain folder (a zip on `sys.path`) is left to `importlib.metadata`.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path

from attrs import field, frozen

__all__ = ["Installed", "installed"]


@frozen
class Installed:
    """An entry point that some distribution declares.

    Attributes:
        name: The plugin's name.
        value: `module` or `module:attribute`.
        dist: The distribution that declares it.
        extras: The extras that this distribution offers.
    """

    name: str
    value: str
    dist: str
    _metadata: str = field(default="", repr=False)

    @property
    def extras(self) -> frozenset[str]:
        """The extras that the distribution offers, asked for only when something is missing."""
        return frozenset(re.findall(r"(?m)^Provides-Extra: *(\S+)", _read(self._metadata)))

    def load(self) -> object:
        """Import the plugin; whatever its module raises comes through."""
        from importlib import import_module

        module, _, attribute = self.value.partition(":")
        found: object = import_module(module.strip())
        for part in filter(None, attribute.strip().split(".")):
            found = getattr(found, part)
        return found


def installed(group: str) -> list[Installed]:
    """The entry points of a group in the order of `sys.path`; of two copies of a package the first counts."""
    seen: set[str] = set()
    found = []
    for folder in dict.fromkeys(sys.path):
        for dist, entry_points, metadata in _distributions(folder or "."):
            if (key := re.sub(r"[-_.]+", "-", dist).lower()) in seen:
                continue
            seen.add(key)
            found += [Installed(name, value, dist, metadata) for name, value in _parse(entry_points, group)]
    return found


def _distributions(folder: str) -> Iterator[tuple[str, str, str]]:
    """Name, text of entry_points.txt, and metadata file, of each distribution in one folder of `sys.path`."""
    try:
        names = sorted(os.listdir(folder))  # noqa: PTH208  (thousands of names, of which few are wanted)
    except NotADirectoryError:
        yield from _zipped(folder)
        return
    except OSError:
        return
    for name in names:
        if name.endswith((".dist-info", ".egg-info")):
            base = f"{folder}/{name}"
            metadata = "METADATA" if name.endswith(".dist-info") else "PKG-INFO"
            yield (
                re.split(r"-|\.(?:dist|egg)-info", name)[0],
                _read(f"{base}/entry_points.txt"),
                f"{base}/{metadata}",
            )


def _zipped(path: str) -> Iterator[tuple[str, str, str]]:
    from importlib.metadata import distributions

    for dist in distributions(path=[path]):
        yield dist.metadata["Name"], dist.read_text("entry_points.txt") or "", ""


def _read(path: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return ""


def _parse(text: str, group: str) -> Iterator[tuple[str, str]]:
    """The `name = value` lines of one section."""
    inside = False
    for line in map(str.strip, text.splitlines()):
        if line.startswith("["):
            inside = line[1:].partition("]")[0].strip() == group
        elif inside and "=" in line and line[0] not in "#;":
            name, _, value = line.partition("=")
            yield name.strip(), value.partition("[")[0].strip()
