"""What is installed is found as `importlib.metadata` finds it, only sooner."""

from __future__ import annotations

import importlib.metadata
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from anyfit.plugins.installed import installed


@pytest.mark.parametrize("group", ["console_scripts", "pytest11", "anyfit.backends", "no.such.group"])
def test_same_answers_as_the_standard_library(group: str) -> None:
    """Of this very environment both say the same."""
    ours = {(entry.name, entry.value) for entry in installed(group)}
    theirs = {
        (entry.name, entry.value.partition("[")[0].strip()) for entry in importlib.metadata.entry_points(group=group)
    }

    assert ours == theirs


def test_first_copy_counts(install: Callable[..., str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of two copies of a distribution on the path only the first is seen, however its name is spelt."""
    install("anyfit.plugins", "old", "", dist="My.Dist")
    info = tmp_path / "newer" / "my_dist-2.0.dist-info"
    info.mkdir(parents=True)
    (info / "entry_points.txt").write_text("[anyfit.plugins]\nnew = module\n")
    monkeypatch.syspath_prepend(str(tmp_path / "newer"))

    names = [entry.name for entry in installed("anyfit.plugins")]

    assert "new" in names
    assert "old" not in names


def test_zip_on_the_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A plugin inside a zip file is found too."""
    with zipfile.ZipFile(tmp_path / "plugin.zip", "w") as archive:
        archive.writestr("zipped-1.0.dist-info/METADATA", "Name: zipped\nVersion: 1.0\n")
        archive.writestr("zipped-1.0.dist-info/entry_points.txt", "[anyfit.plugins]\nzipped = zipped_module\n")
    monkeypatch.syspath_prepend(str(tmp_path / "plugin.zip"))

    assert "zipped" in [entry.name for entry in installed("anyfit.plugins")]


def test_legacy_metadata(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The egg-info of an old development install is found, comments and extras in it are understood."""
    info = tmp_path / "legacy.egg-info"
    info.mkdir()
    (info / "entry_points.txt").write_text("[anyfit.plugins]\n# none = none\nold = module:attribute [extra]\n")
    monkeypatch.syspath_prepend(str(tmp_path))

    assert [e.value for e in installed("anyfit.plugins") if e.name == "old"] == ["module:attribute"]


def test_light() -> None:
    """Finding and loading a backend does without importlib.metadata and whatever else is heavy."""
    code = (
        "import sys; from anyfit.plugins import backend_factory; backend_factory('local');"
        "heavy = {'importlib.metadata', 'email', 'requests', 'logging', 'platformdirs', 'cattrs', 'sqlite3'};"
        "sys.exit(f'imported: {heavy & set(sys.modules)}' if heavy & set(sys.modules) else 0)"
    )

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)

    assert done.stderr == ""
