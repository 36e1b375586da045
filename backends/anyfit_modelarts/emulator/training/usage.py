"""What programs used of their machine, minute by minute."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import fmean

from anyfit_emulator.running import Sample

__all__ = ["by_minute"]

_MINUTE = 60 * 10**9
_GIB = 1 << 30


def by_minute(samples: Sequence[Sample], cores: float, memory_gib: float) -> tuple[list[float], list[float]]:
    """Averages of processor and memory in percent of the machine, one per minute from the first sample on."""
    cpu: dict[int, list[float]] = {}
    memory: dict[int, list[float]] = {}
    for sample in samples:
        minute = (sample.time_ns - samples[0].time_ns) // _MINUTE
        cpu.setdefault(minute, []).append(min(100.0, sample.cpu_percent / cores))
        memory.setdefault(minute, []).append(min(100.0, 100 * sample.memory_bytes / (memory_gib * _GIB)))
    minutes = range(max(cpu, default=-1) + 1)
    return [_average(cpu.get(minute)) for minute in minutes], [_average(memory.get(minute)) for minute in minutes]


def _average(values: list[float] | None) -> float:
    return round(fmean(values), 3) if values else -1.0
