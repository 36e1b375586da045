"""A service's configuration made real: instances of its models, chosen by weight, started again when they die."""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Callable
from pathlib import Path

from anyfit_emulator.http import Request, Response
from anyfit_emulator.serving import NotServing
from anyfit_emulator.weights import Wheel
from anyfit_modelarts.emulator.serving.instance import Instance

__all__ = ["Deployment", "Part"]

LOOK_SECONDS = 1.0
News = Callable[["Deployment", str, str], None]


class Part:
    """One model of a service with its instances.

    Attributes:
        model_id: The model's.
        weight: Its share of the calls.
        apis: The paths that it can be called at, and the methods of each.
    """

    def __init__(self, model_id: str, weight: int, instances: list[Instance], apis: dict[str, frozenset[str]]) -> None:
        self.model_id = model_id
        self.weight = weight
        self.instances = instances
        self.apis = apis
        self._turns = itertools.cycle(instances)

    def predict(self, request: Request, path: str) -> Response:
        """Pass a request on to the next instance that is alive.

        Raises:
            NotServing: There is none, or it does not answer.
        """
        for _ in self.instances:
            instance = next(self._turns)
            if instance.alive:
                return instance.predict(request, path)
        raise NotServing("no instance of the model is alive")


class Deployment:
    """One attempt to run a service.

    Args:
        due: The Unix time at which it is to be stopped, or None.
        news: Told what it has come to, with a message: `running`, `failed`, `concerning` (an instance has died and is
            started again), `due`, and `stopped` after `stop`.
    """

    def __init__(self, parts: list[Part], folder: Path, due: float | None, news: News) -> None:
        self.parts = parts
        self.folder = folder
        self._due = due
        self._news = news
        self._wheel = Wheel([part.weight for part in parts])
        self._stopping = threading.Event()
        self._wake = threading.Event()
        self._grace = 0.0
        self._thread = threading.Thread(target=self._live, name=f"serve-{folder.parent.name}", daemon=True)

    @property
    def stopping(self) -> bool:
        """Whether it was asked to end."""
        return self._stopping.is_set()

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self, grace: float) -> None:
        """Ask everything to end; programs have so many seconds for it."""
        self._grace = grace
        self._stopping.set()
        self._wake.set()

    def join(self, seconds: float) -> None:
        """Wait for the end of it."""
        self._thread.join(seconds)

    def set_due(self, moment: float | None) -> None:
        """Another time to be stopped at."""
        self._due = moment
        self._wake.set()

    def next_part(self) -> Part:
        """The model whose turn it is."""
        return self.parts[self._wheel.turn()]

    def look(self) -> None:
        """See soon whether all instances are alive."""
        self._wake.set()

    def _live(self) -> None:
        try:
            self._bring_up(self._instances)
        except (NotServing, OSError) as error:
            self._clear(0.0)
            self._news(self, *(("stopped", "") if self.stopping else ("failed", str(error))))
            return
        self._news(self, "running", "")
        while not self.stopping:
            self._supervise()
        self._clear(self._grace)
        self._news(self, "stopped", "")

    @property
    def _instances(self) -> list[Instance]:
        return [instance for part in self.parts for instance in part.instances]

    def _supervise(self) -> None:
        left = LOOK_SECONDS if self._due is None else min(LOOK_SECONDS, max(0.0, self._due - time.time()))
        self._wake.wait(left)
        self._wake.clear()
        if self._due is not None and time.time() >= self._due:
            self._due = None
            self._news(self, "due", "")
        dead = [instance for instance in self._instances if not instance.alive]
        if dead and not self.stopping:
            self._revive(dead)

    def _revive(self, dead: list[Instance]) -> None:
        """Start instances again, and go on trying as long as that fails."""
        self._news(self, "concerning", f"{len(dead)} of {len(self._instances)} instances have ended")
        try:
            self._bring_up(dead)
        except (NotServing, OSError) as error:
            self._news(self, "concerning", str(error))
            self._stopping.wait(LOOK_SECONDS)
        else:
            self._news(self, "running", "")

    def _bring_up(self, instances: list[Instance]) -> None:
        for instance in instances:
            instance.start()
        for instance in instances:
            instance.wait(self._stopping.is_set)

    def _clear(self, grace: float) -> None:
        for instance in self._instances:
            instance.stop(grace)
        for instance in self._instances:
            instance.clear(grace + 2.0)
