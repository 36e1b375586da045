"""The command to type next, by the name that rules give it."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from typing import Final

__all__ = ["COMMANDS", "command"]

COMMANDS: Final[Mapping[str, str]] = {
    "again": "anyfit fit job.toml",
    "bigger-disk": "anyfit rerun {job} --set volume_size={bigger}",
    "compile": "python -m py_compile {file}",
    "doctor": "anyfit doctor",
    "install": "pip install {package}",
    "logs": "anyfit logs {job}",
    "longer": "anyfit rerun {job} --set max_run={longer}",
    "plan": "anyfit status {job} --plan",
    "require": "echo {package} >> {requirements}",
    "see-fault": "anyfit rerun {job} --set environment.PYTHONFAULTHANDLER=1",
    "set-hyperparameter": "anyfit rerun {job} --set hyperparameters.{name}=VALUE",
    "set-variable": "anyfit rerun {job} --set environment.{variable}=VALUE",
    "set-input": "anyfit rerun {job} --set inputs.{channel}=URI",
    "specs": "anyfit specs",
    "utf8": "anyfit rerun {job} --set environment.PYTHONUTF8=1",
}


def command(name: str, facts: Mapping[str, str]) -> str:
    """The command of that name, safe to paste into a shell."""
    return COMMANDS[name].format_map({key: shlex.quote(value) for key, value in facts.items()})
