"""Data that is not on this machine: brought and taken away by a helper of the supervisor."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from anyfit.backend import Cause, Status
from anyfit.errors import NotFound
from anyfit.spec import Channel
from anyfit.storage import Uri, open_store
from anyfit_emulator import ObjectStoreServer
from anyfit_local.moving import move

# Stores of their own schemes that every Python of the test has: one with this disk behind it, one that never answers.
SITE = """
import time
from anyfit.storage import register_scheme
from anyfit.storage.file import FileStore

register_scheme("far", lambda uri, settings: FileStore())
register_scheme("stuck", lambda uri, settings: time.sleep(600))
"""

LEAVES_OUTPUT = "import os; open(os.environ['SM_OUTPUT_DATA_DIR'] + '/o.txt', 'w').write('o')\n"


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

    assert (state.status, state.cause, state.started_at) == (Status.FAILED, Cause.INPUT, None)
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


def _until_it_saves(rig: Any, helpers: Any, ref: Any) -> None:
    helpers.until(lambda: rig.state(ref).status is Status.UPLOADING or None)


def test_stop_ends_the_saving_of_results_too(rig: Any, helpers: Any, far: Path) -> None:
    """The job is STOPPED, says that its results are not where they were wanted, and still has them."""
    ref = rig.submit(LEAVES_OUTPUT, output_path="stuck://away/out")
    _until_it_saves(rig, helpers, ref)
    rig.backend.stop(ref)
    state = rig.wait(ref)

    assert (state.status, state.cause, state.exit_code) == (Status.STOPPED, Cause.NONE, 0)
    assert "before its results were saved" in state.reason
    assert (rig.job_folder(ref) / "output" / "data" / "o.txt").read_text() == "o"


def test_a_failed_job_stays_failed_when_its_saving_is_stopped(rig: Any, helpers: Any, far: Path) -> None:
    """Why it failed is worth more than how it was ended."""
    ref = rig.submit(f"{LEAVES_OUTPUT}raise SystemExit(3)", output_path="stuck://away/out")
    _until_it_saves(rig, helpers, ref)
    rig.backend.stop(ref)
    state = rig.wait(ref)

    assert (state.status, state.exit_code) == (Status.FAILED, 3)
    assert "exit code 3" in state.reason and "not saved" in state.reason


def test_a_stopped_job_saves_its_outputs_until_it_is_stopped_again(rig: Any, helpers: Any, far: Path) -> None:
    """One stop ends the script alone; the next one ends the saving."""
    waits = f"{LEAVES_OUTPUT}import time; print('on', flush=True); time.sleep(60)"
    saved = rig.submit(waits, output_path=_uri(far / "out"))
    stuck = rig.submit(waits, output_path="stuck://away/out")
    for ref in (saved, stuck):
        rig.wait_for_line(ref, "on")
        rig.backend.stop(ref)
    _until_it_saves(rig, helpers, stuck)
    rig.backend.stop(stuck)

    assert [rig.wait(ref).status for ref in (saved, stuck)] == [Status.STOPPED, Status.STOPPED]
    assert (far / "out" / saved.id / "output" / "o.txt").read_text() == "o"
    assert "not saved" in rig.state(stuck).reason


def test_a_job_that_saves_its_results_can_be_removed(rig: Any, helpers: Any, far: Path) -> None:
    """Without waiting for a store that does not answer."""
    ref = rig.submit(LEAVES_OUTPUT, output_path="stuck://away/out")
    _until_it_saves(rig, helpers, ref)
    rig.backend.delete(ref)

    assert rig.backend.list() == []


@pytest.mark.parametrize("field", ["inputs", "output_path"])
def test_data_that_stands_still_is_given_up(rig: Any, far: Path, field: str) -> None:
    """A store that never answers ends in a failure that says so, not in waiting for ever."""
    place = {"inputs": {"train": Channel(uri="stuck://away/data")}, "output_path": "stuck://away/out"}[field]
    _, state = rig.with_settings(stall_seconds=0.3).run(LEAVES_OUTPUT, **{field: place})

    assert state.status is Status.FAILED
    assert "nothing has moved for 0.3 s" in state.reason


def test_a_place_without_anything_is_an_error(tmp_path: Path) -> None:
    """Whole folders are brought, and an empty one is taken for a wrong one."""
    (tmp_path / "m").mkdir()
    (tmp_path / "m" / "w.txt").write_text("3")
    move("get", (tmp_path / "m").as_uri(), str(tmp_path / "copy"), open_store)

    assert (tmp_path / "copy" / "w.txt").read_text() == "3"
    with pytest.raises(NotFound):
        move("get", f"{(tmp_path / 'none').as_uri()}/", str(tmp_path / "copy"), open_store)


def test_what_is_no_file_is_no_loss(tmp_path: Path) -> None:
    """Links that lead nowhere or in a circle, and pipes, are left out of what is put."""
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "w.txt").write_text("3")
    (tmp_path / "out" / "gone").symlink_to(tmp_path / "gone")
    (tmp_path / "out" / "loop").symlink_to(tmp_path / "out")
    os.mkfifo(tmp_path / "out" / "pipe")
    move("put", (tmp_path / "copy").as_uri(), str(tmp_path / "out"), open_store)

    assert [path.name for path in (tmp_path / "copy").iterdir()] == ["w.txt"]


@pytest.fixture
def server(tmp_path: Path) -> Iterator[ObjectStoreServer]:
    """An object store."""
    with ObjectStoreServer(tmp_path / "objects") as running:
        yield running


@pytest.fixture
def project(server: ObjectStoreServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of a client whose profile `there` leads to the object store, and nothing else does."""
    folder = tmp_path / "project"
    folder.mkdir()
    config = folder / "anyfit.toml"
    config.write_text(
        f'''
        [profiles.there.storage.s3]
        endpoint = "{server.s3_endpoint}"
        access_key = "{server.access_key}"
        secret_key = {{file = "key"}}
        '''
    )
    (folder / "key").write_text(server.secret_key)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.chdir(folder)
    return folder


