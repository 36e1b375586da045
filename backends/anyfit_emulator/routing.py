"""From method and path to a function, for APIs whose paths hold ids.

    router = Router([("GET", "/v1/jobs/{job}", show), ("POST", "/v1/jobs", create)])
    function, words = router.find("GET", "/v1/jobs/7")      # show, {"job": "7"}

Of routes that all fit, the first in the table is taken.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Generic, TypeVar
from urllib.parse import unquote

__all__ = ["Router"]

T = TypeVar("T")


class Router(Generic[T]):
    """A table of routes; a word in braces stands for one segment, `{name:int}` for one of digits."""

    def __init__(self, table: Iterable[tuple[str, str, T]]) -> None:
        self._routes = [(method, _pattern(template), target) for method, template, target in table]

    def find(self, method: str, path: str) -> tuple[T, dict[str, str]] | None:
        """What is routed to, and the path's words, decoded."""
        for wanted, pattern, target in self._routes:
            if wanted == method and (match := pattern.fullmatch(path)):
                return target, {name: unquote(word) for name, word in match.groupdict().items()}
        return None

    def methods(self, path: str) -> list[str]:
        """With which methods this path can be asked for."""
        return sorted({method for method, pattern, _ in self._routes if pattern.fullmatch(path)})


def _pattern(template: str) -> re.Pattern[str]:
    pieces = re.split(r"(\{\w+(?::int)?\})", template)
    return re.compile("".join(_group(piece) if piece.startswith("{") else re.escape(piece) for piece in pieces))


def _group(piece: str) -> str:
    name, _, kind = piece.strip("{}").partition(":")
    return f"(?P<{name}>[0-9]+)" if kind else f"(?P<{name}>[^/]+)"
