"""The store on disk, without HTTP."""

from __future__ import annotations

import os
import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from anyfit_emulator import ObjectStore
from anyfit_emulator.storage.digests import Digests
from anyfit_emulator.storage.errors import StoreError
from anyfit_emulator.storage.store import StaleIndex
from anyfit_emulator.storage.values import Meta

BUCKET = "demo-1250000000"


@pytest.fixture
def store(tmp_path: Path) -> Iterator[ObjectStore]:
    """A store with a bucket."""
    one = ObjectStore(tmp_path / "data")
    one.create_bucket(BUCKET)
    yield one
    one.close()


def put(store: ObjectStore, key: str, data: bytes) -> None:
    """Put an object."""
    digests = Digests()
    digests.update(data)
    with store.incoming() as content:
        content.write(data)
        content.finish()
        store.commit(BUCKET, key, content, len(data), digests.etag, digests.crc64, Meta(), lambda current: None)


def get(store: ObjectStore, key: str) -> bytes:
    """An object's content."""
    info, fd = store.open(BUCKET, key)
    with os.fdopen(fd, "rb") as file:
        data = file.read()
    assert len(data) == info.size
    return data


def files(store: ObjectStore) -> list[str]:
    """Paths of all files of the bucket."""
    root = store.directory / BUCKET
    return sorted(path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file())


def keys(store: ObjectStore) -> list[str]:
    """All keys."""
    return [entry[0].decode() for entry in store.page(BUCKET, "", "", "", 1000).entries]


def test_objects_are_plain_files(store: ObjectStore) -> None:
    """A job finds an object under its key."""
    put(store, "train/数据 1.csv", b"1,2\n")

    assert (store.directory / BUCKET / "train/数据 1.csv").read_bytes() == b"1,2\n"


@pytest.mark.parametrize("order", [("a", "a/b", "a/b/c"), ("a/b/c", "a/b", "a")])
def test_a_key_may_be_another_ones_directory(store: ObjectStore, order: tuple[str, ...]) -> None:
    """`a` and `a/b` live side by side, whichever came first; the deeper one keeps its plain path."""
    for key in order:
        put(store, key, key.encode())

    assert [get(store, key) for key in order] == [key.encode() for key in order]
    assert files(store) == ["%~!a", "a/%~!b", "a/b/c"]
    for key in order:
        store.delete(BUCKET, key, lambda current: None)
    assert list((store.directory / BUCKET).iterdir()) == []


def test_an_empty_marker_is_a_directory(store: ObjectStore) -> None:
    """`out/` makes a directory, which stays when its content goes; a marker with content is a file."""
    put(store, "out/", b"")
    put(store, "out/x", b"1")
    store.delete(BUCKET, "out/x", lambda current: None)

    assert (store.directory / BUCKET / "out").is_dir()
    assert files(store) == []
    assert get(store, "out/") == b""
    put(store, "out/", b"full")
    assert files(store) == ["out/%~="]
    put(store, "out/", b"")
    store.delete(BUCKET, "out/", lambda current: None)
    assert list((store.directory / BUCKET).iterdir()) == []


def test_a_marker_in_place_of_an_object_is_a_directory(store: ObjectStore) -> None:
    """Also when the object under its key had content, which is gone then."""
    put(store, "out/", b"content")
    put(store, "out/", b"")

    assert (store.directory / BUCKET / "out").is_dir()
    assert (files(store), get(store, "out/")) == ([], b"")


KEYS = st.text(st.sampled_from("ab/.%~数\0"), min_size=1, max_size=8)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(["put", "empty", "delete"]), KEYS), max_size=25))
def test_the_store_behaves_like_a_dictionary(steps: list[tuple[str, str]]) -> None:
    """Whatever the keys, the store holds what was put, and no stray file is left."""
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        store = ObjectStore(Path(folder))
        store.create_bucket(BUCKET)
        model: dict[str, bytes] = {}
        for action, key in steps:
            if action == "delete":
                model.pop(key, None)
                store.delete(BUCKET, key, lambda current: None)
            else:
                model[key] = b"" if action == "empty" else key.encode()
                put(store, key, model[key])
        assert {key: get(store, key) for key in keys(store)} == model
        assert keys(store) == sorted(model, key=str.encode)
        assert len(files(store)) == sum(not key.endswith("/") or bool(data) for key, data in model.items())
        store.close()


