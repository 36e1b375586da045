"""Deleting many objects at once and copying, which on the direct path no library has a part in."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from anyfit.errors import ConfigError, StorageError
from anyfit.storage import Store, copy_tree
from anyfit.storage.pages import parse_failures
from anyfit.storage.store import DeleteFailure

KEYS = ["a&b<c>", "line\nfeed", "carriage\rreturn", "tab\t", "训 练", "&amp;"]


@pytest.mark.parametrize("scheme", ["s3", "obs", "cos"])
def test_no_library_is_needed(open_in: Callable[..., Store], scheme: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Importing one would take longer than all the rest of it; and keys arrive as they are, whatever is in them."""
    store = open_in(scheme)
    monkeypatch.setattr(type(store), "library", None)
    for key in [*KEYS, "stays"]:
        store.put(key, b"x")

    assert list(store.delete_many(KEYS)) == []
    assert [entry.key for entry in store.list()] == ["stays"]


@pytest.mark.parametrize("scheme", ["s3", "obs", "cos"])
def test_copying_needs_no_library_either(
    open_in: Callable[..., Store], scheme: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever the keys are."""
    store = open_in(scheme)
    monkeypatch.setattr(type(store), "library", None)
    for key in KEYS:
        store.put(key, key.encode())
        store.copy(store, key, f"copy/{key}")

        assert store.read(f"copy/{key}") == key.encode()


def test_a_library_that_is_missing_ends_a_transfer(
    open_in: Callable[..., Store], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """It is one error, and no failure of each object that would need it: copies of large objects do."""

    def missing(*_: object) -> None:
        raise ConfigError("boto3 is not installed")

    store = open_in("s3")
    monkeypatch.setattr("anyfit.storage.service._LARGEST_COPY", 0)
    monkeypatch.setattr(type(store), "library", missing)
    for key in ("a/1", "a/2"):
        store.put(key, b"x")
    with pytest.raises(ConfigError, match="boto3"):
        copy_tree(f"s3://{store.bucket}/a/", f"s3://{store.bucket}/b/", open=lambda uri: store, state_dir=tmp_path)


def test_what_could_not_be_deleted_is_told() -> None:
    """With the service's sentence, or its word where it has no sentence."""
    body = (
        b'<?xml version="1.0"?><DeleteResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">'
        b"<Error><Key>a&amp;b</Key><Code>AccessDenied</Code><Message>Access Denied</Message></Error>"
        b"<Deleted><Key>c</Key></Deleted><Error><Key>d</Key><Code>InternalError</Code></Error></DeleteResult>"
    )

    assert parse_failures(body) == [DeleteFailure("a&b", "Access Denied"), DeleteFailure("d", "InternalError")]


@pytest.mark.parametrize("body", [b"<html></html>", b"", b"<Error><Code>InternalError</Code></Error>"])
def test_another_answer_is_no_success(body: bytes) -> None:
    """Whoever answers with something else has deleted nothing."""
    with pytest.raises(StorageError, match="no list"):
        parse_failures(body)
