"""Data that is not on this machine: brought and taken away by a helper of the supervisor."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from anyfit.backend import Cause, Status
from anyfit.errors import NotFound, StorageError
from anyfit.spec import Channel
from anyfit.storage import Uri
from anyfit.storage.file import FileStore
from anyfit_local.moving import _fetch, move

# A store of its own scheme, with this disk behind it, that every Python of the test has.
SITE = """
from anyfit.storage import register_scheme
from anyfit.storage.file import FileStore

register_scheme("far", lambda uri, settings: FileStore())
"""


@pytest.fixture
def far(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that `far://away` URIs lead to."""
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "sitecustomize.py").write_text(SITE)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "site"))
    place = tmp_path / "away"
    (place / "data" / "deep").mkdir(parents=True)
    (place / "data" / "a.txt").write_text("A")
    (place / "data" / "deep" / "b.txt").write_text("B")
    return place


def _uri(path: Path) -> str:
    return f"far://away{path}"


def test_inputs_outputs_and_checkpoints_travel(rig: Any, far: Path) -> None:
    """The script works on local folders; before and after it the helper moves what has to be moved."""
    (far / "ckpt").mkdir()
    (far / "ckpt" / "last.txt").write_text("6")
    ref, state = rig.run(
        """
        import os, pathlib
        train = pathlib.Path(os.environ["SM_CHANNEL_TRAIN"])
        print(sorted(p.relative_to(train).as_posix() for p in train.rglob("*.txt")))
        print(os.listdir(os.environ["SM_CHANNEL_TEST"]))
        last = pathlib.Path(os.environ["ANYFIT_CHECKPOINT_DIR"], "last.txt")
        last.write_text(str(int(last.read_text()) + 1))
        pathlib.Path(os.environ["SM_MODEL_DIR"], "w.txt").write_text("w")
        pathlib.Path(os.environ["SM_OUTPUT_DATA_DIR"], "o.txt").write_text("o")
        """,
        name="far",
        inputs={"train": Channel(uri=_uri(far / "data")), "test": Channel(uri=_uri(far / "data" / "a.txt"))},
        output_path=_uri(far / "out"),
        checkpoint_path=_uri(far / "ckpt"),
    )

    assert state.status is Status.SUCCEEDED, state.reason
    assert rig.texts(ref) == ["['a.txt', 'deep/b.txt']", "['a.txt']"]
    assert (far / "ckpt" / "last.txt").read_text() == "7"
    put = sorted(p.relative_to(far / "out").as_posix() for p in (far / "out").rglob("*") if p.is_file())
    assert put == ["far/model.tar.gz", "far/model/w.txt", "far/output/o.txt"]
    uris = {a.name: a.uri for a in rig.backend.artifacts(ref)}
    assert uris["model/w.txt"] == _uri(far / "out" / "far" / "model" / "w.txt")


def test_an_input_that_cannot_be_had_fails_the_job_before_its_script(rig: Any, far: Path) -> None:
    """The reason names the channel and the place."""
    ref, state = rig.run("print('never')", inputs={"train": Channel(uri=_uri(far / "nothing") + "/")})

    assert (state.status, state.cause, state.started_at) == (Status.FAILED, Cause.START, None)
    assert "inputs.train could not be fetched" in state.reason and "nothing" in state.reason
    assert rig.texts(ref) == []


def test_an_output_that_cannot_be_put_fails_the_job(rig: Any, far: Path) -> None:
    """Its script had succeeded, which the exit code still tells."""
    (far / "out").write_text("in the way")
    _, state = rig.run(
        "import os; open(os.environ['SM_MODEL_DIR'] + '/w', 'w').write('w')", output_path=_uri(far / "out")
    )

    assert (state.status, state.cause, state.exit_code) == (Status.FAILED, Cause.OUTPUT, 0)
    assert "could not be saved" in state.reason


def test_a_place_without_anything_is_an_error(tmp_path: Path) -> None:
    """Whole folders are brought, and an empty one is taken for a wrong one."""
    (tmp_path / "m").mkdir()
    (tmp_path / "m" / "w.txt").write_text("3")
    move("get", (tmp_path / "m").as_uri(), str(tmp_path / "copy"))

    assert (tmp_path / "copy" / "w.txt").read_text() == "3"
    with pytest.raises(NotFound):
        move("get", f"{(tmp_path / 'none').as_uri()}/", str(tmp_path / "copy"))


def test_a_key_cannot_lead_out_of_its_folder(tmp_path: Path) -> None:
    """Whatever a store calls its objects."""
    (tmp_path / "a").mkdir()
    with pytest.raises(StorageError, match="cannot be a file"):
        _fetch(FileStore(), Uri.parse(tmp_path / "a").key, tmp_path / "a", "../b")
