"""What a version's processes used of their machine (reference, section 7.10)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from anyfit_emulator.running import read_usage
from anyfit_modelmaker.emulator import catalog
from anyfit_modelmaker.emulator.training.values import Version

__all__ = ["utilization"]

_GIB = 1 << 30


def utilization(version: Version, folder: Path) -> dict[str, Any]:
    """Samples of all instances in the order of time, in percent of one instance's machine."""
    cores, memory = _machine(version.config)
    samples = [
        {
            "time": sample.time_ns // 1_000_000,
            "instance": index,
            "cpu": round(min(100.0, sample.cpu_percent / cores), 2),
            "memory": round(min(100.0, 100 * sample.memory_bytes / (memory * _GIB)), 3),
        }
        for index in range(version.instances)
        for sample in read_usage(folder / f"usage-{index}.txt")
    ]
    return {"monitors": sorted(samples, key=lambda sample: (sample["time"], sample["instance"]))}


def _machine(config: dict[str, Any]) -> tuple[float, float]:
    """Cores and GiB of what each instance runs on."""
    for resource in catalog.RESOURCES["TRAIN"]:
        if resource.id == config.get("resourceId"):
            return resource.cpu, resource.memory
    asked = config.get("customResource") or {}
    return asked.get("cpu") or 1.0, asked.get("memory") or 1.0
