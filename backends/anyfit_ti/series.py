"""Curves of a job: those that scripts have pushed to the platform, and the use of machines."""

from __future__ import annotations

from collections.abc import Sequence

from anyfit.backend import Point, Series
from anyfit_ti.wire import Raw, moment, rows, text

__all__ = ["NO_USE", "USE", "pushed_series", "use_series"]

NO_USE = "tasks of 2021 have no call for it; the console shows it"

USE = {
    "CpuCoreUsed": ("cpu_cores", ""),
    "CpuCoreUsedRate": ("cpu", "%"),
    "MemUsage": ("memory_used", "MB"),
    "MemUsageRate": ("memory", "%"),
    "GpuCoreUsed": ("gpu_cards", ""),
    "GpuCoreUsedRate": ("gpu", "%"),
}
"""Our names and units for the monitor's metrics; a number of cores has the unit "cores"."""


def pushed_series(answer: Raw) -> list[Series]:
    """The curves of DescribeTrainingMetrics, over steps where there are any, else over epochs, else over time."""
    found = []
    for row in rows(answer, "Data"):
        by_kind = {text(each, "XType"): each for each in rows(row, "Metrics")}
        chosen = next((by_kind[kind] for kind in ("STEP", "EPOCH", "TIMESTAMP") if kind in by_kind), None)
        if chosen is None:
            continue
        over_time = text(chosen, "XType") == "TIMESTAMP"
        points = tuple(
            _point(number, float(point["XValue"]), float(point["YValue"]), over_time=over_time)
            for number, point in enumerate(rows(chosen, "Points"))
            if _is_number(point.get("XValue")) and _is_number(point.get("YValue"))
        )
        if points:
            found.append(Series(text(row, "MetricName"), points))
    return found


def use_series(metric: str, data: Sequence[Raw]) -> list[Series]:
    """A metric of the monitor, of each instance."""
    name, unit = USE[metric]
    found = []
    for number, row in enumerate(data):
        times, values = row.get("Timestamps") or [], row.get("Values") or []
        points = tuple(
            Point(step, float(value), moment(int(at) * 10**9))
            for step, (at, value) in enumerate(zip(times, values, strict=False))
            if _is_number(at) and _is_number(value)
        )
        if points:
            found.append(Series(name if len(data) == 1 else f"{name}.{number}", points, unit or "cores"))
    return found


def _point(number: int, x: float, y: float, *, over_time: bool) -> Point:
    return Point(number, y, moment(int(x) * 10**9)) if over_time else Point(int(x), y)


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)
