"""Metrics that a script prints: lines in, curves out."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping

from anyfit.backend import LogLine, LogPage, Point, Series, log_pages
from anyfit.errors import SpecError

__all__ = ["Scanner", "compile_definitions", "scan", "scan_log"]


def scan(lines: Iterable[LogLine], definitions: Mapping[str, str]) -> list[Series]:
    """The curves of all metrics that the lines hold; see `Scanner`."""
    scanner = Scanner(definitions)
    for line in lines:
        scanner.feed(line)
    return scanner.series()


def scan_log(read: Callable[[str], LogPage], definitions: Mapping[str, str]) -> list[Series]:
    """The same of a log that is read page by page, from its beginning."""
    return scan((line for page in log_pages(read) for line in page.lines), definitions)


class Scanner:
    """Collects metrics line by line, for logs that grow.

    A definition is a regular expression that is searched in each line, as often as it matches; its first group
    is the value, or the whole match where it has none. What is no number is passed over. Steps count the values
    of a metric from 0.
    """

    def __init__(self, definitions: Mapping[str, str]) -> None:
        self._patterns = compile_definitions(definitions)
        self._points: dict[str, list[Point]] = {name: [] for name in definitions}

    def feed(self, line: LogLine) -> None:
        """Take the values of one line."""
        for name, pattern in self._patterns.items():
            for match in pattern.finditer(line.text):
                value = _number(match[1] if pattern.groups else match[0])
                if value is not None:
                    points = self._points[name]
                    points.append(Point(len(points), value, line.time))

    def newest(self) -> dict[str, float]:
        """The last value of each metric that has one."""
        return {name: points[-1].value for name, points in self._points.items() if points}

    def series(self) -> list[Series]:
        """The curves so far, in the order of the definitions; metrics without a value are left out."""
        return [Series(name, tuple(points)) for name, points in self._points.items() if points]


def compile_definitions(definitions: Mapping[str, str]) -> dict[str, re.Pattern[str]]:
    """The definitions as patterns; `SpecError` names the metric whose expression is wrong."""
    patterns = {}
    for name, text in definitions.items():
        try:
            patterns[name] = re.compile(text)
        except re.error as fault:
            raise SpecError(f"metric_definitions.{name}: {text!r} is no regular expression: {fault}") from None
    return patterns


def _number(text: str | None) -> float | None:
    try:
        return float(text) if text is not None else None
    except ValueError:
        return None
