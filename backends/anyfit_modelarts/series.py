"""Curves that the platform tells: the use of the machines, and the metrics of its own algorithms."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from anyfit.backend import Point, Series
from anyfit.cloud.numbers import number
from anyfit_modelarts.wire import table

__all__ = ["use_series", "v1_results"]

_NAMES = {
    "cpuUsage": ("cpu", "%"),
    "memUsage": ("memory", "%"),
    "gpuUtil": ("gpu", "%"),
    "gpuMemUsage": ("gpu_memory", "%"),
    "npuUtil": ("npu", "%"),
    "npuMemUsage": ("npu_memory", "%"),
    "diskReadRate": ("disk_read", "KB/s"),
    "diskWriteRate": ("disk_write", "KB/s"),
    "recvBytesRate": ("received", "B/s"),
    "sendBytesRate": ("sent", "B/s"),
}


def use_series(found: Mapping[str, Any], started: datetime | None, seconds: float = 60, tail: str = "") -> list[Series]:
    """The use of one machine, by the platform's names; one value stands for each minute, -1 for none."""
    series = []
    for name, values in found.items():
        short, unit = _NAMES.get(name, (name, "1"))
        numbers = [number(value, -1) for value in values] if isinstance(values, list) else []
        points = tuple(
            Point(step, value, started + timedelta(seconds=seconds * step) if started else None)
            for step, value in enumerate(numbers)
            if value >= 0
        )
        if points:
            series.append(Series(f"{short}{tail}", points, unit))
    return series


def v1_results(found: Mapping[str, Any]) -> list[Series]:
    """What an algorithm of the platform has reached at its end."""
    total = table(table(found.get("total_metric")).get("total_metric_values"))
    return [
        Series(name, (Point(0, number(value)),))
        for name, value in total.items()
        if name != "id" and isinstance(value, (int, float)) and not isinstance(value, bool)
    ]
