"""From a framework that a user names to one of the platform's own images, for backends that have such."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from anyfit.backend import Framework, Match, Note
from anyfit.catalog import find_framework
from anyfit.errors import SpecError

__all__ = ["find_image"]

_ONLY_PYTHON = frozenset({"", "python", "sklearn", "scikit-learn", "xgboost", "lightgbm"})


def find_image(
    wanted: tuple[str, str, str], frameworks: Iterable[Framework], *, task: str, default: str = ""
) -> tuple[Framework, Note | None]:
    """The image for a framework, its version and its Python's, and a note where it is another than was asked for.

    An id or the platform's whole name is taken as well, in place of the framework or of its version. What needs only
    Python is run in any image that has it, or in the one that `default` names.
    """
    name, version, python = wanted
    known = [f for f in frameworks if task in f.tasks]
    if exact := _by_native(name, known) or _by_native(version, known):
        return exact, None
    if name.lower() in _ONLY_PYTHON and not any(f.name == name.lower() for f in known):
        image = _python_image(known, python, default)
        shown = f"{image.name} {image.version}".strip()
        what = f"there is no image of {name!r} here" if name else "no framework is named"
        text = f"{what}: it runs in that of {shown} with Python {image.py_version or '?'}"
        more = "; packages come from a requirements.txt beside the script" if name not in ("", "python") else ""
        return image, Note("framework", Match.NEAR, text + more)
    return find_framework(name, version, python, known, task), None


def _whole_name(framework: Framework) -> str:
    python = f"python{framework.py_version}" if framework.py_version else ""
    return "-".join(filter(None, (framework.name, framework.version, python)))


def _by_native(wanted: str, known: Iterable[Framework]) -> Framework | None:
    """By the platform's name or names, which have blanks between them, or by what is made of the neutral parts."""
    for framework in known:
        if wanted and wanted.lower() in (*framework.native.lower().split(), _whole_name(framework)):
            return framework
    return None


def _python_image(known: Sequence[Framework], python: str, default: str) -> Framework:
    if default:
        chosen = _by_native(default, known) or next((f for f in known if f.name == default.lower()), None)
        if chosen is None:
            names = ", ".join(map(_whole_name, known))
            raise SpecError(f"framework: default_framework {default!r} is not offered here", hint=f"there are: {names}")
        return chosen
    digits = "".join(re.findall(r"\d", python))
    fitting = [f for f in known if f.py_version and (not digits or f.py_version.replace(".", "") == digits)]
    if not fitting:
        raise SpecError("framework: no image here has the Python that is asked for", hint="name a framework")
    return max(fitting, key=lambda f: (_numbers(f.py_version), f.name == "tensorflow", _numbers(f.version)))


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(map(int, re.findall(r"\d+", version)))
