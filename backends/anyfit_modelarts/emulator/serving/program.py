"""What answers for a model as a process: started, waited for, called, and taken down with what it ran in."""

from __future__ import annotations

import shutil
from abc import ABC, abstractmethod
from collections.abc import Callable
from pathlib import Path

from anyfit_emulator.http import Request, Response
from anyfit_emulator.running import Command, LineLog, Sample
from anyfit_emulator.running.ports import free_port
from anyfit_emulator.serving import Server, forward

__all__ = ["Program"]


class Program(ABC):
    """A process that is started and called; a subclass says what it is.

    Args:
        folder: Its own; what it runs in and its log go there.
        tree: What it runs in.
        start_seconds: How long it may take until it listens.
    """

    def __init__(self, folder: Path, tree: Path, start_seconds: float) -> None:
        self._folder = folder
        self._tree = tree
        self._start_seconds = start_seconds
        self._server: Server | None = None
        self._listens = False

    @property
    @abstractmethod
    def answer_seconds(self) -> float:
        """How long an answer may take."""

    @abstractmethod
    def set_up(self, port: int) -> tuple[Command, tuple[int, ...]]:
        """Make what it runs in, which is not there; answers the command, and other ports where it may listen."""

    def start(self) -> None:
        """Set it up and start it, also again."""
        self._listens = False
        shutil.rmtree(self._tree, ignore_errors=True)
        port = free_port()
        command, others = self.set_up(port)
        self._server = Server(str(self._folder), command, LineLog(self._folder / "log"), (port, *others))
        self._server.start()

    def wait(self, cancelled: Callable[[], bool]) -> None:
        """Until it listens."""
        assert self._server is not None  # noqa: S101  it has been started
        self._server.wait(self._start_seconds, cancelled)
        self._listens = True

    @property
    def alive(self) -> bool:
        """Whether it listened once and is still there."""
        return self._listens and self._server is not None and not self._server.join(0)

    def predict(self, request: Request, path: str) -> Response:
        """Pass a request on to a path of it."""
        assert self._server is not None  # noqa: S101  it has been started
        return forward(request, self._server.port, path, self.answer_seconds)

    def usage(self) -> Sample | None:
        """Nobody asks."""
        return None

    def stop(self, grace: float) -> None:
        """Ask the process to end."""
        if self._server is not None:
            self._server.stop(grace)

    def clear(self, seconds: float) -> None:
        """Wait for the process's end and remove what it ran in."""
        if self._server is not None:
            self._server.join(seconds)
        shutil.rmtree(self._tree, ignore_errors=True)
