"""Metrics out of a log, by the user's expressions (reference, section 7.11)."""

from __future__ import annotations

import math
import re
import threading
from typing import Any

from anyfit_emulator.running import LineLog

__all__ = ["MetricReader"]

_PAGE = 1000
_INSTANCE = re.compile(r"\[\d+\] ")


class MetricReader:
    """Reads a growing log once, line by line.

    Args:
        monitors: As the job has them: `name`, `regular`.
        prefixed: Whether the lines begin with the number of an instance.
    """

    def __init__(self, monitors: list[dict[str, Any]], log: LineLog, *, prefixed: bool) -> None:
        self._log = log
        self._prefixed = prefixed
        self._monitors = [(monitor["name"], re.compile(monitor["regular"])) for monitor in monitors]
        self._points: list[list[dict[str, float]]] = [[] for _ in monitors]
        self._next = 0
        self._lock = threading.Lock()

    def to_wire(self) -> dict[str, Any]:
        """All points so far, by monitor."""
        with self._lock:
            while self._monitors and (page := self._log.page(self._next, _PAGE)):
                self._next = page[-1].number + 1
                for line in page:
                    self._take(_INSTANCE.sub("", line.text, count=1) if self._prefixed else line.text)
            named = zip(self._monitors, self._points, strict=True)
            return {"monitors": [{"name": name, "data": list(points)} for (name, _), points in named]}

    def _take(self, text: str) -> None:
        for (_, expression), points in zip(self._monitors, self._points, strict=True):
            match = expression.search(text)
            if match is None:
                continue
            y = _number(match.group(min(1, expression.groups)))
            x = _number(match.group(2)) if expression.groups > 1 else len(points) + 1
            if x is not None and y is not None:
                points.append({"x": x, "y": y})


def _number(text: str | None) -> float | None:
    try:
        value = float((text or "").strip())
    except ValueError:
        return None
    if not math.isfinite(value):
        return None
    return int(value) if value.is_integer() and (text or "").strip().lstrip("+-").isdigit() else value
