"""Curves of a job: what its monitors found, and the use of its machines. Nothing here is documented by the vendor."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from anyfit.backend import Point, Series
from anyfit.cloud.numbers import number, whole
from anyfit_modelmaker.wire import moment, rows

__all__ = ["metric_series", "use_series"]

_UNITS = {"cpu": "%", "memory": "%", "gpu": "%", "gpuMemory": "%"}
_NAMES = {"gpuMemory": "gpu_memory"}


def metric_series(answer: Mapping[str, Any]) -> list[Series] | None:
    """The curves of the monitors, or None where the answer has another shape than we know."""
    if not isinstance(answer.get("monitors"), list):
        return None
    found = []
    for row in rows(answer, "monitors"):
        data = [point for point in row.get("data") or [] if isinstance(point, dict) and "y" in point]
        steps = [number(point.get("x"), index + 1) for index, point in enumerate(data)]
        counted = steps == [float(index + 1) for index in range(len(steps))]
        points = tuple(
            Point(index if counted else int(step), number(point["y"]))
            for index, (step, point) in enumerate(zip(steps, data, strict=True))
        )
        if points:
            found.append(Series(str(row.get("name") or ""), points))
    return found


def use_series(answer: Mapping[str, Any]) -> list[Series]:
    """CPU, memory and GPU over time, of each node."""
    samples = rows(answer, "monitors")
    nodes = sorted({whole(sample.get("instance")) or 0 for sample in samples})
    found: list[Series] = []
    for node in nodes:
        mine = [sample for sample in samples if (whole(sample.get("instance")) or 0) == node]
        found += _of_node(mine, f".{node}" if len(nodes) > 1 else "")
    return found


def _of_node(samples: list[Mapping[str, Any]], tail: str) -> Iterator[Series]:
    for name, unit in _UNITS.items():
        having = [sample for sample in samples if name in sample]
        points = tuple(
            Point(step, number(sample[name]), moment(when) if (when := number(sample.get("time"))) else None)
            for step, sample in enumerate(having)
        )
        if points:
            yield Series(f"{_NAMES.get(name, name)}{tail}", points, unit)
