"""Where a backend's settings come from, and what its page says of them."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TypeVar

import pytest

from anyfit.config import load_config
from anyfit.options import describe
from anyfit.plugins import backend_factory

S = TypeVar("S")


def empty_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, variables: Iterable[str]) -> Path:
    """An empty home and an empty working directory in it, without these variables."""
    for name in variables:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("ANYFIT_HOME", str(tmp_path / "anyfit"))
    work = tmp_path / "work"
    work.mkdir()
    monkeypatch.chdir(work)
    return tmp_path


def settings_of(backend: str, kind: type[S]) -> S:
    """What is configured here and now."""
    found = load_config().backend_settings(backend_factory(backend))
    assert isinstance(found, kind)
    return found


def origins_of(backend: str) -> dict[str, str]:
    """Where each of the values comes from."""
    return {entry.key: entry.origin for entry in load_config().entries(backend_factory(backend))}


def assert_documented(page: str, kind: type) -> None:
    """Each setting or option stands in its table, with its default and meaning."""
    for key in describe(kind):
        default = f"`{key.default}`" if key.default.strip('"') else ""

        assert f"| `{key.name}` | {default} | {key.help} |" in page