def test_the_profile_tells_how_to_reach_a_store(rig: Any, server: ObjectStoreServer, project: Path) -> None:
    """The helper reads the profile itself: keys stand in no file of the job and on no command line."""
    data = server.data_dir / server.bucket / "data"
    data.mkdir()
    (data / "a.txt").write_text("A")
    server.store.adopt(server.bucket)
    rig.backend.profile = "there"

    ref, state = rig.run(
        """
        import os, pathlib
        print(os.listdir(os.environ["SM_CHANNEL_TRAIN"]))
        print("there" in " ".join(os.environ), file=open(os.environ["SM_MODEL_DIR"] + "/w.txt", "w"))
        """,
        name="far",
        inputs={"train": Channel(uri=f"s3://{server.bucket}/data/")},
        output_path=f"s3://{server.bucket}/out",
    )

    assert state.status is Status.SUCCEEDED, state.reason
    assert rig.texts(ref) == ["['a.txt']"]
    [uri] = [artifact.uri for artifact in rig.backend.artifacts(ref) if artifact.name == "model/w.txt"]
    assert uri == f"s3://{server.bucket}/out/far/model/w.txt"
    assert server.store.path(server.bucket, "out/far/model/w.txt").read_text() == "False\n"
    kept = [path for path in (rig.folder / "home").rglob("*") if path.is_file()]
    assert kept
    assert [path for path in kept if server.secret_key.encode() in path.read_bytes()] == []


@pytest.mark.parametrize("name", ["queue", "token", "settings"])
def test_a_project_may_name_its_files_as_it_likes(
    rig: Any, server: ObjectStoreServer, project: Path, name: str
) -> None:
    """A module of the client's folder is never taken for one of the standard library, nor one of ours for its."""
    (server.data_dir / server.bucket / "a.txt").write_text("A")
    server.store.adopt(server.bucket)
    (project / f"{name}.py").write_text("raise SystemExit('the wrong module')")
    rig.backend.profile = "there"
    ref, state = rig.run(
        "import os; print(os.listdir(os.environ['SM_CHANNEL_TRAIN']))",
        inputs={"train": Channel(uri=f"s3://{server.bucket}/a.txt")},
    )

    assert state.status is Status.SUCCEEDED, state.reason
    assert rig.texts(ref) == ["['a.txt']"]


def test_without_the_profile_there_are_no_keys(rig: Any, server: ObjectStoreServer, project: Path) -> None:
    """The job fails before its script, and says why."""
    rig.backend.profile = ""
    _, state = rig.run("print('never')", inputs={"train": Channel(uri=f"obs://{server.bucket}/data/")})

    assert (state.status, state.cause) == (Status.FAILED, Cause.INPUT)
    assert "inputs.train could not be fetched" in state.reason
    assert "no credentials" in state.reason


def test_a_key_cannot_lead_out_of_its_folder(rig: Any, server: ObjectStoreServer, project: Path) -> None:
    """Whatever a store calls its objects."""
    rig.backend.profile = "there"
    uri = Uri("s3", server.bucket, "data/../../b")
    with closing(rig.backend.store(uri)) as store:
        store.put(uri.key, b"x")
    _, state = rig.run("print('never')", inputs={"train": Channel(uri=f"s3://{server.bucket}/data/")})

    assert (state.status, state.cause) == (Status.FAILED, Cause.INPUT)
    assert "'../../b' is no path inside" in state.reason
