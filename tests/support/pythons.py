"""What files that travel into containers have to run on."""

from __future__ import annotations

import subprocess
import sys
import sysconfig
from pathlib import Path


def old_pythons() -> list[str]:
    """The oldest and the newest Python of the machine, and this one."""
    versions = Path.home() / ".pyenv" / "versions"
    found = sorted((int(p.parts[-3].split(".")[1]), str(p)) for p in versions.glob("3.*/bin/python"))
    return list(dict.fromkeys([sys.executable, *(path for _, path in found[:1] + found[-1:])]))


def assert_python_3_6(path: Path) -> None:
    """vermin finds no newer syntax, module or function."""
    command = [f"{sysconfig.get_path('scripts')}/vermin", "-t=3.6-", "--no-tips", str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stdout
