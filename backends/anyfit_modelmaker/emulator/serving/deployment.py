"""A service's configuration made real: replicas of its models, chosen by weight."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from anyfit_emulator.http import Request, Response
from anyfit_emulator.moving import Cancelled, Missing
from anyfit_emulator.serving import NotServing
from anyfit_emulator.storage import ObjectStore
from anyfit_emulator.weights import Wheel
from anyfit_modelmaker.emulator.models import ModelVersion
from anyfit_modelmaker.emulator.sandbox import Unfit
from anyfit_modelmaker.emulator.serving.replica import Replica

__all__ = ["Deployment"]

Ended = Callable[["Deployment", str, str], None]


class Deployment:
    """One attempt to run a service.

    Args:
        models: Every item of `serviceModels` with the version that it names.
        folder: Its own.
        ended: Told the status reached and a message: RUNNING, DEPLOYING_FAIL, and STOPPED after `stop`.
    """

    def __init__(
        self,
        models: list[tuple[dict[str, Any], ModelVersion]],
        folder: Path,
        store: ObjectStore,
        ended: Ended,
    ) -> None:
        self._replicas = [
            [
                Replica(version.config, item.get("envs") or [], folder / f"{position}-{copy}", store)
                for copy in range(int(item["instanceCount"]))
            ]
            for position, (item, version) in enumerate(models)
        ]
        self._wheel = Wheel([float(item["weight"]) for item, _ in models])
        self._turns = [itertools.cycle(replicas) for replicas in self._replicas]
        self._ended = ended
        self._stopping = threading.Event()
        self._grace = 0.0
        self._thread = threading.Thread(target=self._live, name=f"serve-{folder.name}", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self, grace: float) -> None:
        """Ask everything to end; programs have so many seconds for it."""
        self._grace = grace
        self._stopping.set()

    def join(self, seconds: float) -> None:
        """Wait for the end of it."""
        self._thread.join(seconds)

    @property
    def stopping(self) -> bool:
        """Whether it was asked to end."""
        return self._stopping.is_set()

    def predict(self, request: Request) -> Response:
        """Pass a request on to the replica whose turn it is.

        Raises:
            NotServing: It does not answer.
        """
        return next(self._turns[self._wheel.turn()]).predict(request)

    def _live(self) -> None:
        replicas = [replica for copies in self._replicas for replica in copies]
        try:
            for replica in replicas:
                replica.deploy(self._stopping.is_set)
        except (Unfit, Missing, NotServing, Cancelled, OSError) as error:
            self._clear(replicas, 0.0)
            stopped = self._stopping.is_set()
            self._ended(self, "STOPPED" if stopped else "DEPLOYING_FAIL", "" if stopped else str(error))
            return
        self._ended(self, "RUNNING", "")
        self._stopping.wait()
        self._clear(replicas, self._grace)
        self._ended(self, "STOPPED", "")

    @staticmethod
    def _clear(replicas: list[Replica], grace: float) -> None:
        for replica in replicas:
            replica.stop(grace)
        for replica in replicas:
            replica.clear(grace + 2.0)
