"""One instance of a model in a service: a process that has loaded the package (reference, sections 5.9 and 5.10)."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

from attrs import frozen

from anyfit_emulator.http import Request, Response
from anyfit_emulator.running import Command, LineLog, Sample, clean_environment, read_usage
from anyfit_emulator.running.ports import free_port
from anyfit_emulator.serving import Server, forward

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


class Replica:
    """A model that is a package.

    Args:
        envs: The service's variables for it.
        folder: Its own; the copy of the package and the log go there.
    """

    def __init__(self, package: Package, envs: dict[str, str], folder: Path, seconds: float = START_SECONDS) -> None:
        self._package = package
        self._envs = envs
        self._folder = folder
        self._seconds = seconds
        self._usage = folder / "usage.txt"
        self._server: Server | None = None
        self._loaded = False

    def start(self) -> None:
        """Copy the package and start the process, also again.

        Raises:
            NotServing: That is not possible.
        """
        self._loaded = False
        home = self._folder / "home" / "mind"
        model = home / "model"
        shutil.rmtree(home, ignore_errors=True)
        shutil.copytree(self._package.folder, model)
        port = free_port()
        words = [str(model), str(port), self._package.model_type, self._package.name]
        command = Command(
            [sys.executable, "-m", "model_server", *words], home, self._environment(model), usage=self._usage
        )
        self._server = Server(str(self._folder), command, LineLog(self._folder / "log"), (port,))
        self._server.start()

    def wait(self, cancelled: Callable[[], bool]) -> None:
        """Until the package is loaded.

        Raises:
            NotServing: It was started in vain, or `cancelled` said so.
        """
        assert self._server is not None  # noqa: S101  it has been started
        self._server.wait(self._seconds, cancelled)
        self._loaded = True

    @property
    def alive(self) -> bool:
        """Whether the package is loaded and the process still there."""
        return self._loaded and self._server is not None and not self._server.join(0)

    def predict(self, request: Request, path: str) -> Response:
        """Pass a request on to a path of it.

        Raises:
            NotServing: It does not answer.
        """
        assert self._server is not None  # noqa: S101  it has been started
        return forward(request, self._server.port, path, ANSWER_SECONDS)

    def usage(self) -> Sample | None:
        """The last look at the process."""
        samples = read_usage(self._usage) if self.alive else []
        return samples[-1] if samples else None

    def stop(self, grace: float) -> None:
        """Ask the process to end."""
        if self._server is not None:
            self._server.stop(grace)

    def clear(self, seconds: float) -> None:
        """Wait for the process's end and remove its copy of the package."""
        if self._server is not None:
            self._server.join(seconds)
        shutil.rmtree(self._folder / "home", ignore_errors=True)

    def _environment(self, model: Path) -> dict[str, str]:
        inherited = clean_environment()
        path = os.pathsep.join([str(_CONTAINER), str(model)])
        programs = os.pathsep.join([str(Path(sys.executable).parent), inherited.get("PATH", os.defpath)])
        return {**inherited, **self._envs, "PATH": programs, "PYTHONPATH": path}
