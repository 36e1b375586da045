"""One instance of a model in a service: a process that has loaded the package (reference, sections 5.9 and 5.10)."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

from attrs import frozen

from anyfit_emulator.running import Command, Sample, clean_environment, read_usage
from anyfit_modelarts.emulator.serving.program import Program

__all__ = ["Package", "Replica"]

START_SECONDS = 120.0
ANSWER_SECONDS = 40.0  # the whole call
_CONTAINER = Path(__file__).with_name("container")


@frozen
class Package:
    """What an instance runs.

    Attributes:
        model_id: The model's.
        model_type: Such as `PyTorch`.
        name: The model's.
        folder: Where the package is.
    """

    model_id: str
    model_type: str
    name: str
    folder: Path


class Replica(Program):
    """A model that is a package.

    Args:
        envs: The service's variables for it.
        folder: Its own; the copy of the package and the log go there.
    """

    def __init__(self, package: Package, envs: dict[str, str], folder: Path, seconds: float = START_SECONDS) -> None:
        super().__init__(folder, folder / "home", seconds)
        self._package = package
        self._envs = envs
        self._usage = folder / "usage.txt"

    @property
    def answer_seconds(self) -> float:
        return ANSWER_SECONDS

    def set_up(self, port: int) -> tuple[Command, tuple[int, ...]]:
        home = self._tree / "mind"
        model = home / "model"
        shutil.copytree(self._package.folder, model)
        words = [str(model), str(port), self._package.model_type, self._package.name]
        argv = [sys.executable, "-m", "model_server", *words]
        return Command(argv, home, self._environment(model), usage=self._usage), ()

    def usage(self) -> Sample | None:
        """The last look at the process."""
        samples = read_usage(self._usage) if self.alive else []
        return samples[-1] if samples else None

    def _environment(self, model: Path) -> dict[str, str]:
        inherited = clean_environment()
        path = os.pathsep.join([str(_CONTAINER), str(model)])
        programs = os.pathsep.join([str(Path(sys.executable).parent), inherited.get("PATH", os.defpath)])
        return {**inherited, **self._envs, "PATH": programs, "PYTHONPATH": path}
