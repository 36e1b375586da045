"""One run of a task, from STARTING to its end."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from attrs import frozen

from anyfit_emulator.running import Command, LineLog, Outcome
from anyfit_emulator.storage import ObjectStore
from anyfit_ti.emulator.execution import Ending, Execution, Surroundings
from anyfit_ti.emulator.filesystems import FileSystems
from anyfit_ti.emulator.mirroring import Mirror, to_cos
from anyfit_ti.emulator.tasks.commands import commands_of
from anyfit_ti.emulator.tasks.mounts import uri_of
from anyfit_ti.emulator.tasks.tree import Tree
from anyfit_ti.emulator.tasks.values import Task

__all__ = ["Means", "TaskExecution"]


@frozen
class Means:
    """What tasks are run with.

    Attributes:
        store: Where data, code and outputs are.
        systems: The file systems.
        programs: Directory of what images have and this machine may lack.
        moved: Called with the lock held, when a task has come to a status.
        ended: Called with the lock held, when a task has ended.
    """

    store: ObjectStore
    systems: FileSystems
    programs: Path
    moved: Callable[[Task, str], None]
    ended: Callable[[Task, Ending], None]


class TaskExecution(Execution):
    """Runs a task."""

    def __init__(self, task: Task, means: Means, surroundings: Surroundings, folder: Path, log: LineLog) -> None:
        super().__init__(surroundings, folder, log, task.machines)
        self._task = task
        self._means = means
        self._tree: Tree | None = None

    def queued(self) -> None:
        """It waits for machines."""
        self._means.moved(self._task, "PENDING")

    def starting(self) -> None:
        """Pods are made."""
        self._means.moved(self._task, "STARTING")

    def prepare(self) -> list[Command]:
        """Fetch code and data."""
        self._tree = Tree(self._task, self.folder / "root")
        self._tree.fill(self._means.store, self._means.systems, self.stopping.is_set)
        return commands_of(self._task, self._tree, self._means.programs)

    def running(self) -> None:
        """The commands run."""
        self._means.moved(self._task, "RUNNING")

    def mirrors(self) -> list[Mirror]:
        """The output appears in COS while it is made, and so does what is written to a mounted bucket."""
        tree = self._tree
        if tree is None:
            return []
        kept = list(tree.written)
        output = uri_of(self._task.config["Output"])
        if output:
            kept.append((tree.output, f"{output.rstrip('/')}/{self._task.id}/"))
        return [Mirror(folder, to_cos(self._means.store, uri)) for folder, uri in kept]

    def save(self, outcome: Outcome) -> None:
        """Everything has been kept already."""

    def ended(self, ending: Ending) -> None:
        """It is over."""
        self._means.ended(self._task, ending)
