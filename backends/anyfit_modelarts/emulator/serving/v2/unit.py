"""One instance of a service of the second API: the command of its image, run as a process of this machine."""

from __future__ import annotations

import os
import re
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

from attrs import field, frozen

from anyfit_emulator.http import Request, Response
from anyfit_emulator.moving import Missing, download
from anyfit_emulator.running import Command, LineLog, Sample, clean_environment
from anyfit_emulator.running.ports import free_port
from anyfit_emulator.serving import NotServing, Server, forward
from anyfit_emulator.storage import ObjectStore
from anyfit_modelarts.emulator.training.container import IMAGE

__all__ = ["Unit", "UnitPlan"]


@frozen
class UnitPlan:
    """What an instance runs.

    Attributes:
        command: A line of shell.
        mounts: Places in the container, and what of the object store lies there.
        port: Where the program may listen; it is told another one as `PORT`, which several instances can share.
        start_seconds: How long it may take to listen.
        answer_seconds: How long it may take to answer.
    """

    command: str
    mounts: dict[str, str]
    port: int
    envs: dict[str, str] = field(repr=False)
    start_seconds: float
    answer_seconds: float


class Unit:
    """A program that is started and called.

    Args:
        folder: Its own; the container's tree and the log go there.
    """

    def __init__(self, plan: UnitPlan, store: ObjectStore, folder: Path) -> None:
        self._plan = plan
        self._store = store
        self._folder = folder
        self._root = folder / "root"
        self._server: Server | None = None
        self._loaded = False

    def start(self) -> None:
        """Bring what is mounted and start the command, also again.

        Raises:
            NotServing: That is not possible.
        """
        self._loaded = False
        shutil.rmtree(self._root, ignore_errors=True)
        home = self._root / "home" / "ma-user"
        home.mkdir(parents=True)
        try:
            for place, uri in self._plan.mounts.items():
                download(self._store, uri, self._place(place))
        except Missing as error:
            raise NotServing(str(error)) from error
        port = free_port()
        command = Command(["/bin/sh", "-c", self._inside(self._plan.command)], home, self._environment(port))
        self._server = Server(str(self._folder), command, LineLog(self._folder / "log"), (port, self._plan.port))
        self._server.start()

    def wait(self, cancelled: Callable[[], bool]) -> None:
        """Until it listens.

        Raises:
            NotServing: It was started in vain, or `cancelled` said so.
        """
        assert self._server is not None  # noqa: S101  it has been started
        self._server.wait(self._plan.start_seconds, cancelled)
        self._loaded = True

    @property
    def alive(self) -> bool:
        """Whether it listened once and is still there."""
        return self._loaded and self._server is not None and not self._server.join(0)

    def predict(self, request: Request, path: str) -> Response:
        """Pass a request on to a path of it.

        Raises:
            NotServing: It does not answer.
        """
        assert self._server is not None  # noqa: S101  it has been started
        return forward(request, self._server.port, path, self._plan.answer_seconds)

    def usage(self) -> Sample | None:
        """Nobody asks."""
        return None

    def stop(self, grace: float) -> None:
        """Ask the process to end."""
        if self._server is not None:
            self._server.stop(grace)

    def clear(self, seconds: float) -> None:
        """Wait for the process's end and remove the container's tree."""
        if self._server is not None:
            self._server.join(seconds)
        shutil.rmtree(self._root, ignore_errors=True)

    def _place(self, place: str) -> Path:
        """Where a place of the container lies; bodies with places that lead upwards are refused."""
        return self._root / place.strip("/")

    def _inside(self, text: str) -> str:
        """A text in which the mounted places lead into this tree."""
        if not self._plan.mounts:
            return text
        places = "|".join(re.escape(place.rstrip("/")) for place in sorted(self._plan.mounts, key=len, reverse=True))
        return re.sub(rf"(?<![\w./-])({places})(?![\w.-])", lambda match: f"{self._root}{match[1]}", text)

    def _environment(self, port: int) -> dict[str, str]:
        inherited = clean_environment()
        told = {name: self._inside(value) for name, value in self._plan.envs.items()}
        programs = os.pathsep.join([str(Path(sys.executable).parent), inherited.get("PATH", os.defpath)])
        return {
            **inherited,
            "PATH": programs,
            "PORT": str(port),
            **told,
            "PYTHONPATH": os.pathsep.join(filter(None, [str(IMAGE), told.get("PYTHONPATH", "")])),
            **self._translation(),
        }

    def _translation(self) -> dict[str, str]:
        """What makes programs in Python find the mounted places where they lie."""
        if not self._plan.mounts:
            return {}
        places = os.pathsep.join(place.rstrip("/") for place in self._plan.mounts)
        return {"EMULATED_ROOT": str(self._root), "EMULATED_DIRECTORIES": places}
