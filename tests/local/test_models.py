"""Models kept on this machine."""

from __future__ import annotations

import tarfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from anyfit.backend import ModelRef
from anyfit.errors import Conflict, NotFound, SpecError
from anyfit.spec import ModelSpec


@pytest.fixture
def artifact(tmp_path: Path) -> str:
    """A trained model in a folder."""
    folder = tmp_path / "trained"
    (folder / "deep").mkdir(parents=True)
    (folder / "deep" / "w.txt").write_text("3")
    return folder.as_uri()


def test_versions_count_by_themselves(rig: Any, artifact: str) -> None:
    """1, 2, 3 unless a version is named; listed newest first."""
    refs = [rig.backend.register(ModelSpec(name="m", artifact=artifact)) for _ in range(2)]
    named = rig.backend.register(ModelSpec(name="m", artifact=artifact, version="2026-best"))
    other = rig.backend.register(ModelSpec(name="n", artifact=artifact))

    assert [str(ref) for ref in refs] == ["local://localhost/m/1", "local://localhost/m/2"]
    assert ModelRef.parse(str(refs[0])) == refs[0]
    assert [(i.name, i.version) for i in rig.backend.models("m")] == [("m", "2026-best"), ("m", "2"), ("m", "1")]
    assert [i.ref for i in rig.backend.models()] == [other, named, *refs[::-1]]
    assert all(i.created_at and i.status == "READY" for i in rig.backend.models())


def test_a_model_is_a_copy(rig: Any, artifact: str, tmp_path: Path) -> None:
    """What happens to the training's files later does not matter."""
    ref = rig.backend.register(ModelSpec(name="m", artifact=artifact, code=rig.code("x = 1", "inference.py")))
    (tmp_path / "trained" / "deep" / "w.txt").unlink()
    folder = rig.backend.home.models / "m" / "1"

    assert (folder / "model" / "deep" / "w.txt").read_text() == "3"
    assert (folder / "code" / "inference.py").exists()
    assert [p.name for p in folder.parent.iterdir()] == ["1"]
    rig.backend.delete_model(ref)
    rig.backend.delete_model(ref)
    assert rig.backend.models() == [] and not folder.parent.exists()


def test_an_archive_is_unpacked(rig: Any, artifact: str, tmp_path: Path) -> None:
    """`model.tar.gz` will do as well as the folder."""
    with tarfile.open(tmp_path / "model.tar.gz", "w:gz") as tar:
        tar.add(tmp_path / "trained" / "deep" / "w.txt", arcname="w.txt")
    rig.backend.register(ModelSpec(name="m", artifact=str(tmp_path / "model.tar.gz")))

    assert (rig.backend.home.models / "m" / "1" / "model" / "w.txt").read_text() == "3"


def test_a_taken_version_is_refused(rig: Any, artifact: str) -> None:
    """A version is never written over."""
    rig.backend.register(ModelSpec(name="m", artifact=artifact, version="a"))

    with pytest.raises(Conflict, match="version 'a' of model 'm'"):
        rig.backend.register(ModelSpec(name="m", artifact=artifact, version="a"))


def test_clients_that_register_at_once_get_a_version_each(rig: Any, artifact: str) -> None:
    """No two share a number, and none is left out."""
    with ThreadPoolExecutor(8) as pool:
        refs = list(pool.map(lambda _: rig.backend.register(ModelSpec(name="m", artifact=artifact)), range(8)))

    assert sorted(ref.id for ref in refs) == [f"m/{number}" for number in range(1, 9)]


def test_a_model_without_files_is_refused(rig: Any) -> None:
    """A path that does not exist leaves nothing behind."""
    with pytest.raises(SpecError, match="artifact: /no/such/model"):
        rig.backend.register(ModelSpec(name="m", artifact="file:///no/such/model"))
    assert rig.backend.models() == []


@pytest.mark.parametrize("name", ["*", "?", "../models/m", "[m]", "x" * 300])
def test_names_are_no_patterns(rig: Any, artifact: str, name: str) -> None:
    """A model is found by its own name alone, so that none is deleted by another's."""
    rig.backend.register(ModelSpec(name="m", artifact=artifact))

    assert [info.name for info in rig.backend.models("m")] == ["m"]
    assert rig.backend.models(name) == []


def test_names_cannot_lead_elsewhere(rig: Any, artifact: str) -> None:
    """Neither a name nor a version is a path."""
    for name, version in (("../m", ""), ("m", "../../x"), ("m", ".new-x")):
        with pytest.raises(NotFound, match="no name"):
            rig.backend.register(ModelSpec(name=name, version=version, artifact=artifact))
