"""From a requirements.txt to the packages that the platform installs beside a model."""

from __future__ import annotations

import re
from typing import Any

from anyfit.errors import SpecError

__all__ = ["dependencies_in"]

_LINE = re.compile(r"([A-Za-z0-9][A-Za-z0-9._-]*)\s*(?:(==|>=|<=)\s*([A-Za-z0-9][A-Za-z0-9.!+_-]*))?")
_RESTRAINTS = {"==": "EXACT", ">=": "ATLEAST", "<=": "ATMOST"}


def dependencies_in(text: str) -> list[dict[str, Any]]:
    """The packages of a requirements.txt as the platform writes them; it knows a name and one bound."""
    packages = [_package(number, line) for number, line in _lines(text)]
    return [{"installer": "pip", "packages": packages}] if packages else []


def _lines(text: str) -> list[tuple[int, str]]:
    """The lines that say something, continued ones as one, without comments."""
    found, begun, first = [], "", 0
    for number, line in enumerate(text.splitlines(), 1):
        first = first if begun else number
        begun += line[:-1] if line.endswith("\\") else line
        if line.endswith("\\"):
            continue
        bare = re.sub(r"(^|\s)#.*", "", begun).strip()
        begun = ""
        if bare:
            found.append((first, bare))
    return found


def _package(number: int, line: str) -> dict[str, str]:
    known = _LINE.fullmatch(line)
    if known is None:
        raise SpecError(
            f"requirements.txt: ModelArts cannot install line {number} beside a model: {line}",
            hint="write name, name==1.2, name>=1.2 or name<=1.2; or give the list in options.modelarts.dependencies",
        )
    name, relation, version = known.groups()
    if relation is None:
        return {"package_name": name}
    return {"package_name": name, "package_version": version, "restraint": _RESTRAINTS[relation]}
