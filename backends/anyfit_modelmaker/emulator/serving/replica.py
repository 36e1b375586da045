"""One running copy of a model: a process in a sandbox, or nothing but a stand-in (reference, sections 12.2, 12.3)."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from anyfit_emulator.http import Request, Response
from anyfit_emulator.running import Command, LineLog
from anyfit_emulator.running.ports import free_port
from anyfit_emulator.serving import Server, forward
from anyfit_emulator.storage import ObjectStore
from anyfit_modelmaker.emulator import catalog, programs
from anyfit_modelmaker.emulator.sandbox import Sandbox, Unfit

__all__ = ["PATH", "Replica"]

PATH = "/ModelMaker/predict"
VENDOR_PORT = 10000  # programs that were written for the real service bind it
START_SECONDS = 60.0
ANSWER_SECONDS = 120.0


class Replica:
    """A model's program.

    Args:
        config: The model version's.
        envs: The service's variables for it.
        folder: Its own; the sandbox and the log go there.
    """

    def __init__(self, config: dict[str, Any], envs: list[dict[str, Any]], folder: Path, store: ObjectStore) -> None:
        self._config = config
        self._envs = {item["name"]: str(item["value"]) for item in envs}
        self._folder = folder
        self._store = store
        self._server: Server | None = None

    def deploy(self, cancelled: Callable[[], bool]) -> None:
        """Set it up and wait until it listens.

        Raises:
            Unfit: It cannot be started.
            Missing: Its code or weights are not there.
            NotServing: It was started in vain.
        """
        box = Sandbox.make(self._folder / "root")
        for place, member in (("src", "codeUrl"), ("model", "modelPath")):
            if uri := self._config.get(member):
                box.fetch(self._store, uri, place, cancelled)
        arguments = self._arguments(box)
        if not arguments:
            return  # nothing can be run: it is answered for, see `predict`
        port = free_port()
        environment = box.environment({"MM_SERVE_PORT": str(port), **self._envs})
        command = Command([sys.executable, *arguments], box.src, environment)
        self._server = Server(str(self._folder), command, LineLog(self._folder / "log"), (port, VENDOR_PORT))
        self._server.start()
        self._server.wait(START_SECONDS, cancelled)

    def predict(self, request: Request) -> Response:
        """Pass a request on.

        Raises:
            NotServing: The program does not answer.
        """
        if self._server is None:
            return Response(200, [("Content-Type", "application/json")], b'{"success": true, "predictions": []}')
        return forward(request, self._server.port, PATH, ANSWER_SECONDS)

    def stop(self, grace: float) -> None:
        """Ask the program to end."""
        if self._server is not None:
            self._server.stop(grace)

    def clear(self, seconds: float) -> None:
        """Wait for the program's end and take the sandbox down."""
        if self._server is not None:
            self._server.join(seconds)
        Sandbox(self._folder / "root" / "opt" / "ai").remove()

    def _arguments(self, box: Sandbox) -> list[str]:
        """What Python is to run; nothing for an image, which is not pulled."""
        kind = self._config["type"]
        if kind == "BASIC_FRAMEWORK":
            if not self._config.get("codeUrl"):
                raise Unfit("gitInfo: code cannot be fetched from Git here, give codeUrl")
            if not self._config.get("startup"):
                raise Unfit("startup: there is no boot file to run")
            return [box.program(self._config["startup"])]
        if kind == "PRESET_MODEL" and (box.model / "model.json").exists():
            names = {entry.id: entry.name for entry in catalog.PRESET_MODELS}
            return programs.server(names[self._config["presetModelId"]])
        return []
