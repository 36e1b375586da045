"""Which deployments services have: at most one that serves, one that is coming, and others that are ending."""

from __future__ import annotations

import shutil
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from anyfit_modelarts.emulator.serving.deployment import Deployment, Part
from anyfit_modelarts.emulator.serving.record import Service

__all__ = ["Stage"]

GRACE = 5.0


class Stage:
    """The processes of all services.

    Args:
        lock: The services'; held when `after` is called.
        build: Makes the parts of a service, below a folder of its own.
        after: Told a service's id, what has become of it, and a message; `stopped` once nothing of it runs any more.
    """

    def __init__(
        self,
        folder: Path,
        lock: threading.RLock,
        build: Callable[[Service, Path], list[Part]],
        after: Callable[[str, str, str], None],
    ) -> None:
        self._folder = folder
        self._lock = lock
        self._build = build
        self._after = after
        self._serving: dict[str, Deployment] = {}
        self._coming: dict[str, Deployment] = {}
        self._ending: dict[str, set[Deployment]] = {}
        self._closing = False
        shutil.rmtree(folder, ignore_errors=True)  # whatever an earlier emulator left

    def serving(self, service_id: str) -> Deployment | None:
        """What answers for a service."""
        return self._serving.get(service_id)

    def deploy(self, service: Service) -> None:
        """Begin to run a service as it is configured; what serves already goes on until that is done.

        Raises:
            ApiError: A model does not exist.
        """
        folder = self._folder / service.id / str(service.round)
        parts = self._build(service, folder)
        due = service.due / 1000 if service.due else None
        deployment = Deployment(parts, folder, due, lambda *news: self._hear(service.id, *news))
        self._clean(service.id)
        self._coming[service.id] = deployment
        deployment.start()

    def retire(self, service_id: str) -> bool:
        """Ask all that runs of a service to end; False when nothing does, so that nobody will tell of the end."""
        for table in (self._coming, self._serving):
            if deployment := table.pop(service_id, None):
                self._end(service_id, deployment)
        return bool(self._ending.get(service_id))

    def set_due(self, service: Service) -> None:
        """Let what runs know of another time to stop."""
        for table in (self._coming, self._serving):
            if deployment := table.get(service.id):
                deployment.set_due(service.due / 1000 if service.due else None)

    def sweep(self, service_id: str) -> None:
        """Remove what is on disk of a service that is gone."""
        shutil.rmtree(self._folder / service_id, ignore_errors=True)

    def close(self, grace: float) -> None:
        """Ask everything to end, without news of it."""
        with self._lock:
            self._closing = True
            for deployment in self._all():
                deployment.stop(grace)

    def join(self, deadline: float) -> None:
        """Wait for the end of it."""
        with self._lock:
            deployments = list(self._all())
        for deployment in deployments:
            deployment.join(max(0.0, deadline - time.monotonic()))

    def _hear(self, service_id: str, deployment: Deployment, status: str, message: str) -> None:
        with self._lock:
            if self._closing:
                return
            if deployment in self._ending.get(service_id, ()):
                if status in ("stopped", "failed"):
                    self._gone(service_id, deployment)
            elif status == "failed":
                self._drop(service_id, deployment)
                self._after(service_id, status, message)
            elif self._coming.get(service_id) is deployment:
                self._take_over(service_id, deployment)
            elif status == "due" or service_id not in self._coming:
                self._after(service_id, status, message)

    def _take_over(self, service_id: str, deployment: Deployment) -> None:
        del self._coming[service_id]
        if earlier := self._serving.pop(service_id, None):
            self._end(service_id, earlier)
        self._serving[service_id] = deployment
        self._after(service_id, "running", "")

    def _drop(self, service_id: str, deployment: Deployment) -> None:
        """Forget a deployment that could not be started, and end the one that it was to replace."""
        if self._coming.get(service_id) is deployment:
            del self._coming[service_id]
        if earlier := self._serving.pop(service_id, None):
            self._end(service_id, earlier)

    def _gone(self, service_id: str, deployment: Deployment) -> None:
        ending = self._ending.get(service_id, set())
        ending.discard(deployment)
        if not ending:
            self._ending.pop(service_id, None)
            if service_id not in self._serving and service_id not in self._coming:
                self._after(service_id, "stopped", "")

    def _end(self, service_id: str, deployment: Deployment) -> None:
        self._ending.setdefault(service_id, set()).add(deployment)
        deployment.stop(GRACE)

    def _clean(self, service_id: str) -> None:
        """Remove earlier deployments' logs."""
        alive = {deployment.folder for deployment in self._all()}
        for folder in (self._folder / service_id).glob("*"):
            if folder not in alive:
                shutil.rmtree(folder, ignore_errors=True)

    def _all(self) -> Iterator[Deployment]:
        yield from self._coming.values()
        yield from self._serving.values()
        for ending in self._ending.values():
            yield from ending
