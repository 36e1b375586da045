"""This machine as an offering: what a job can really have of it."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

from anyfit.backend import Offering

__all__ = ["offering"]

_UNLIMITED = 1 << 60


def offering() -> Offering:
    """Cores, memory and accelerators, within the limits of the container we may be in."""
    model, count, memory = _gpus()
    return Offering(
        spec_id="local",
        cpus=_cpus(),
        memory_gib=round(_memory() / 1024**3, 1),
        gpu_model=model,
        gpu_count=count,
        gpu_memory_gib=memory,
        tasks=("train", "serve"),
        divisible=True,
    )


def _cpus() -> float:
    affinity = getattr(os, "sched_getaffinity", None)
    cores = float(len(affinity(0)) if affinity else os.cpu_count() or 1)
    quota, _, period = _text("/sys/fs/cgroup/cpu.max").partition(" ")
    if not quota:
        quota, period = _text("/sys/fs/cgroup/cpu/cpu.cfs_quota_us"), _text("/sys/fs/cgroup/cpu/cpu.cfs_period_us")
    if quota.isdigit() and period.isdigit() and int(period):
        cores = min(cores, int(quota) / int(period))
    return cores


def _memory() -> int:
    total = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    limits = (_text("/sys/fs/cgroup/memory.max"), _text("/sys/fs/cgroup/memory/memory.limit_in_bytes"))
    return min([total, *(int(limit) for limit in limits if limit.isdigit() and int(limit) < _UNLIMITED)])


def _gpus() -> tuple[str, int, float]:
    """The model, number and memory in GiB of the accelerators; the first model when there are several."""
    program = shutil.which("nvidia-smi")
    if program is None:
        return "", 0, 0.0
    query = [program, "--query-gpu=name,memory.total", "--format=csv,noheader,nounits"]
    try:
        done = subprocess.run(query, capture_output=True, text=True, timeout=10, check=True)
    except (OSError, subprocess.SubprocessError):
        return "", 0, 0.0
    rows = [row.rpartition(",") for row in done.stdout.splitlines() if "," in row]
    if not rows:
        return "", 0, 0.0
    name, _, mib = rows[0]
    same = sum(row[0] == name for row in rows)
    return name.strip().replace(" ", "-"), same, round(float(mib) / 1024, 1) if mib.strip().isdigit() else 0.0


def _text(path: str) -> str:
    try:
        return Path(path).read_text(encoding="ascii").strip()
    except OSError:
        return ""
