"""The folder that anyfit keeps its own things in."""

from __future__ import annotations

import os

TYPE_CHECKING = False  # no import of typing here: `anyfit jobs` has no time for it
if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["home_folder"]


def home_folder(environ: Mapping[str, str]) -> str:
    """ANYFIT_HOME, or `.anyfit` in the user's own folder; absolute."""
    folder = os.path.expanduser(environ.get("ANYFIT_HOME") or "~/.anyfit")  # noqa: PTH111  (pathlib takes 3 ms)
    if folder.startswith("~"):
        from anyfit.errors import ConfigError

        raise ConfigError(
            "there is no home folder to keep jobs and their journal in", hint="set ANYFIT_HOME to a folder"
        )
    return os.path.abspath(folder)  # noqa: PTH100
