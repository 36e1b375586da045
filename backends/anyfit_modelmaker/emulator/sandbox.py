"""The directory tree that plays a container's `/opt/ai` (reference, section 12.3)."""

from __future__ import annotations

import os
import re
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

from attrs import frozen

from anyfit_emulator.moving import download
from anyfit_emulator.running import clean_environment
from anyfit_emulator.storage import ObjectStore

__all__ = ["Sandbox", "Unfit"]

_PLACE = re.compile(r"(?<![\w.-])/opt/ai(?![\w.-])")
_SHARED = ("src", "input", "output", "model")


class Unfit(Exception):
    """What was asked for cannot be started; the message says why."""


@frozen
class Sandbox:
    """One container's tree.

    Attributes:
        root: The directory that stands for `/opt/ai`.
    """

    root: Path

    @classmethod
    def make(cls, folder: Path) -> Sandbox:
        """A new, empty tree below a folder."""
        box = cls(folder / "opt" / "ai")
        for name in ("src", "input/data", "output", "config", "model"):
            (box.root / name).mkdir(parents=True)
        return box

    def twin(self, folder: Path) -> Sandbox:
        """Another container's tree that shares all but the configuration."""
        box = Sandbox(folder / "opt" / "ai")
        (box.root / "config").mkdir(parents=True)
        for name in _SHARED:
            (box.root / name).symlink_to(self.root / name, target_is_directory=True)
        return box

    @property
    def src(self) -> Path:
        """Where the code is, and where programs run."""
        return self.root / "src"

    @property
    def data(self) -> Path:
        """Where the training data is."""
        return self.root / "input" / "data"

    @property
    def output(self) -> Path:
        """What is copied to the job's output place."""
        return self.root / "output"

    @property
    def config(self) -> Path:
        """Where the platform tells of the other instances."""
        return self.root / "config"

    @property
    def model(self) -> Path:
        """Where a service finds its weights."""
        return self.root / "model"

    def fetch(self, store: ObjectStore, uri: str, place: str, cancelled: Callable[[], bool]) -> None:
        """Copy from the object store to a place of the tree."""
        if not uri.startswith("s3://"):
            raise Unfit(f"{uri}: only s3:// places can be fetched")
        target = self.root / place
        if not target.resolve().is_relative_to(self.root.resolve()):
            raise Unfit(f"{place}: it lies outside of the container's directories")
        target.mkdir(parents=True, exist_ok=True)
        download(store, uri, target, cancelled)

    def program(self, startup: str) -> str:
        """The boot file, relative to the code directory."""
        file = (self.src / startup).resolve()
        if not file.is_relative_to(self.src.resolve()) or not file.is_file():
            raise Unfit(f"the boot file {startup} is not among the code")
        return startup

    def inside(self, text: str) -> str:
        """A text in which the container's paths lead into this tree."""
        return _PLACE.sub(lambda _: str(self.root), text)

    def environment(self, more: dict[str, str]) -> dict[str, str]:
        """The environment of a program in here; `python` and `python3` are the emulator's own."""
        root = self.root
        places = {
            "MM_ROOT": root,
            "MM_SRC_DIR": self.src,
            "MM_INPUT_DIR": root / "input",
            "MM_DATA_DIR": self.data,
            "MM_OUTPUT_DIR": self.output,
            "MM_CONFIG_DIR": self.config,
            "MM_MODEL_DIR": self.model,
        }
        inherited = clean_environment()
        inherited["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), inherited.get("PATH", os.defpath)])
        told = {name: self.inside(value) for name, value in more.items()}
        return {**inherited, **{name: str(place) for name, place in places.items()}, **told}

    def remove(self) -> None:
        """Take the tree down."""
        shutil.rmtree(self.root.parent.parent, ignore_errors=True)
