"""What backends of clouds share: folders, the launcher's job, what a job leaves, stores and their keys."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from anyfit.backend import Cause, JobState, Status
from anyfit.cloud.leavings import End, artifacts_in, read_document, read_end, remove_folders
from anyfit.cloud.numbers import number, whole
from anyfit.cloud.places import Places
from anyfit.cloud.planning import checkpoint_mark, copied_first, launcher_job, staged
from anyfit.cloud.stores import RenewingKeys, Stores
from anyfit.errors import ServiceError, SpecError
from anyfit.spec import Channel, JobSpec
from anyfit.storage import Store, Uri, open_store
from anyfit.storage.settings import StoreSettings

PLACES = Places("s3", "s3://b/", "/mine/", "set bucket")


def test_folders() -> None:
    """Every place ends in a slash, whatever way the bucket is written, and tells the job that it belongs to."""
    assert PLACES.root == "s3://b/mine/"
    assert Places("s3", "b", "", "").root == "s3://b/"
    assert PLACES.job("j", "d" * 64) == f"s3://b/mine/jobs/j/{'d' * 16}/"
    assert PLACES.key_in(f"{PLACES.job('j.v2', 'd' * 64)}code/") == "j.v2"
    assert PLACES.key_in("s3://b/jobs/j/") == "" == PLACES.key_in("s3://b/mine/jobs/j/data/")
    with pytest.raises(SpecError, match="bucket") as caught:
        _ = Places("s3", "", "x", "set bucket").root
    assert caught.value.hint == "set bucket"


def test_numbers() -> None:
    """A number may come as text; what is none is the default, and no digit of a kind that numbers are not made of."""
    amounts: list[object] = [2, 2.5, "2.5", "x", None, True, []]
    counts: list[object] = [2, "2", "2.5", "\u00b2", 2.0, None, True]

    assert [number(value) for value in amounts] == [2, 2.5, 2.5, 0, 0, 0, 0]
    assert number("x", 7.0) == 7.0
    assert [whole(value) for value in counts] == [2, 2, None, None, None, None, None]


def test_inputs_that_move() -> None:
    """What jobs cannot read where it is, is copied to a place of its content, and that is told."""
    spec = JobSpec(
        name="j",
        inputs={
            "here": Channel(uri="file:///d/", digest="e" * 64, size=2000, files=3),
            "unknown": Channel(uri="cos://c/d/"),
            "there": Channel(uri="s3://b/d/"),
        },
    )
    moved, uploads = staged(spec, PLACES, ("s3",))

    assert {name: channel.uri for name, channel in moved.inputs.items()} == {
        "here": f"s3://b/mine/inputs/{'e' * 32}/",
        "unknown": "s3://b/mine/inputs/of-j/unknown/",
        "there": "s3://b/d/",
    }
    assert [upload.source for upload in uploads] == ["file:///d/", "cos://c/d/"]
    notes = list(copied_first(spec, moved))
    assert [note.field for note in notes] == ["inputs.here", "inputs.unknown"]
    assert "3 files, 2.0 KB" in notes[0].text


def test_checkpoints() -> None:
    """The folder of the first checkpoints is not empty."""
    assert checkpoint_mark(JobSpec(name="j")) == ()
    (upload,) = checkpoint_mark(JobSpec(name="j", checkpoint_path="s3://b/c"))
    assert upload.target == "s3://b/c/.anyfit"


def test_the_launchers_job_holds_the_spec() -> None:
    """A machine that never saw the job can rebuild what was asked for; no secret is in it."""
    spec = JobSpec(name="j", entry_point="t.py", secrets={"TOKEN": "env:X"}, inputs={"a": Channel(uri="s3://b/d/")})
    job = launcher_job(
        spec,
        backend="cloud",
        region="north",
        machine="m",
        channels={"a": "s3://b/d/"},
        installs=True,
        archive="",
        output="s3://b/o/",
        places={"results": "x"},
    )

    assert (job["job_name"], job["instance_type"], job["output_uri"]) == ("j", "m", "s3://b/o/")
    assert job["install_requirements"] is False and job["code_archive"] == ""
    assert job["spec"]["secrets"] == {"TOKEN": "env:X"}
    json.dumps(job)


def folder(tmp_path: Path, files: dict[str, str]) -> Uri:
    """A folder of results."""
    for name, text in files.items():
        path = tmp_path / "results" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return Uri.parse(f"{tmp_path}/results/")


def test_what_a_job_left(tmp_path: Path) -> None:
    """Results by name and kind, without anyfit's own; the end of the script as the launcher wrote it."""
    files = {
        "model/w": "1",
        "data/x": "22",
        "checkpoints/c": "3",
        ".anyfit/end.json": json.dumps({"exit_code": 77, "signal": None, "overran": True}),
    }
    results = folder(tmp_path, files)
    found = {artifact.name: artifact.kind for artifact in artifacts_in(open_store, results)}
    end = read_end(open_store, results)

    assert found == {"model/w": "model", "data/x": "output", "checkpoints/c": "checkpoint"}
    assert end == End(77, None, True)
    told = end.told(JobState(status=Status.FAILED))
    assert (told.exit_code, told.cause) == (77, Cause.TIMEOUT)
    remove_folders(open_store, [results])
    assert artifacts_in(open_store, results) == []


@pytest.mark.parametrize("text", ["", "{", "[]", '{"exit_code": "seven"}'])
def test_what_is_no_end(tmp_path: Path, text: str) -> None:
    """What is not there, or makes no sense, tells nothing and changes nothing."""
    results = folder(tmp_path, {".anyfit/end.json": text} if text else {"x": ""})
    state = JobState(status=Status.FAILED)

    assert read_end(open_store, results).told(state) is state


def test_a_store_that_does_not_answer() -> None:
    """A fault is no answer: nobody takes it for a job that left nothing."""

    def broken(uri: Uri) -> Store:
        raise ServiceError("no answer")

    with pytest.raises(ServiceError):
        read_document(broken, Uri.parse("s3://b/j.json"))
    remove_folders(broken, [Uri.parse("s3://b/j/")])


def test_keys_that_expire() -> None:
    """The first time kept keys will do; asked again, they will not."""
    asked: list[bool] = []

    def ask(fresh: bool) -> StoreSettings:
        asked.append(fresh)
        return StoreSettings()

    keys = RenewingKeys(ask)
    keys()
    keys()

    assert asked == [False, True]


def test_stores(tmp_path: Path) -> None:
    """A bucket has one store until all are closed; other schemes are the profile's business."""
    settings = StoreSettings(endpoint="http://127.0.0.1:9", access_key="a", secret_key="b")
    stores = Stores("s3", lambda: lambda: settings)
    first = stores.of(Uri.parse("s3://b/x"), None)

    assert stores.of(Uri.parse("s3://b/y"), None) is first
    assert stores.of(Uri.parse("s3://c/y"), None) is not first
    assert stores.of(Uri.parse(f"{tmp_path}/"), None).scheme == "file"
    stores.close()
    assert stores.of(Uri.parse("s3://b/x"), None) is not first
    stores.close()
