"""Which pods a task has, and which of them run something, by training mode (reference, sections 3.0 and 3.1)."""

from __future__ import annotations

from typing import Any

from attrs import frozen

__all__ = ["MODES", "Pod", "command_for", "pods_of"]

MODES = {
    "": ("WORKER",),
    "DDP": ("WORKER",),
    "MPI": ("WORKER",),
    "HOROVOD": ("WORKER",),
    "PS_WORKER": ("PS", "WORKER"),
    "SPARK": ("DRIVER", "EXECUTOR"),
    "RAY": ("HEAD", "WORKER"),
}
_STARTERS = {"MPI": "launcher", "HOROVOD": "launcher"}
_FIELDS = {"PS": "PsStartCmd", "DRIVER": "StartCmd"}


@frozen
class Pod:
    """One container.

    Attributes:
        suffix: What its name ends in, after the instance's id.
        role: Whose resources and command it has.
        rank: Its position among the nodes of its role; -1 for a launcher, which is none.
        runs: Whether it runs the command; others only wait to be used by one that does.
        awaited: Whether the task lasts as long as it.
    """

    suffix: str
    role: str
    rank: int
    runs: bool = True
    awaited: bool = True


def pods_of(mode: str, resources: list[dict[str, Any]]) -> list[Pod]:
    """All pods of a task."""
    counts: dict[str, int] = {}
    for one in resources:
        counts[one["Role"]] = counts.get(one["Role"], 0) + int(one["InstanceNum"])
    workers = counts.get("WORKER", 0)
    if mode in _STARTERS:
        idle = [Pod(f"worker-{rank}", "WORKER", rank, runs=False) for rank in range(workers)]
        return [Pod(_STARTERS[mode], "WORKER", -1), *idle]
    if mode == "DDP":
        return [Pod(f"worker-{rank - 1}" if rank else "master-0", "WORKER", rank) for rank in range(workers)]
    if mode == "PS_WORKER":
        servers = [Pod(f"ps-{rank}", "PS", rank, awaited=False) for rank in range(counts["PS"])]
        return [*(Pod(f"worker-{rank}", "WORKER", rank) for rank in range(workers)), *servers]
    if mode in ("SPARK", "RAY"):
        first, other = MODES[mode]
        idle = [Pod(f"{other.lower()}-{rank}", other, rank, runs=False) for rank in range(counts[other])]
        return [Pod(first.lower(), first, 0), *idle]
    return [Pod(f"worker-{rank}", "WORKER", rank) for rank in range(workers)]


def command_for(role: str, commands: dict[str, str], mode: str) -> str:
    """The start command of a role."""
    given = commands[_FIELDS.get(role, "WorkerStartCmd")]
    return given or (commands["StartCmd"] if not mode else "")
