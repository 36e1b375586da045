"""Plugins as a user installs them: a module and its metadata on `sys.path`."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from textwrap import dedent

import pytest

from anyfit.plugins import observers

Install = Callable[..., str]


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Install]:
    """Writes `module` with this source and a distribution that names it in an entry-point group."""
    site = tmp_path / "site"
    site.mkdir()
    monkeypatch.syspath_prepend(str(site))
    modules = []

    def write(group: str, name: str, source: str | None, *, dist: str = "", extras: str = "") -> str:
        dist = dist or f"dist_{name}"
        module = f"{dist}_{name}_module"
        modules.append(module)
        if source is not None:
            (site / f"{module}.py").write_text(dedent(source), encoding="utf-8")
        info = site / f"{dist}-1.0.dist-info"
        info.mkdir(exist_ok=True)
        with (info / "entry_points.txt").open("a", encoding="utf-8") as file:
            file.write(f"[{group}]\n{name} = {module}\n")
        extra = f"Provides-Extra: {extras}\n" if extras else ""
        (info / "METADATA").write_text(f"Name: {dist}\nVersion: 1.0\n{extra}", encoding="utf-8")
        return module

    observers.cache_clear()
    yield write
    observers.cache_clear()
    for module in modules:
        sys.modules.pop(module, None)
