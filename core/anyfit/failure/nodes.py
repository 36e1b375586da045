"""Which of several nodes made a job fail, as far as their logs tell."""

from __future__ import annotations

from collections.abc import Sequence

from anyfit.backend import LogLine
from anyfit.failure.tracebacks import clean, decisive

__all__ = ["failing_node"]


def failing_node(lines: Sequence[LogLine]) -> int | None:
    """The node whose traceback tells most, of several such the first; None where there is none.

    The lines of all nodes are in the order of time, as far as that is known.
    """
    places: dict[int, list[int]] = {}
    for place, line in enumerate(lines):
        places.setdefault(line.node, []).append(place)
    found = []
    for node, own in places.items():
        if trace := decisive([clean(lines[place].text) for place in own]):
            found.append((-trace.role, own[trace.end - 1], node))
    return min(found)[2] if found else None
