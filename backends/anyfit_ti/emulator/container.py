"""The directory tree that plays a container's file system (reference, sections 4.1 and 4.6).

A process of this machine cannot have an `/opt/ml` of its own. So a container's paths lead below a root of its own, in
every text that the platform hands over: commands, arguments, variables and files of configuration. A path that stands
in a script is the script's own.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import sys
from collections.abc import Iterable
from pathlib import Path, PurePosixPath

from anyfit_emulator.running import clean_environment
from anyfit_ti.emulator.programs import MPIRUN

__all__ = ["ML", "Container", "Unfit", "install_programs"]

ML = "/opt/ml"


class Unfit(Exception):
    """What was asked for cannot be started; the message says why."""


class Container:
    """One container.

    Args:
        root: The directory that stands for `/`.
        places: Which paths lead below it: `/opt/ml`, and where else something is mounted.

    Attributes:
        root: As given.
    """

    def __init__(self, root: Path, places: Iterable[str] = ()) -> None:
        self.root = root
        self._places = tuple(dict.fromkeys((ML, *places)))
        words = "|".join(re.escape(place) for place in sorted(self._places, key=len, reverse=True))
        self._pattern = re.compile(rf"(?<![\w.)}}~-])(?:{words})(?![\w.-])")
        for place in self._places:
            self.path(place).mkdir(parents=True, exist_ok=True)

    def path(self, inside: str) -> Path:
        """Where a path of the container lies.

        Raises:
            Unfit: It leads out of it.
        """
        parts = PurePosixPath("/", inside).parts[1:]
        if ".." in parts:
            raise Unfit(f"{inside}: it leads out of the container")
        return self.root.joinpath(*parts)

    def inside(self, text: str) -> str:
        """A text in which the container's paths lead below its root."""
        return self._pattern.sub(lambda match: str(self.root) + match[0], text)

    def share(self, inside: str, target: Path) -> None:
        """Let a path of the container be a directory that others see, too."""
        place = self.path(inside)
        place.parent.mkdir(parents=True, exist_ok=True)
        if place.is_symlink():
            place.unlink()
        elif place.is_dir():
            shutil.rmtree(place)
        target.mkdir(parents=True, exist_ok=True)
        place.symlink_to(target, target_is_directory=True)

    def environment(self, told: dict[str, str], programs: Path) -> dict[str, str]:
        """The environment of its processes; `python` is the emulator's own, and what is missing is in `programs`."""
        inherited = clean_environment()
        places = [str(Path(sys.executable).parent), inherited.get("PATH", os.defpath), str(programs)]
        inherited["PATH"] = os.pathsep.join(places)
        inherited.setdefault("HOME", str(self.root))
        return {**inherited, **{name: self.inside(value) for name, value in told.items()}}


def install_programs(folder: Path) -> Path:
    """Make a directory with what images have and this machine may lack; answers the directory."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("mpirun", "mpiexec", "horovodrun"):
        program = folder / name
        program.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} {shlex.quote(str(MPIRUN))} "$@"\n')
        program.chmod(0o755)
    return folder
