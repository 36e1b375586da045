"""Old bundles go when nobody needs them, and not before."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from anyfit import Estimator
from anyfit.backend import JobRef
from anyfit.code.pruning import prune_bundles
from anyfit.journal import Journal
from anyfit.spec import Code, JobSpec

YEAR = 365 * 86400.0
REF = JobRef("local", "here", "job")


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    """A journal with nothing in it."""
    journal = Journal(tmp_path)
    yield journal
    journal.close()


def bundle(folder: Path, name: str, *, age: float) -> Path:
    """A file in the folder of bundles that was packed so many seconds ago."""
    folder.mkdir(exist_ok=True)
    path = folder / name
    path.write_bytes(b"code")
    packed = time.time() - age
    os.utime(path, (packed, packed))
    return path


def test_what_no_job_has(tmp_path: Path, journal: Journal) -> None:
    """Of old files those go that the journal does not mention; what is young stays in any case."""
    folder = tmp_path / "bundles"
    used, unused = bundle(folder, "a1.tar.gz", age=YEAR), bundle(folder, "b2.tar.gz", age=YEAR)
    young, half = bundle(folder, "c3.tar.gz", age=60), bundle(folder, "xyz.part", age=YEAR)
    spec = JobSpec(name="job", code=Code(digest="a1", archive=str(used), size=4, files=1))
    journal.adopt(spec, REF, "", "")

    prune_bundles(folder, journal)
    assert sorted(folder.iterdir()) == [used, young]

    journal.forget(REF, "")
    prune_bundles(folder, journal)
    assert list(folder.iterdir()) == [young]
    assert not unused.exists() and not half.exists()


def test_packed_again_at_this_moment(tmp_path: Path, journal: Journal, monkeypatch: pytest.MonkeyPatch) -> None:
    """A bundle that another process packs between the look and the removal stays."""
    folder = tmp_path / "bundles"
    path = bundle(folder, "a1.tar.gz", age=YEAR)

    def asked(names: list[str]) -> set[str]:
        bundle(folder, path.name, age=0)
        return set()

    monkeypatch.setattr(journal, "mentioned", asked)
    prune_bundles(folder, journal)

    assert list(folder.iterdir()) == [path]


def test_nothing_to_prune(tmp_path: Path, journal: Journal) -> None:
    """Without bundles, or with a journal that cannot be read, nothing happens."""
    prune_bundles(tmp_path / "bundles", journal)
    old = bundle(tmp_path / "bundles", "a1.tar.gz", age=YEAR)
    (tmp_path / "other" / "journal.sqlite3").mkdir(parents=True)
    prune_bundles(tmp_path / "bundles", Journal(tmp_path / "other"))

    assert old.exists()


def test_when_a_job_is_prepared(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """To prepare a job is the occasion; the job's own bundle is there afterwards."""
    monkeypatch.setenv("ANYFIT_HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "home").mkdir()
    (tmp_path / "train.py").write_text("pass")
    old = bundle(tmp_path / "home" / "bundles", "a1.tar.gz", age=YEAR)

    plan = Estimator(entry_point="train.py").plan()

    assert plan.spec.code is not None
    assert Path(plan.spec.code.archive).exists()
    assert not old.exists()
