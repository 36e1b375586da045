"""Looking around, removing, and showing progress."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

import pytest

from anyfit.errors import ConfigError, NotFound, SpecError, Unsupported, UsageError
from anyfit.storage import FileStore, Progress, Report, Store, StoreSettings, Uri, exclude, open_store, register_scheme
from anyfit.storage.browse import list_place, read_bytes, usage
from anyfit.storage.progress import ProgressLine, progress_text, removal_text, report_text
from anyfit.storage.removing import remove

Opener = Callable[..., Store]


@pytest.fixture(params=["file", "s3"])
def place(request: pytest.FixtureRequest, tmp_path: Path, open_in: Opener) -> tuple[Uri, Callable[[Uri], Store]]:
    """A directory with some files, on disk and in a bucket."""
    store: Store
    if request.param == "file":
        store, root = FileStore(tmp_path), Uri.parse(tmp_path).as_dir()
    else:
        store = open_in("s3")
        root = Uri("s3", store.bucket, "")
    for name in ("d/a", "d/b/c", "d/b/e", "top"):
        store.put(name, name.encode())
    return root, lambda uri: store


def test_listing(place: tuple[Uri, Callable[[Uri], Store]]) -> None:
    """A listing shows objects and directories, a recursive one all objects, one of an object that object."""
    root, opener = place

    def names(uri: Uri, *, recursive: bool = False) -> list[str]:
        lines = list_place(uri, open=opener, recursive=recursive)
        return [str(line.uri).removeprefix(str(root)) for line in lines]

    assert names(root.join("d/")) == ["d/a", "d/b/"]
    assert names(root.join("d")) == ["d/a", "d/b/"]
    assert names(root, recursive=True) == ["d/a", "d/b/c", "d/b/e", "top"]
    assert names(root.join("top")) == ["top"]
    with pytest.raises(NotFound):
        names(root.join("nothing"))


def test_content_under_the_key_of_a_directory_is_listed(open_in: Callable[..., Store]) -> None:
    """A marker is left out of its own directory's listing, what has content is not."""
    store = open_in("s3")
    for key, data in (("m/", b""), ("m/a", b""), ("c/", b"x"), ("c/a", b"")):
        store.put(key, data)

    for name, listed in (("m/", ["m/a"]), ("c/", ["c/", "c/a"])):
        lines = list_place(Uri("s3", store.bucket, name), open=lambda uri: store)
        assert [line.uri.key for line in lines] == listed


def test_usage_and_reading(place: tuple[Uri, Callable[[Uri], Store]]) -> None:
    """Usage counts objects and bytes; an object's bytes come piece by piece."""
    root, opener = place
    seen = usage(root.join("d"), open=opener)

    assert (seen.objects, seen.bytes) == (3, 13)
    assert b"".join(bytes(piece) for piece in read_bytes(root.join("d/b/c"), open=opener)) == b"d/b/c"
    with pytest.raises(UsageError, match="is a directory"):
        list(read_bytes(root.join("d/"), open=opener))


def test_removing(place: tuple[Uri, Callable[[Uri], Store]]) -> None:
    """A directory is removed only on request, and filters and dry runs are heeded."""
    root, opener = place
    with pytest.raises(UsageError, match="recursive"):
        remove(root.join("d"), open=opener)
    dry = remove(root.join("d"), recursive=True, dry_run=True, open=opener)
    some = remove(root.join("d"), recursive=True, filters=exclude("b/c"), open=opener)
    with pytest.raises(NotFound, match="nothing to delete"):
        remove(root.join("top"), filters=exclude("t*"), open=opener)
    one = remove(root.join("top"), filters=exclude("b*"), open=opener)

    assert (dry.deleted, some.deleted, some.bytes, one.deleted) == (3, 2, 8, 1)
    assert [line.uri.name for line in list_place(root, recursive=True, open=opener)] == ["c"]


def test_schemes() -> None:
    """A plugin's scheme is opened by its factory; unknown ones are named with a hint; nobody takes another's."""
    store = FileStore("/")

    def factory(uri: Uri, settings: object) -> Store:
        return store

    register_scheme("mine", factory)
    register_scheme("mine", factory)

    assert open_store("mine://bucket/x") is store
    with pytest.raises(Unsupported, match="nobody knows the scheme 'mien'") as caught:
        open_store("mien://bucket/x")
    assert "mine" in caught.value.hint
    for scheme in ("mine", "s3"):
        with pytest.raises(ConfigError, match="two storage plugins"):
            register_scheme(scheme, lambda uri, settings: store)


def test_settings_are_checked() -> None:
    """Half a key pair, an endpoint without scheme, a bucket without APPID and missing keys are told at once."""
    with pytest.raises(ConfigError, match="secret_key is missing"):
        StoreSettings(access_key="x")
    with pytest.raises(ConfigError, match="has no scheme"):
        StoreSettings(endpoint="127.0.0.1:9000")
    with pytest.raises(SpecError, match="APPID"):
        open_store("cos://bucket/x")
    assert "secret" not in repr(StoreSettings(access_key="x", secret_key="secret", session_token="secret"))


def test_texts_for_people() -> None:
    """Progress and report are one line each."""
    progress = Progress(3, 3_000_000, 10, 10_000_000, 2, 1, 2.0, True)
    report = Report(copied=3, bytes=1536, skipped=2, deleted=1, seconds=63)

    assert progress_text(progress) == (
        "3.0 MB of 10.0 MB, 3 of 10 files, 1.5 MB/s, 4.67 s left, 2 there already, 1 failed"
    )
    assert removal_text(progress) == "3 of 10 deleted (3.0 MB), 1 failed"
    assert report_text(report) == "3 copied (1.5 KB), 2 there already, 1 deleted in 1 min 03 s"
    stream = io.StringIO()
    ProgressLine(stream)(progress)
    assert stream.getvalue() == ""
