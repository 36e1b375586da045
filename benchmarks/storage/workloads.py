"""The four workloads: what is moved, and which way."""

from __future__ import annotations

import os
from pathlib import Path

from attrs import frozen

__all__ = ["WORKLOADS", "Workload", "make"]

KIB, MIB = 1 << 10, 1 << 20


@frozen
class Workload:
    """One measurement.

    Attributes:
        name: As in the table.
        data: Which tree is moved.
        way: "up", "down" or "same", a second sync with nothing changed.
    """

    name: str
    data: str
    way: str


WORKLOADS = (
    Workload("A up", "A", "up"),
    Workload("A down", "A", "down"),
    Workload("B up", "B", "up"),
    Workload("B down", "B", "down"),
    Workload("C again", "A", "same"),
    Workload("D up", "D", "up"),
    Workload("D down", "D", "down"),
)


def make(root: Path) -> None:
    """Write the trees: A 5,000 x 4 KiB in 50 directories, B 3 x 512 MiB, D 200 x 1 MiB; random bytes."""
    _fill(root / "A", [(f"d{d:02}/f{f:03}", 4 * KIB) for d in range(50) for f in range(100)])
    _fill(root / "B", [(f"b{n}", 512 * MIB) for n in range(3)])
    _fill(root / "D", [(f"m{n:03}", MIB) for n in range(200)])


def _fill(directory: Path, files: list[tuple[str, int]]) -> None:
    for name, size in files:
        path = directory / name
        if path.exists() and path.stat().st_size == size:
            continue
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("wb") as file:
            for start in range(0, size, 8 * MIB):
                file.write(os.urandom(min(8 * MIB, size - start)))