def test_everything_survives_a_restart(store: ObjectStore, tmp_path: Path) -> None:
    """Another process finds objects as they were; leftovers of a killed one are gone."""
    put(store, "a", b"1")
    before = store.stat(BUCKET, "a")
    leftover = store.incoming()
    leftover.write(b"half")
    store.close()
    again = ObjectStore(tmp_path / "data")

    assert again.stat(BUCKET, "a") == before
    assert again.buckets() == store.buckets()
    assert not Path(leftover.path).exists()
    again.close()


def test_one_directory_serves_one_process(store: ObjectStore) -> None:
    """A second emulator on the same directory is refused."""
    with pytest.raises(RuntimeError, match="another emulator"):
        ObjectStore(store.directory)


def test_files_of_a_job_become_objects(store: ObjectStore) -> None:
    """What a job wrote into the bucket's directory is adopted under its key; what cannot be a key is not."""
    folder = store.directory / BUCKET / "out"
    folder.mkdir()
    (folder / "model.bin").write_bytes(b"weights")
    (folder / "%~=odd").write_bytes(b"")

    assert store.adopt(BUCKET) == 1
    assert store.adopt(BUCKET) == 0
    assert keys(store) == ["out/model.bin"]
    assert get(store, "out/model.bin") == b"weights"


def test_a_file_changed_in_place_is_hashed_again(store: ObjectStore) -> None:
    """The ETag never belongs to other content than what is sent."""
    put(store, "a", b"old")
    path = store.path(BUCKET, "a")
    path.write_bytes(b"newer")

    with pytest.raises(StaleIndex):
        store.stat(BUCKET, "a")
    store.refresh(BUCKET, "a")
    digests = Digests()
    digests.update(b"newer")
    assert (store.stat(BUCKET, "a").etag, store.stat(BUCKET, "a").size) == (digests.etag, 5)


def test_an_object_whose_file_vanished_is_gone(store: ObjectStore) -> None:
    """The directory has the last word."""
    put(store, "a", b"1")
    store.path(BUCKET, "a").unlink()

    with pytest.raises(StoreError, match="NoSuchKey"):
        store.stat(BUCKET, "a")
    assert keys(store) == []


@pytest.mark.parametrize(
    "name", ["ab", "A-bucket", "a_b", "-ab", "ab-", "a..b", "a.-b", "a-.b", "1.2.3.4", "x" * 64, "../x"]
)
def test_bad_bucket_names_are_refused(store: ObjectStore, name: str) -> None:
    """Names outside the services' rules make no directory."""
    with pytest.raises(StoreError, match="InvalidBucketName"):
        store.create_bucket(name)


def test_a_hundred_thousand_keys_are_listed_with_flat_memory(store: ObjectStore) -> None:
    """Listing costs a page of memory, not the bucket's."""
    rows = ((BUCKET, f"d{n % 100:02}/{n:06}".encode(), 0, 0, "0" * 32, 0, "0", "[{},{},{}]") for n in range(100_000))
    store.index.run("BEGIN")
    for row in rows:
        store.index.run("INSERT INTO objects VALUES (?, ?, ?, ?, ?, ?, ?, ?)", *row)
    store.index.run("COMMIT")
    tracemalloc.start()
    after, count = "", 0
    while True:
        page = store.page(BUCKET, "", "", after, 1000)
        count += len(page.entries)
        if page.next is None:
            break
        after = page.next.decode()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()

    assert count == 100_000
    assert peak < 4_000_000
    assert len(store.page(BUCKET, "", "/", "", 1000).prefixes) == 100
