"""The directory tree and the environment that play an inference container (reference, section 5.2).

Nobody may own `/data/model` or port 8501 of the whole machine. So every instance has a directory that stands for `/`
and a port of its own, and where the command or a variable says `/data/model` or `8501`, the program gets to see those.
"""

from __future__ import annotations

import os
import re
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

from anyfit_emulator.moving import download
from anyfit_emulator.running import clean_environment
from anyfit_emulator.storage import ObjectStore
from anyfit_ti.emulator.serving.launch import MODEL_DIR, Launch

__all__ = ["Container", "Unfit"]

IMAGE = Path(__file__).parent / "image"
_DEFAULTS = {
    "TI_PREPROCESS_NUMS": "0",
    "TI_INFERENCE_NUMS": "1",
    "TI_POSTPROCESS_NUMS": "0",
    "TI_INFERENCE_MAX_BATCH_SIZE": "1",
}


class Unfit(Exception):
    """What was asked for can never be started; the message says why."""


class Container:
    """One instance's tree.

    Args:
        root: Stands for `/`.
        port: Stands for the launch's.
    """

    def __init__(self, root: Path, launch: Launch, port: int) -> None:
        self.root = root
        self.port = port
        self._launch = launch
        places = {MODEL_DIR, *(mount.path for mount in launch.mounts)}
        words = "|".join(re.escape(place.rstrip("/")) for place in sorted(places, key=len, reverse=True))
        self._places = re.compile(rf"(?<![\w.-])(?:{words})(?![\w.-])")
        self._number = re.compile(rf"(?<![\w.]){launch.port}(?![\w.])")

    @property
    def model(self) -> Path:
        """Where the model lies."""
        return self.place(MODEL_DIR)

    @property
    def packages(self) -> Path:
        """Where what the model requires is installed."""
        return self.root / "packages"

    def place(self, path: str) -> Path:
        """What stands for a path of the container.

        Raises:
            Unfit: It would lie outside.
        """
        place = self.root / path.lstrip("/")
        if not path.startswith("/") or ".." in path.split("/") or place == self.root:
            raise Unfit(f"{path}: it is no directory that something can be mounted at")
        return place

    def fill(self, store: ObjectStore, cancelled: Callable[[], bool]) -> None:
        """Make the tree anew, with everything that is mounted.

        Raises:
            Missing: Something is not there.
            Unfit: Something cannot be mounted.
            Cancelled: `cancelled` said so.
        """
        shutil.rmtree(self.root, ignore_errors=True)
        self.root.mkdir(parents=True)
        for mount in self._launch.mounts:
            place = self.place(mount.path)
            if mount.source.startswith("cos://"):
                place.mkdir(parents=True, exist_ok=True)
                download(store, mount.source, place, cancelled)
                continue
            if place.exists():
                raise Unfit(f"{mount.path}: two things are mounted there")
            place.parent.mkdir(parents=True, exist_ok=True)
            Path(mount.source).mkdir(parents=True, exist_ok=True)
            place.symlink_to(mount.source, target_is_directory=True)
        self.model.mkdir(parents=True, exist_ok=True)

    def inside(self, text: str) -> str:
        """A text in which the container's paths and its port are those of this instance."""
        moved = self._number.sub(str(self.port), text)
        return self._places.sub(lambda match: str(self.root) + match[0], moved)

    def environment(self) -> dict[str, str]:
        """The program's variables; `python` and `python3` are the emulator's own."""
        inherited = clean_environment()
        path = [str(Path(sys.executable).parent), inherited.get("PATH", os.defpath)]
        told = {name: self.inside(value) for name, value in self._launch.environment.items()}
        libraries = [str(self.packages), told.pop("PYTHONPATH", ""), str(IMAGE)]
        return {
            **inherited,
            "TI_MODEL_DIR": str(self.model),
            **_DEFAULTS,
            **told,
            "PATH": os.pathsep.join(path),
            "PYTHONPATH": os.pathsep.join(filter(None, libraries)),
        }

    def remove(self) -> None:
        """Take the tree down; what was only linked stays."""
        shutil.rmtree(self.root, ignore_errors=True)
