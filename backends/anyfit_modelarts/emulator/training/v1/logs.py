"""Windows of a log (reference, section 2.11)."""

from __future__ import annotations

from typing import Any

from anyfit_emulator.running import LineLog
from anyfit_modelarts.emulator.calls import Query
from anyfit_modelarts.emulator.errors import ApiError

__all__ = ["window"]


def window(log: LineLog, query: Query, begin_ns: int) -> dict[str, Any]:
    """Some lines, and where they begin and end: times of lines, by which the next window is asked for.

    Without lines both are where one asked from, or for a log that is empty the moment `begin_ns`, so that a follower
    misses nothing.
    """
    count = query.whole("lines", 50, 0, 500)
    onward = query.word("order", "desc", ("asc", "desc")) == "desc"  # towards newer lines, not a sort order
    base = query.text("base_line")
    if base and not (base.isascii() and base.isdigit()):
        raise ApiError("ModelArts.0104", "The value of base_line must be a start_line or end_line.")
    total = len(log)
    if not base:
        first, stop = max(0, total - count), total
    elif onward:
        first = log.after(int(base))
        stop = min(total, first + count)
    else:
        stop = log.after(int(base) - 1)
        first = max(0, stop - count)
    lines = log.page(first, stop - first)
    empty = base or str(_latest(log, begin_ns))
    return {
        "content": "\n\n".join(line.text for line in lines) + ("\n" if lines else ""),
        "lines": len(lines),
        "start_line": str(lines[0].time_ns) if lines else empty,
        "end_line": str(lines[-1].time_ns) if lines else empty,
    }


def _latest(log: LineLog, begin_ns: int) -> int:
    """The time of the log's newest line, or `begin_ns` while there is none."""
    last = log.page(len(log) - 1, 1)
    return last[0].time_ns if last else begin_ns
