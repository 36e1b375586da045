"""Logs and windows of them (reference, sections 2.10 and 2.11)."""

from __future__ import annotations

from typing import Any

from anyfit_emulator.running import LineLog
from anyfit_modelarts.emulator.calls import Arguments, Query
from anyfit_modelarts.emulator.errors import V1, ApiError
from anyfit_modelarts.emulator.training.v1.desk import Jobs
from anyfit_modelarts.emulator.training.v1.planning import log_name
from anyfit_modelarts.emulator.training.v1.values import Job, Version
from anyfit_modelarts.emulator.training.workshop import Workshop

__all__ = ["Logs", "window"]


class Logs:
    """The desk."""

    def __init__(self, jobs: Jobs, workshop: Workshop) -> None:
        self._jobs = jobs
        self._workshop = workshop

    def names(self, arguments: Arguments) -> dict[str, Any]:
        """`GET …/log/file-names`: none before there can be a line."""
        with self._workshop.lock:
            job, version = self._jobs.find(arguments)
            return {"log_file_list": _names(job, version) if _has_log(version) else []}

    def window(self, arguments: Arguments) -> dict[str, Any]:
        """`GET …/aom-log`."""
        wanted = arguments.query.text("log_file")
        if not wanted:
            raise ApiError(V1.invalid, "The value of log_file is required.")
        with self._workshop.lock:
            job, version = self._jobs.find(arguments)
            names = _names(job, version)
            if wanted not in names or not _has_log(version):
                raise ApiError("ModelArts.0806", f"Failed to obtain the log {wanted}.")
            log = self._workshop.log(version.key, names.index(wanted))
        return window(log, arguments.query, round(version.life.created * 1e9))


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


def _names(job: Job, version: Version) -> list[str]:
    return [log_name(job, index) for index in range(version.nodes)]


def _has_log(version: Version) -> bool:
    return version.life.prepared > 0 or version.life.has_ended
