"""The instances of one version of a service: so many of them, all alike, asked in turn."""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Callable
from pathlib import Path

from attrs import frozen

from anyfit_emulator.http import Request, Response
from anyfit_emulator.serving import NotServing
from anyfit_emulator.storage import ObjectStore
from anyfit_ti.emulator.ids import letters
from anyfit_ti.emulator.serving.launch import Launch
from anyfit_ti.emulator.serving.pod import Pod

__all__ = ["Absent", "Busy", "Health", "Workload"]


class Absent(NotServing):
    """No instance is ready."""


class Busy(Exception):
    """Every instance has taken as many requests as it may in this second."""


@frozen
class Health:
    """How the instances are.

    Attributes:
        desired: How many there shall be.
        ready: How many can be asked.
        failed: How many ended or could not be started.
        unfit: Whether one of them never can be.
        reason: Of one that failed.
    """

    desired: int
    ready: int
    failed: int
    unfit: bool
    reason: str

    @property
    def status(self) -> str:
        """In one word of the platform's."""
        if self.desired and self.ready >= self.desired:
            return "Normal"
        return "Abnormal" if self.failed else "Waiting"


class Workload:
    """A number of pods that can be changed.

    Args:
        folder: Its own; its name begins the pods' names.
        changed: Called from the pods' threads whenever something is not as before.
    """

    def __init__(self, launch: Launch, folder: Path, store: ObjectStore, changed: Callable[[], None]) -> None:
        self.launch = launch
        self.folder = folder
        self._store = store
        self._changed = changed
        self._lock = threading.RLock()
        self._pods: list[Pod] = []  # those that were asked to end stay until they have
        self._desired = 0
        self._turn = itertools.count()

    def scale(self, count: int, grace: float) -> None:
        """Have so many pods from now on; those that are too many get so many seconds to end."""
        with self._lock:
            self._desired = count
            living = [pod for pod in self._pods if not pod.stopping]
            for pod in living[count:]:
                pod.stop(grace)
            for _ in range(count - len(living)):
                pod = Pod(self.launch, self.folder / f"{self.folder.name}-{letters(5)}", self._store, self._heard)
                self._pods.append(pod)
                pod.start()

    def stop(self, grace: float) -> None:
        """Ask all to end."""
        with self._lock:
            self._desired = 0
            for pod in self._pods:
                pod.stop(grace)

    def join(self, deadline: float) -> None:
        """Wait for their end, until a moment of the monotonic clock."""
        for pod in self._snapshot():
            pod.join(max(0.0, deadline - time.monotonic()))

    @property
    def gone(self) -> bool:
        """Whether there is no pod any more."""
        return not self._snapshot()

    @property
    def pods(self) -> list[Pod]:
        """Those that shall live."""
        return [pod for pod in self._snapshot() if not pod.stopping]

    def health(self) -> Health:
        """How they are now."""
        pods = self.pods
        failed = [pod for pod in pods if pod.state in ("CrashLoopBackOff", "Unfit")]
        return Health(
            self._desired,
            sum(pod.ready for pod in pods),
            len(failed),
            any(pod.state == "Unfit" for pod in failed),
            failed[0].reason if failed else "",
        )

    def forward(self, request: Request, path: str) -> Response:
        """Pass a request on to the pod whose turn it is.

        Raises:
            Absent: None is ready.
            NotServing: That one does not answer.
            Busy: None takes more requests now.
        """
        ready = [pod for pod in self._snapshot() if pod.ready]
        first = next(self._turn)
        for step in range(len(ready)):
            pod = ready[(first + step) % len(ready)]
            if pod.admit():
                return pod.forward(request, path)
        if any(pod.ready for pod in ready):
            raise Busy
        raise Absent("no instance is ready")

    def _heard(self) -> None:
        with self._lock:
            self._pods = [pod for pod in self._pods if pod.state != "Stopped"]
        self._changed()

    def _snapshot(self) -> list[Pod]:
        with self._lock:
            return list(self._pods)
