"""Where runs of both generations take place: their threads, logs and samples, by the run's key."""

from __future__ import annotations

import shutil
import threading
import time
from collections.abc import Callable
from pathlib import Path

from anyfit_emulator.running import Courses, LineLog, Sample, read_usage
from anyfit_emulator.storage import Credential, ObjectStore
from anyfit_modelarts.emulator.account import Account
from anyfit_modelarts.emulator.training import life as stages
from anyfit_modelarts.emulator.training.cluster import Cluster
from anyfit_modelarts.emulator.training.execution import Execution, Manners
from anyfit_modelarts.emulator.training.life import Life
from anyfit_modelarts.emulator.training.logbook import SERVICE
from anyfit_modelarts.emulator.training.plan import Plan

__all__ = ["Workshop"]

GRACE = 10.0
Planner = Callable[[Cluster, Credential], Plan]


class Workshop:
    """Runs things; safe from any thread.

    Args:
        folder: Where logs and containers lie.
        endpoints: Of the object store and of this service, once they are known.

    Attributes:
        lock: Held while lives change; whoever looks at a life holds it too.
        store: The objects.
    """

    def __init__(
        self,
        account: Account,
        store: ObjectStore,
        folder: Path,
        manners: Manners,
        endpoints: Callable[[], tuple[str, str]],
    ) -> None:
        self.lock = threading.RLock()
        self.store = store
        self.account = account
        self._folder = folder
        self._manners = manners
        self._endpoints = endpoints
        self._running: Courses[str, Execution] = Courses(self.lock)
        self._logs: dict[tuple[str, int], LineLog] = {}

    @property
    def obs_endpoint(self) -> str:
        """Where containers find the object store."""
        return self._endpoints()[0]

    @property
    def api_endpoint(self) -> str:
        """Where containers find this service."""
        return self._endpoints()[1]

    def start(self, key: str, life: Life, plan: Planner, save: Callable[[], None]) -> None:
        """Begin a run; `save` is called whenever its life has changed, unless it was deleted."""
        keys = self.account.job_keys()

        def changed() -> None:
            if life.has_ended:
                self._running.pop(key, None)
                self.account.drop_job_keys(keys)
                if life.deleted:
                    shutil.rmtree(self._folder / key, ignore_errors=True)
            if not life.deleted:
                save()

        with self.lock:
            logs = [self.log(key, index) for index in range(life.nodes)]
            execution = Execution(
                life,
                self._folder / key,
                logs,
                self.store,
                self.lock,
                self._manners,
                lambda cluster: plan(cluster, keys),
                changed,
            )
            self._running[key] = execution
            execution.start()

    def stop(self, key: str) -> None:
        """Ask a run to end, if it goes on."""
        with self.lock:
            execution = self._running.get(key)
        if execution is not None:
            execution.stop(GRACE)

    def drop(self, key: str, life: Life) -> None:
        """Forget a run; one that goes on is stopped first."""
        with self.lock:
            life.deleted = True
            for index in range(life.nodes):
                self._logs.pop((key, index), None)
            if key in self._running:
                self.stop(key)
            else:
                shutil.rmtree(self._folder / key, ignore_errors=True)

    def lose(self, key: str, life: Life) -> None:
        """End the life of a run whose processes were gone when this emulator started."""
        life.stage, life.ended = stages.LOST, time.time()
        life.message = "the platform ended while this was running"
        for index in range(life.nodes):
            self.log(key, index).say(f"{SERVICE}{life.message}")
            shutil.rmtree(self._folder / key / f"root-{index}", ignore_errors=True)

    def log(self, key: str, node: int) -> LineLog:
        """A node's log: one object for writing and reading, as long as this emulator runs."""
        with self.lock:
            if (key, node) not in self._logs:
                self._logs[key, node] = LineLog(self._folder / key / f"log-{node}")
            return self._logs[key, node]

    def log_file(self, key: str, node: int) -> Path:
        """The file of that log."""
        return self._folder / key / f"log-{node}.log"

    def usage(self, key: str, node: int) -> list[Sample]:
        """What a node's program used of the machine."""
        return read_usage(self._folder / key / f"usage-{node}.txt")

    def end(self, grace: float) -> None:
        """Ask all processes to end, because the emulator ends; does not wait."""
        self._running.end(grace)

    def join(self, deadline: float) -> None:
        """Wait for the end of it, until a moment of the monotonic clock."""
        self._running.join(deadline)
