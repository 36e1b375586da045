"""Patterns of ignore files, word for word as git reads them.

Each pattern is tried on one file or folder by itself; that nothing below an ignored folder is looked at is up to
whoever walks the tree. Libraries that match whole paths at once differ from git where a later pattern takes an
earlier one back (`b`, then `!/a`, for `a/b`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cached_property

from attrs import field, frozen

__all__ = ["IgnoreFile"]


@frozen(slots=False)
class IgnoreFile:
    """The patterns of one file."""

    text: str = field(repr=False)

    @cached_property
    def patterns(self) -> list[_Pattern]:
        """The patterns, the last one first: the last that matches decides."""
        return list(_parse(self.text))[::-1]

    def verdict(self, path: str, *, folder: bool) -> bool | None:
        """Whether the path, relative to the ignore file's folder, is ignored; None when no pattern says anything."""
        name = path.rpartition("/")[2]
        for pattern in self.patterns:
            tried = path if pattern.anchored else name
            if (folder or not pattern.folders_only) and pattern.regex.fullmatch(tried):
                return not pattern.negated
        return None


@frozen
class _Pattern:
    regex: re.Pattern[str]
    negated: bool
    anchored: bool
    folders_only: bool


def _parse(text: str) -> Iterator[_Pattern]:
    for line in text.removeprefix("\ufeff").split("\n"):
        glob = re.sub(r"(?<!\\) +$", "", line.removesuffix("\r"))
        if not glob or glob.startswith("#"):
            continue
        negated = glob.startswith("!")
        glob = glob[negated:]
        folders_only = glob.endswith("/")
        glob = glob[: len(glob) - folders_only]
        anchored = "/" in glob
        try:
            regex = re.compile("".join(_translate(glob.removeprefix("/"))), re.DOTALL)
        except re.error:  # a bracket that is never closed, a backslash at the end: it matches nothing
            continue
        yield _Pattern(regex, negated, anchored, folders_only)


_TOKEN = re.compile(
    r"""(?P<folders>(?:(?<=/)|^)\*\*/) | (?P<below>(?<=/)\*\*$) | (?P<stars>\*+) | (?P<any>\?)
    | (?P<set>\[(?P<no>[!^]?)(?P<members>\]?(?:\\.|[^\]\\])*)\])
    | \\(?P<escaped>.) | (?P<broken>[\[\\]) | (?P<text>.)""",
    re.VERBOSE | re.DOTALL,
)


def _translate(glob: str) -> Iterator[str]:
    for token in _TOKEN.finditer(glob):
        kind = token.lastgroup
        if kind == "folders":
            yield "(?:.*/)?"
        elif kind == "below":
            yield ".+"
        elif kind == "stars":
            yield "[^/]*"
        elif kind == "any":
            yield "[^/]"
        elif kind == "broken":
            raise re.error("cannot be matched")
        elif token["set"]:
            yield f"(?!/)[{'^' if token['no'] else ''}{_members(token['members'])}]"
        else:
            yield re.escape(token["escaped"] or token["text"])


def _members(text: str) -> str:
    """What stands in a set, for Python: only `-` between two members means a range."""
    return re.sub(r"\\(.)|([\[\]^&~|])", lambda found: re.escape(found[1] or found[2]), text, flags=re.DOTALL)
