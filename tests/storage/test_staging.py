"""Inputs under a prefix named by their content."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from anyfit.errors import StorageError
from anyfit.storage import FileStore, Store, Uri, exclude
from anyfit.storage.staging import digest_tree, preview, stage, staged_uri

Opener = Callable[..., Store]


@pytest.fixture
def store(open_in: Opener) -> Store:
    """An empty bucket."""
    return open_in("obs")


def test_staging_twice_moves_once(store: Store, tmp_path: Path) -> None:
    """The first staging moves all, the second nothing, and one that lost a file moves that file."""
    source = FileStore(tmp_path / "data")
    for name in ("a", "d/b", "d/c"):
        source.put(name, name.encode() * 100)
    into = Uri("obs", store.bucket, "staged/")

    def open_it(uri: Uri) -> Store:
        return store

    first = stage(tmp_path / "data", into, open=open_it)
    second = stage(tmp_path / "data", into, open=open_it)
    store.delete(first.uri.join("d/b").key)
    third = stage(tmp_path / "data", into, open=open_it)

    assert (first.files, first.bytes, first.moved_files, first.moved_bytes) == (3, 700, 3, 700)
    assert (second.files, second.moved_files, second.moved_bytes) == (3, 0, 0)
    assert (third.moved_files, third.uri) == (1, first.uri)
    assert first.uri.is_dir
    assert first.uri == staged_uri(Uri.parse(tmp_path / "data").as_dir(), first.digest, into)
    assert store.read(first.uri.join("d/c").key) == b"d/c" * 100


def test_the_digest_is_the_content(tmp_path: Path) -> None:
    """Equal trees have equal digests wherever and whenever they were written; any change makes another."""
    for root in ("one", "two"):
        FileStore(tmp_path / root).put("x/y", b"same")
    os.utime(tmp_path / "two/x/y", (1, 1))
    same = digest_tree(tmp_path / "one")
    shutil.copytree(tmp_path / "one", tmp_path / "three")
    (tmp_path / "three/x/y").rename(tmp_path / "three/x/z")
    FileStore(tmp_path / "four").put("x/y", b"else")

    assert digest_tree(tmp_path / "two") == same
    assert len({same, digest_tree(tmp_path / "three"), digest_tree(tmp_path / "four")}) == 3


def test_one_file(store: Store, tmp_path: Path) -> None:
    """A single file keeps its name below the prefix."""
    (tmp_path / "model.bin").write_bytes(b"weights")
    staged = stage(tmp_path / "model.bin", Uri("obs", store.bucket, "staged"), open=lambda uri: store)

    assert staged.uri.name == "model.bin"
    assert store.read(staged.uri.key) == b"weights"
    assert (staged.files, staged.moved_bytes) == (1, 7)


def test_from_another_store(store: Store, open_in: Opener, tmp_path: Path) -> None:
    """Inputs in another cloud are staged by what their listing says, without reading them twice."""
    other = open_in("cos")
    other.put("train/a", b"12345")
    other.put("train/", b"")
    source = Uri("cos", other.bucket, "train/")

    def open_it(uri: Uri) -> Store:
        return other if uri.scheme == "cos" else store

    seen = preview(source, open=open_it)
    staged = stage(source, Uri("obs", store.bucket, "staged/"), open=open_it)
    again = stage(source, Uri("obs", store.bucket, "staged/"), open=open_it)

    assert (seen.files, seen.bytes) == (1, 5)
    assert (staged.moved_files, again.moved_files) == (1, 0)
    assert store.read(staged.uri.join("a").key) == b"12345"


def test_content_under_the_key_of_a_directory_belongs_to_it(store: Store, open_in: Opener) -> None:
    """It is a part of an input, as a marker is none."""
    source = open_in("cos" if store.scheme != "cos" else "s3")
    place = Uri(source.scheme, source.bucket, "input/")

    def both(uri: Uri) -> Store:
        return source if uri.scheme == source.scheme else store

    source.put("input/a", b"1")
    source.put("input/", b"")
    without = digest_tree(place, open=both)
    source.put("input/", b"content")
    staged = stage(place, Uri(store.scheme, store.bucket, "staged/"), open=both)

    assert (staged.digest != without, staged.moved_files) == (True, 2)
    assert store.read(staged.uri.key) == b"content"


def test_preview_reads_nothing(tmp_path: Path) -> None:
    """Files and bytes are known from the listing alone, filters included."""
    FileStore(tmp_path).put("a", b"123")
    FileStore(tmp_path).put("b.log", b"12345")
    (tmp_path / "a").chmod(0)

    assert preview(tmp_path).bytes == 8
    assert preview(tmp_path, filters=exclude("*.log")).files == 1


def test_an_unreadable_input_is_an_error(store: Store, tmp_path: Path) -> None:
    """An input that cannot be read as a whole is not staged by half."""
    (tmp_path / "broken").symlink_to("nowhere")

    with pytest.raises(StorageError, match="broken"):
        stage(tmp_path, Uri("obs", store.bucket, "staged/"), open=lambda uri: store)
    assert list(store.list()) == []
