"""The directory tree that plays a container's file system.

A process of this machine cannot have a `/home/ma-user` or a `/cache` of its own. So the container's directories lie
below the run's own root, and their names are translated wherever the platform hands them over: in arguments, in the
environment, in the words of commands. Programs in Python moreover find a `sitecustomize` that translates what they
open, so that paths written into scripts work as well.
"""

from __future__ import annotations

import os
import re
import shutil
import sys
from pathlib import Path

from attrs import frozen

from anyfit_emulator.running import clean_environment
from anyfit_modelarts.emulator.training.plan import Unfit

__all__ = ["IMAGE", "Container"]

IMAGE = Path(__file__).parents[1] / "image"  # what every image has: moxing, run_train.sh
_DIRECTORIES = ("/home/ma-user", "/home/work", "/cache", "/user/config")
_PLACE = re.compile(rf"(?<![\w./-])({'|'.join(_DIRECTORIES)})(?![\w.-])")


@frozen
class Container:
    """One container's tree.

    Attributes:
        root: The directory that stands for `/`.
    """

    root: Path

    @classmethod
    def make(cls, root: Path) -> Container:
        """A new tree with nothing in it but the platform's own."""
        for name in _DIRECTORIES:
            (root / name[1:]).mkdir(parents=True)
        shutil.copy2(IMAGE / "run_train.sh", root / "home/work/run_train.sh")
        return cls(root)

    def path(self, place: str) -> Path:
        """Where a path of the container lies.

        Raises:
            Unfit: It leads out of the container's own directories.
        """
        found = Path(os.path.normpath(self.root / place.lstrip("/")))
        if not any(found.is_relative_to(self.root / name[1:]) for name in _DIRECTORIES):
            raise Unfit(f"{place} must lie below {', '.join(_DIRECTORIES)}")
        return found

    def inside(self, text: str) -> str:
        """A text in which the container's paths lead into this tree."""
        return _PLACE.sub(lambda match: f"{self.root}{match[1]}", text)

    def environment(self, told: dict[str, str]) -> dict[str, str]:
        """The environment of a program in here; `python` and `python3` are the emulator's own."""
        inherited = clean_environment()
        for name in ("PYTHONPATH", "PYTHONHOME"):
            inherited.pop(name, None)
        mine = {name: self.inside(value) for name, value in told.items()}
        search = [str(IMAGE), str(self.packages), mine.get("PYTHONPATH", "")]
        programs = [str(Path(sys.executable).parent), mine.get("PATH") or inherited.get("PATH", os.defpath)]
        return {
            **inherited,
            **mine,
            "PATH": os.pathsep.join(programs),
            "PYTHONPATH": os.pathsep.join(filter(None, search)),
            "EMULATED_ROOT": str(self.root),
            "EMULATED_DIRECTORIES": os.pathsep.join(_DIRECTORIES),
        }

    @property
    def packages(self) -> Path:
        """Where what `pip-requirements.txt` names is installed."""
        return self.root / "packages"

    def remove(self) -> None:
        """Take the tree down."""
        shutil.rmtree(self.root, ignore_errors=True)
