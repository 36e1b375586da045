"""Training tasks and their runs, as they are kept (reference, section 3.3)."""

from __future__ import annotations

import time
from typing import Any

from attrs import define, field

from anyfit_emulator.running.ports import own_address
from anyfit_ti.emulator.tasks.roles import Pod, pods_of

__all__ = ["ENDED", "Instance", "Task"]

ENDED = frozenset({"STOPPED", "FAILED", "SUCCEED", "SUBMIT_FAILED"})


@define
class Instance:
    """One run of a task.

    Attributes:
        id: The task's id and 12 characters.
        created: Unix seconds, as all moments here; 0 for none.
        started: When its command started.
        pods: The state of each pod: `SUBMITTING`, `PENDING`, `RUNNING` and so on.
        events: What happened to it, as answers show it.
        restarts: How often its command was started anew after a failure.
    """

    id: str
    created: float
    started: float = 0.0
    ended: float = 0.0
    pods: str = "SUBMITTING"
    events: list[dict[str, Any]] = field(factory=list)
    restarts: int = 0

    def address_of(self, rank: int) -> str:
        """Where the node of that rank is, which is an address of this machine."""
        return own_address(self.id, rank)

    def note(self, kind: str, pod: str, message: str, now: float) -> None:
        """Something happened."""
        identifier = f"{self.id}-{len(self.events)}"
        self.events.append({"Id": identifier, "Type": kind, "ResourceName": pod, "Message": message, "At": now})


@define
class Task:
    """A definition and its runs.

    Attributes:
        number: The order in which tasks were made.
        config: What was asked for, see `bodies`.
        status: A word of section 3.3.
        instances: Its runs, the latest last.
        operation: What was last done to it: `Create`, `Start`, `Stop`.
    """

    id: str
    number: int
    name: str
    region: str
    config: dict[str, Any]
    created: float
    updated: float
    status: str = "SUBMITTING"
    failure: str = ""
    instances: list[Instance] = field(factory=list)
    operation: str = "Create"

    @property
    def latest(self) -> Instance:
        """The present run, or the last one."""
        return self.instances[-1]

    @property
    def pods(self) -> list[Pod]:
        """Its pods."""
        return pods_of(self.config["TrainingMode"], self.config["ResourceConfigInfos"])

    @property
    def machines(self) -> int:
        """How many machines it needs."""
        return sum(int(one["InstanceNum"]) for one in self.config["ResourceConfigInfos"])

    @property
    def runtime(self) -> int:
        """Whole seconds that the latest run took so far."""
        run = self.latest
        return int((run.ended or time.time()) - run.started) if run.started else 0

    def pod_names(self, instance: Instance) -> list[str]:
        """The pods of a run."""
        return [f"{instance.id}-{pod.suffix}" for pod in self.pods]
