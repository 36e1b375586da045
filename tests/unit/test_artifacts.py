"""Bringing here what a job left: many at once, once, whole, and never outside the folder."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from anyfit.artifacts import download_artifacts
from anyfit.backend import Artifact
from anyfit.errors import StorageError
from anyfit.storage import Store, Uri, open_store


class Left:
    """A job's folder, and a stand-in for its backend that counts how often a store was asked for."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.opened = 0

    def store(self, uri: Uri) -> Store:
        """The store of a URI."""
        self.opened += 1
        return open_store(uri)

    def artifact(self, name: str, text: str = "x", *, at: str = "") -> Artifact:
        """A file, and its artifact."""
        path = self.folder / (at or name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return Artifact(name, path.as_uri(), len(text), "model")


Fetch = Callable[..., list[str]]


@pytest.fixture
def left(tmp_path: Path) -> Left:
    """What a job left."""
    return Left(tmp_path / "left")


@pytest.fixture
def fetch(left: Any, tmp_path: Path) -> Fetch:
    """Brings artifacts; answers the names of what is there then."""

    def bring(*artifacts: Artifact) -> list[str]:
        download_artifacts(left, artifacts, tmp_path / "here")
        found = (path for path in (tmp_path / "here").rglob("*") if path.is_file())
        return sorted(str(path.relative_to(tmp_path / "here")) for path in found)

    return bring


def test_artifacts_and_nothing_else(left: Left, fetch: Fetch) -> None:
    """Of a folder comes what is an artifact, whatever its name, and what lies elsewhere comes under its name."""
    left.artifact("model/other [1].txt")
    (left.folder / "model" / "gone").symlink_to("nowhere")
    names = ["model/a*b.txt", "model/deep/数据 100%.txt", "model.tar.gz"]

    assert fetch(*map(left.artifact, names), left.artifact("logs/x.log", at="supervisor.log")) == sorted(
        [*names, "logs/x.log"]
    )


def test_what_is_there_is_not_fetched_again(left: Left, fetch: Fetch, tmp_path: Path) -> None:
    """Unchanged files stay; changed ones are replaced; permissions come along."""
    first, second = left.artifact("model/a"), left.artifact("model/b", "old")
    (left.folder / "model/a").chmod(0o755)
    fetch(first, second)
    before = (tmp_path / "here/model/a").stat()
    left.artifact("model/b", "newer")
    fetch(first, second)

    after = (tmp_path / "here/model/a").stat()
    assert (after.st_ino, after.st_mode & 0o777) == (before.st_ino, 0o755)
    assert (tmp_path / "here/model/b").read_text() == "newer"


def test_one_that_is_lost_does_not_stop_the_rest(left: Left, fetch: Fetch, tmp_path: Path) -> None:
    """All that can be had is brought, and what cannot is named."""
    lost = left.artifact("model/lost")
    (left.folder / "model/lost").unlink()
    with pytest.raises(StorageError, match=r"(?s)1 of 2 could not be transferred:.*model/lost: it is not there"):
        fetch(lost, left.artifact("model/a"))

    assert (tmp_path / "here/model/a").exists()


@pytest.mark.parametrize("name", ["../evil", "model/../../evil", "/evil", "model//evil", "..", "model/."])
def test_names_cannot_lead_out(left: Left, fetch: Fetch, tmp_path: Path, name: str) -> None:
    """A name that is no path in the folder is refused before anything is fetched."""
    harmless = left.artifact("model/a")
    with pytest.raises(StorageError, match="no path in a folder"):
        fetch(harmless, Artifact(name, harmless.uri, 1, "model"))

    assert not (tmp_path / "evil").exists()
    assert left.opened == 0
