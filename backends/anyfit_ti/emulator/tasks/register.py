"""All tasks of the account as they are kept, with their runs and logs; safe from any thread."""

from __future__ import annotations

import shutil
import threading
from pathlib import Path
from typing import Any

from attrs import asdict

from anyfit_emulator.records import Records
from anyfit_emulator.running import LineLog
from anyfit_ti.emulator.tasks.values import Instance, Task

__all__ = ["Register"]


class Register:
    """The tasks.

    Args:
        folder: Where logs, metrics and sandboxes lie.

    Attributes:
        lock: Guards all tasks.
    """

    def __init__(self, records: Records, folder: Path) -> None:
        self._records = records
        self._folder = folder
        self.lock = threading.RLock()
        found = [_loaded(document) for _, document in records.all("task")]
        self._tasks = {task.id: task for task in sorted(found, key=lambda task: task.number)}
        self._logs: dict[str, LineLog] = {}

    def all(self) -> list[Task]:
        """Every task, in the order in which they were made."""
        with self.lock:
            return list(self._tasks.values())

    def next_number(self) -> int:
        """A number that no task had before."""
        return self._records.next_id(1, "task")

    def save(self, task: Task) -> None:
        """Keep a task as it is now."""
        with self.lock:
            self._tasks[task.id] = task
            self._records.put("task", task.id, asdict(task))

    def drop(self, task: Task) -> None:
        """Forget a task with all its runs."""
        with self.lock:
            del self._tasks[task.id]
            for instance in task.instances:
                self._logs.pop(instance.id, None)
            self._records.remove("task", task.id)
            shutil.rmtree(self.place_of(task), ignore_errors=True)

    def find(self, identifier: str) -> tuple[Task, Instance] | None:
        """A task and a run, by the run's id, or by the task's, which means the latest run."""
        with self.lock:
            task = self._tasks.get(identifier)
            if task:
                return task, task.latest
            task = self._tasks.get(identifier.rpartition("-")[0])
            runs = [one for one in task.instances if one.id == identifier] if task else []
            return (task, runs[0]) if task and runs else None

    def runs(self) -> list[tuple[Task, Instance]]:
        """Every run of every task."""
        with self.lock:
            return [(task, instance) for task in self._tasks.values() for instance in task.instances]

    def log_of(self, task: Task, instance: Instance) -> LineLog:
        """A run's log: one object for writing and reading, as long as this emulator runs."""
        with self.lock:
            if instance.id not in self._logs:
                self._logs[instance.id] = LineLog(self.run_place(task, instance) / "log")
            return self._logs[instance.id]

    def place_of(self, task: Task) -> Path:
        """The task's directory."""
        return self._folder / str(task.number)

    def run_place(self, task: Task, instance: Instance) -> Path:
        """The directory of a run."""
        return self.place_of(task) / str(task.instances.index(instance))


def _loaded(document: dict[str, Any]) -> Task:
    instances = [Instance(**one) for one in document.pop("instances")]
    return Task(**document, instances=instances)
