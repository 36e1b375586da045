"""One instance of a service of the second API: the command of its image, run as a process of this machine."""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path

from attrs import field, frozen

from anyfit_emulator.moving import Missing, download
from anyfit_emulator.running import Command, clean_environment
from anyfit_emulator.serving import NotServing
from anyfit_emulator.storage import ObjectStore
from anyfit_modelarts.emulator.serving.program import Program
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


class Unit(Program):
    """A program that is started and called.

    Args:
        folder: Its own; the container's tree and the log go there.
    """

    def __init__(self, plan: UnitPlan, store: ObjectStore, folder: Path) -> None:
        super().__init__(folder, folder / "root", plan.start_seconds)
        self._plan = plan
        self._store = store

    @property
    def answer_seconds(self) -> float:
        return self._plan.answer_seconds

    def set_up(self, port: int) -> tuple[Command, tuple[int, ...]]:
        home = self._tree / "home" / "ma-user"
        home.mkdir(parents=True)
        try:
            for place, uri in self._plan.mounts.items():
                download(self._store, uri, self._place(place))
        except Missing as error:
            raise NotServing(str(error)) from error
        argv = ["/bin/sh", "-c", self._inside(self._plan.command)]
        return Command(argv, home, self._environment(port)), (self._plan.port,)

    def _place(self, place: str) -> Path:
        """Where a place of the container lies; bodies with places that lead upwards are refused."""
        return self._tree / place.strip("/")

    def _inside(self, text: str) -> str:
        """A text in which the mounted places lead into this tree."""
        if not self._plan.mounts:
            return text
        places = "|".join(re.escape(place.rstrip("/")) for place in sorted(self._plan.mounts, key=len, reverse=True))
        return re.sub(rf"(?<![\w./-])({places})(?![\w.-])", lambda match: f"{self._tree}{match[1]}", text)

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
        return {"EMULATED_ROOT": str(self._tree), "EMULATED_DIRECTORIES": places}
