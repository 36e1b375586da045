"""All that runs for online services: by service id a workload, and those that come before and after it.

A service that gets another launch is replaced as clusters do it: the new instances are started beside the old ones,
which go on answering until the new ones are ready.
"""

from __future__ import annotations

import shutil
import threading
from collections.abc import Callable
from pathlib import Path

from attrs import define, field, frozen

from anyfit_emulator.http import Request, Response
from anyfit_emulator.running import LineLog
from anyfit_emulator.storage import ObjectStore
from anyfit_ti.emulator.ids import letters
from anyfit_ti.emulator.serving.launch import Launch
from anyfit_ti.emulator.serving.pod import Pod
from anyfit_ti.emulator.serving.workload import Absent, Health, Workload

__all__ = ["Fleet", "State"]

_NONE = Health(0, 0, 0, False, "")


@define
class _Runs:
    """What there is of one service."""

    current: Workload | None = None
    next: Workload | None = None
    ending: list[Workload] = field(factory=list)
    forgotten: bool = False


@frozen
class State:
    """How a service's instances are.

    Attributes:
        status: `Normal`, `Abnormal`, `Waiting`, `Stopping` or `Stopped`.
        health: Of those that answer.
        updated: How many have the newest launch and are ready.
        unfit: Whether the newest launch can never be started.
        reason: What is wrong.
    """

    status: str
    health: Health
    updated: int
    unfit: bool
    reason: str


class Fleet:
    """What runs; safe from any thread.

    Args:
        folder: Its own.
        changed: Told, from other threads, the id of a service whose state is not as before.
    """

    def __init__(self, store: ObjectStore, folder: Path, changed: Callable[[str], None]) -> None:
        self._store = store
        self._folder = folder
        self._changed = changed
        self._lock = threading.RLock()
        self._runs: dict[str, _Runs] = {}
        for root in folder.glob("*/*/*/root"):  # an earlier emulator was killed
            shutil.rmtree(root, ignore_errors=True)

    def run(self, service: str, launch: Launch, count: int, grace: float) -> None:
        """Run so many instances of this, in place of what runs now."""
        with self._lock:
            runs = self._runs.setdefault(service, _Runs())
            folder = self._folder / service / f"{service}-{letters(9)}"
            workload = Workload(launch, folder, self._store, lambda: self._heard(service, grace))
            if runs.next:
                self._retire(runs, runs.next, grace)
            runs.next = None
            if runs.current:
                runs.next = workload
            else:
                runs.current = workload
            workload.scale(count, grace)

    def scale(self, service: str, count: int, grace: float) -> None:
        """Have another number of them."""
        with self._lock:
            runs = self._runs.setdefault(service, _Runs())
            for workload in filter(None, (runs.current, runs.next)):
                workload.scale(count, grace)

    def stop(self, service: str, grace: float) -> None:
        """Have none."""
        with self._lock:
            runs = self._runs.setdefault(service, _Runs())
            for workload in filter(None, (runs.current, runs.next)):
                self._retire(runs, workload, grace)
            runs.current = runs.next = None

    def forget(self, service: str, grace: float) -> None:
        """Have none, and no logs of it either."""
        with self._lock:
            self.stop(service, grace)
            self._runs[service].forgotten = True
        self._heard(service, grace)

    def end(self, grace: float) -> None:
        """Ask everything to end, because the emulator ends; does not wait."""
        for workload in self._all():
            workload.stop(grace)

    def join(self, deadline: float) -> None:
        """Wait for the end of it, until a moment of the monotonic clock."""
        for workload in self._all():
            workload.join(deadline)

    def state(self, service: str) -> State:
        """How a service's instances are."""
        with self._lock:
            runs = self._runs.get(service, _Runs())
            if runs.current is None:
                return State("Stopping" if runs.ending else "Stopped", _NONE, 0, False, "")
            health = runs.current.health()
            if runs.next is None:
                return State(health.status, health, health.ready, health.unfit, health.reason)
            new = runs.next.health()
            return State("Abnormal" if new.failed else "Waiting", health, new.ready, new.unfit, new.reason)

    def pods(self, service: str) -> list[Pod]:
        """The instances that shall live."""
        with self._lock:
            runs = self._runs.get(service, _Runs())
            return [pod for workload in (runs.current, runs.next) if workload for pod in workload.pods]

    def logs(self, service: str) -> dict[str, LineLog]:
        """By pod, also those that have ended, what they wrote; oldest pod first."""
        places = sorted((self._folder / service).glob("*/*/log.idx"), key=lambda place: place.stat().st_ctime_ns)
        living = {pod.name: pod.log for pod in self.pods(service)}
        return {place.parent.name: living.get(place.parent.name) or LineLog(place.with_suffix("")) for place in places}

    def forward(self, service: str, request: Request, path: str) -> Response:
        """Pass a request on.

        Raises:
            NotServing: Nothing answers.
            Busy: Nothing takes more requests now.
        """
        tried: Workload | None = None
        while True:
            with self._lock:
                workload = self._runs.get(service, _Runs()).current
            if workload is None or workload is tried:
                raise Absent("no instance is ready")
            try:
                return workload.forward(request, path)
            except Absent:
                tried = workload  # it may have been replaced at this moment

    def _retire(self, runs: _Runs, workload: Workload, grace: float) -> None:
        workload.stop(grace)
        if not workload.gone:
            runs.ending.append(workload)

    def _heard(self, service: str, grace: float) -> None:
        with self._lock:
            runs = self._runs.get(service)
            if runs is None:
                return
            if runs.next and runs.current and runs.next.health().status == "Normal":
                old, runs.current, runs.next = runs.current, runs.next, None
                self._retire(runs, old, grace)
            runs.ending = [workload for workload in runs.ending if not workload.gone]
            if runs.forgotten and not runs.ending:
                del self._runs[service]
                shutil.rmtree(self._folder / service, ignore_errors=True)
        self._changed(service)

    def _all(self) -> list[Workload]:
        with self._lock:
            return [
                workload
                for runs in self._runs.values()
                for workload in (runs.current, runs.next, *runs.ending)
                if workload
            ]
