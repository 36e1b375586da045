"""Logs in windows: the platform gives at most so many lines after, or before, a line that it names.

A cursor of anyfit is the name of the last line that was read of each node's log. It is plain JSON, so any process can
go on with it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from attrs import frozen

from anyfit.backend import LogLine, LogPage
from anyfit.cloud.numbers import whole
from anyfit.errors import NotFound, UsageError
from anyfit_modelarts.wire import table, text

__all__ = [
    "LINES",
    "Window",
    "page_after",
    "page_at_end",
    "split_doubled",
    "split_lines",
    "window_of_v1",
    "window_of_v2",
]

LINES = 500


@frozen
class Window:
    """Some lines of one node's log, and the platform's names of the first and the last of them."""

    lines: tuple[str, ...] = ()
    start: str = ""
    end: str = ""


def window_of_v1(answer: Mapping[str, Any]) -> Window:
    """The window in an answer of the first generation, which puts a blank line after each line."""
    return _window(answer, split_doubled)


def window_of_v2(answer: Mapping[str, Any]) -> Window:
    """The window in an answer of the second generation."""
    return _window(answer, split_lines)


def _window(answer: Mapping[str, Any], split: Callable[[str, int | None], tuple[str, ...]]) -> Window:
    lines = split(text(answer.get("content")), whole(answer.get("lines")))
    return Window(lines, text(answer.get("start_line")), text(answer.get("end_line")))


def split_doubled(content: str, count: int | None) -> tuple[str, ...]:
    """The lines of a content with blank lines between; their count decides where habit and answer disagree."""
    bare = content.removesuffix("\n")
    return _split(content, count, [bare.split("\n\n"), bare.split("\n")])


def split_lines(content: str, count: int | None) -> tuple[str, ...]:
    """The lines of a content; their count decides where the platform's habit and its answer disagree."""
    bare = content.removesuffix("\n")
    return _split(content, count, [bare.split("\n"), bare.split("\n\n"), content.split("\n")])


def _split(content: str, count: int | None, ways: Sequence[list[str]]) -> tuple[str, ...]:
    if not content:
        return ("",) * (count or 0)
    return tuple(next((way for way in ways if len(way) == count), ways[0]))


def page_after(
    cursor: str, files: Sequence[str], after: Callable[[str, str], Window], *, ended: Callable[[], bool]
) -> LogPage:
    """The lines of all nodes after a cursor, in as few calls as there are nodes.

    Args:
        cursor: Where to go on.
        files: The platform's names of the nodes' logs.
        after: Asks for the window after a line of a log.
        ended: Tells whether the job has ended: then the log is read until there is nothing.
    """
    places = _places(cursor)
    lines: list[LogLine] = []
    more = False
    for node, file in enumerate(files):
        window = _gone_is_empty(after, file, places.get(file, ""))
        lines += [LogLine(line.rstrip("\r"), None, node) for line in window.lines]
        if window.lines:
            places[file] = window.end or places.get(file, "")
            more = more or len(window.lines) >= LINES or ended()
    return LogPage(tuple(lines), json.dumps(places, sort_keys=True) if places else "", more)


def page_at_end(
    count: int, node: int | None, files: Sequence[str], newest: Callable[[str, int], Window | None]
) -> LogPage | None:
    """The last lines of all nodes or of one, and the cursor after them; None where the platform has no such call.

    Lines of several nodes have no common order, so with several nodes there is no last one of all.
    """
    if count > LINES or (len(files) > 1 and node is None):
        return None
    places: dict[str, str] = {}
    lines: list[LogLine] = []
    for number, file in enumerate(files):
        window = newest(file, max(count, 1))
        if window is None:
            return None
        places |= {file: window.end} if window.end else {}
        if node in (None, number):
            lines += [LogLine(line.rstrip("\r"), None, number) for line in window.lines]
    cursor = json.dumps(places, sort_keys=True) if places else ""
    return LogPage(tuple(lines[len(lines) - count :]) if count else (), cursor)


def _gone_is_empty(after: Callable[[str, str], Window], file: str, line: str) -> Window:
    """A log that is not there yet, or not any more, has no lines."""
    from anyfit_modelarts.errors import NO_LOG, normal

    try:
        return after(file, line)
    except NotFound as fault:
        if normal(fault.status) not in NO_LOG:
            raise
        return Window()


def _places(cursor: str) -> dict[str, str]:
    if not cursor:
        return {}
    places = table(cursor)
    if not places:
        raise UsageError(f"{cursor!r} is no place in a log of ModelArts", hint="follow the log from its beginning")
    return {file: text(line) for file, line in places.items()}
