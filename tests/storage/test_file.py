"""The store of local files: what it lists and what it refuses."""

from __future__ import annotations

import errno
import fcntl
import os
from datetime import datetime, timezone
from pathlib import Path

import pytest

from anyfit.errors import NotFound, StorageError
from anyfit.storage import sync
from anyfit.storage.file import FileStore


@pytest.mark.parametrize("key", ["../out", "a/../../out", "/etc/passwd", "a//b", "./a", "", "a/.", "nul\0x"])
def test_no_key_leads_out(tmp_path: Path, key: str) -> None:
    """A key that is no plain path inside the directory is refused, and nothing is written."""
    store = FileStore(tmp_path / "inside")

    with pytest.raises(StorageError):
        store.put(key, b"x")
    assert not list(tmp_path.iterdir())


def test_no_link_leads_out(tmp_path: Path) -> None:
    """A link inside the directory that leads out is no way to write there."""
    (tmp_path / "outside").mkdir()
    (tmp_path / "inside").mkdir()
    (tmp_path / "inside/link").symlink_to(tmp_path / "outside")

    with pytest.raises(StorageError, match="leads out"):
        FileStore(tmp_path / "inside").put("link/x", b"x")
    assert not list((tmp_path / "outside").iterdir())


def test_a_link_to_itself_hides_nothing_else(tmp_path: Path) -> None:
    """It is told of by its name, and what lies beside it is listed."""
    for name in ("dir/a", "dir/z"):
        FileStore(tmp_path).put(name, b"x")
    (tmp_path / "dir/self").symlink_to("self")
    told: list[str] = []
    store = FileStore(tmp_path, problem=lambda key, reason: told.append(key))

    assert [entry.key for entry in store.list()] == ["dir/a", "dir/z"]
    assert told == ["dir/self"]


def test_links_are_followed_or_left_out(tmp_path: Path) -> None:
    """Links are listed as what they lead to, unless they are to be skipped; broken ones and circles are told."""
    (tmp_path / "real").mkdir()
    (tmp_path / "real/a").write_text("a")
    (tmp_path / "dir").symlink_to("real")
    (tmp_path / "real/up").symlink_to("..")
    (tmp_path / "one").symlink_to("real/a")
    (tmp_path / "broken").symlink_to("nowhere")
    os.mkfifo(tmp_path / "pipe")
    problems: list[str] = []
    follow = FileStore(tmp_path, problem=lambda key, reason: problems.append(key))
    skip = FileStore(tmp_path, links="skip")

    assert [entry.key for entry in follow.list()] == ["dir/a", "one", "real/a"]
    assert sorted(problems) == ["broken", "dir/up/", "pipe", "real/up/"]
    assert [entry.key for entry in skip.list()] == ["real/a"]


def test_keys_come_in_the_order_of_their_bytes(tmp_path: Path) -> None:
    """Files come in the order in which object stores list keys, so that both can be merged."""
    keys = ["a-b", "a.txt", "a/b", "a/b-c", "a/c/d", "a0", "中/文"]
    store = FileStore(tmp_path)
    for key in reversed(keys):
        store.put(key, b"x")

    assert [entry.key for entry in store.list()] == keys
    assert [entry.key for entry in store.list("a/b")] == ["a/b", "a/b-c"]


def test_a_failed_write_leaves_nothing(tmp_path: Path) -> None:
    """When a write fails, the old file is there and no half one, in no listing and not on disk."""
    store = FileStore(tmp_path)
    store.put("a", b"old")
    file = store.create("a")
    file.write_at(b"half", 0)

    assert [entry.key for entry in store.list()] == ["a"]
    file.discard()
    assert store.read("a") == b"old"
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


def test_a_directory_is_not_replaced_by_a_file(tmp_path: Path) -> None:
    """A key that is a directory on disk is refused with a message that names it."""
    store = FileStore(tmp_path)
    store.put("d/x", b"x")

    with pytest.raises(StorageError, match="is a directory"):
        store.put("d", b"file")
    with pytest.raises(NotFound):
        store.stat("d")
    assert [entry.key for entry in store.list()] == ["d/x"]


def test_a_changed_file_is_noticed(tmp_path: Path) -> None:
    """Opening with the etag of an older look fails when the file is another by now."""
    store = FileStore(tmp_path)
    before = store.put("a", b"one")
    store.put("a", b"two")

    with pytest.raises(StorageError, match="changed"):
        store.open("a", etag=before.etag)


def test_empty_directories_are_their_markers(tmp_path: Path) -> None:
    """Putting a marker makes the directory; emptied directories go away with their last file."""
    store = FileStore(tmp_path / "root")
    store.put("empty/", b"")
    store.put("a/b/c", b"x")

    assert [entry.key for entry in store.list()] == ["a/b/c", "empty/"]
    store.delete("a/b/c")
    store.delete("empty/")
    assert list(tmp_path.iterdir()) == [tmp_path / "root"]
    assert not list((tmp_path / "root").iterdir())


@pytest.mark.parametrize("number", [errno.EPERM, errno.ENOSYS, errno.ENOTSUP])
def test_a_file_system_without_times_rights_and_locks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    """As sticks, mounted buckets and file systems of clusters are: what is written there arrives all the same."""

    def unknown(*_: object, **__: object) -> None:
        raise OSError(number, os.strerror(number))

    FileStore(tmp_path / "source").put("a", b"content")
    for module, name in ((os, "utime"), (os, "fchmod"), (fcntl, "flock")):
        monkeypatch.setattr(module, name, unknown)
    report = sync(tmp_path / "source", tmp_path / "target", state_dir=tmp_path / "state")
    file = FileStore(tmp_path / "target").create("b", tag="tag")
    file.write_at(b"large", 0)
    file.commit(datetime.now(timezone.utc))

    assert report.failures == ()
    assert {path.name: path.read_bytes() for path in (tmp_path / "target").iterdir()} == {
        "a": b"content",
        "b": b"large",
    }
