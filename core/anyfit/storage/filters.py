"""Which keys take part: ordered `include` and `exclude` patterns, the last one that fits decides."""

from __future__ import annotations

import re
from collections.abc import Iterable
from fnmatch import translate
from os.path import commonprefix
from typing import Literal

from anyfit.values import frozen

__all__ = ["Filter", "Filters", "exclude", "include"]


@frozen
class Filter:
    """One pattern. `*` matches any text, slashes too; a pattern that ends in `/` means all below that directory."""

    verdict: Literal["include", "exclude"]
    pattern: str


def include(*patterns: str) -> tuple[Filter, ...]:
    """Filters that take keys in."""
    return tuple(Filter("include", pattern) for pattern in patterns)


def exclude(*patterns: str) -> tuple[Filter, ...]:
    """Filters that leave keys out."""
    return tuple(Filter("exclude", pattern) for pattern in patterns)


class Filters:
    """Decides on keys relative to the source.

    As with `aws s3`, patterns are read in order and the last that fits wins. A key that fits none takes part, unless
    the first pattern is an `include`: then only what is included does.

    Attributes:
        stem: How every key begins that takes part, so that no others need be listed.
    """

    def __init__(self, filters: Iterable[Filter] = ()) -> None:
        rules = tuple(filters)
        included = [_literal(rule.pattern) for rule in rules if rule.verdict == "include"]
        only_included = bool(rules) and rules[0].verdict == "include"
        self.stem = commonprefix(included) if only_included else ""  # noqa: RUF071  keys are text, no paths
        self._rules = [(rule.verdict == "include", _compiled(rule.pattern)) for rule in reversed(rules)]
        self._default = not rules or rules[0].verdict == "exclude"

    def __call__(self, name: str) -> bool:
        """Whether the key takes part."""
        if not self._rules:
            return True
        for taken, pattern in self._rules:
            if pattern.match(name):
                return taken
        return self._default


def _literal(pattern: str) -> str:
    """What a pattern begins with before anything in it stands for something else."""
    return re.split(r"[*?\[]", pattern, maxsplit=1)[0]


def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(translate(pattern + "*" if pattern.endswith("/") else pattern))
