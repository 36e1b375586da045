"""What an inference image runs: the user's command, the inference server, or a server for the model's format."""

from __future__ import annotations

import importlib.util
import json
import sys
from pathlib import Path

from anyfit_emulator.running import Command, LineLog, NotStarted, Run
from anyfit_ti.emulator.container import Unfit
from anyfit_ti.emulator.serving.inference import IMAGE, InferenceContainer
from anyfit_ti.emulator.serving.launch import Launch

__all__ = ["Requirements", "program"]

_TIMEOUT = "30000"  # milliseconds; what the built-in images are started with


def program(launch: Launch, container: InferenceContainer) -> list[str]:
    """The arguments that start it.

    Raises:
        Unfit: Nothing here can play the image.
    """
    if launch.command:
        return ["/bin/sh", "-c", container.inside(launch.command)]
    if (container.model / "model_service.py").is_file():
        return [sys.executable, "-m", "tiinfer", "--timeout", _TIMEOUT, "--port", str(container.port)]
    if _has_saved_model(container.model):
        if importlib.util.find_spec("tensorflow") is None:
            raise Unfit("a SavedModel is served by TensorFlow, which is not installed beside the emulator")
        return [sys.executable, str(IMAGE / "saved_model.py"), str(container.model), str(container.port)]
    raise Unfit("images are not pulled: there is no start command, no model_service.py and no SavedModel")


def _has_saved_model(folder: Path) -> bool:
    """Whether one lies there, or in the directory of a version."""
    return any((place / "saved_model.pb").is_file() for place in (folder, *folder.glob("[0-9]*/")))


class Requirements:
    """The model's `requirements.txt`, installed for one container before its program starts.

    Args:
        key: Marks the installer's processes.
    """

    def __init__(self, key: str, container: InferenceContainer, log: LineLog) -> None:
        self._key = key
        self._container = container
        self._log = log
        self._run: Run | None = None
        self._stopped = False

    def install(self) -> None:
        """Install what this Python does not have yet.

        Raises:
            Unfit: That did not succeed.
        """
        file = self._container.model / "requirements.txt"
        if not file.is_file():
            return
        report = self._container.root / "missing.json"
        self._pip("install", "--quiet", "--dry-run", "--report", str(report), "-r", str(file))
        if json.loads(report.read_text())["install"]:
            self._pip("install", "--quiet", "--target", str(self._container.packages), "-r", str(file))

    def stop(self) -> None:
        """Give up."""
        self._stopped = True
        if self._run:
            self._run.stop(0.0)

    def _pip(self, *arguments: str) -> None:
        command = [sys.executable, "-m", "pip", "--disable-pip-version-check", *arguments]
        self._run = Run(self._key, [Command(command, self._container.root, self._container.variables())], self._log)
        try:
            self._run.start()
        except NotStarted as error:
            raise Unfit(str(error)) from error
        if self._stopped:
            self._run.stop(0.0)
        if self._run.wait().reason != "exited":
            last = self._log.page(len(self._log) - 1, 1)
            raise Unfit("requirements.txt: " + (last[0].text if last else "it cannot be installed"))
