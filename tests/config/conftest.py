"""A folder to configure in, out of reach of the machine's own configuration."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from textwrap import dedent

import pytest

from anyfit.config import Config, load_config

Load = Callable[..., Config]


@pytest.fixture
def load(tmp_path: Path) -> Load:
    """Loads the configuration of a project file, a user file and an environment, each optional."""

    def write(
        project: str = "", user: str = "", environ: Mapping[str, str] | None = None, profile: str | None = None
    ) -> Config:
        folder = tmp_path / "project"
        folder.mkdir(exist_ok=True)
        home = tmp_path / "xdg" / "anyfit"
        home.mkdir(parents=True, exist_ok=True)
        for path, text in ((folder / "anyfit.toml", project), (home / "anyfit.toml", user)):
            path.unlink(missing_ok=True)
            if text:
                path.write_text(dedent(text), encoding="utf-8")
                path.chmod(0o600)
        return load_config(profile, cwd=folder, environ={"XDG_CONFIG_HOME": str(tmp_path / "xdg"), **(environ or {})})

    return write
