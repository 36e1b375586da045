"""Removing many objects: in flat memory, with progress, and with every failure told."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime, timezone
from threading import Lock

import pytest

from anyfit.errors import AuthError, StorageError
from anyfit.storage import Action, FileStore, Progress, Uri
from anyfit.storage.removing import Removed, remove
from anyfit.storage.store import DeleteFailure, Entry, Page

MANY = 100_000
_NOW = datetime.now(timezone.utc)


class Endless(FileStore):
    """A bucket with many objects of two bytes that counts how many are listed and not yet deleted.

    Attributes:
        most: The most that were at once.
        pages: How many pages were listed.
        fails_at: Which page cannot be listed.
        refuses: What deleting raises.
    """

    def __init__(self, count: int = MANY) -> None:
        super().__init__("/nowhere")
        self.count = count
        self.held = self.most = self.pages = 0
        self.fails_at = -1
        self.refuses: StorageError | AuthError | None = None
        self._lock = Lock()

    def list_page(self, prefix: str = "", *, token: str = "", delimiter: bool = False, limit: int = 1000) -> Page:
        start = int(token or 0)
        end = min(start + limit, self.count)
        with self._lock:
            self.pages += 1
            if self.pages == self.fails_at:
                raise StorageError("the listing broke off")
            self.held += end - start
            self.most = max(self.most, self.held)
        entries = tuple(Entry(f"d/{n:06}", 2, _NOW) for n in range(start, end))
        return Page(entries, (), str(end) if end < self.count else "")

    def delete_many(self, keys: Iterable[str]) -> Iterator[DeleteFailure]:
        wanted = list(keys)
        if self.refuses:
            raise self.refuses
        with self._lock:
            self.held -= len(wanted)
        return iter([DeleteFailure(key, "Access Denied") for key in wanted if key.endswith("999")])


def _remove(store: Endless, *, dry_run: bool = False, actions: list[Action] | None = None) -> Removed:
    return remove(
        Uri("s3", "b", "d/"),
        recursive=True,
        dry_run=dry_run,
        open=lambda uri: store,
        on_action=None if actions is None else actions.append,
    )


def test_memory_is_flat() -> None:
    """Of many objects only a few thousand are known at a time; each failure is told, with the key."""
    store = Endless()
    removed = _remove(store)

    assert store.most <= 10_000
    assert (removed.deleted, removed.bytes) == (MANY - 100, 2 * (MANY - 100))
    assert [failure.target for failure in removed.failures] == [f"s3://b/d/{n:03}999" for n in range(100)]


def test_a_dry_run_lists_once() -> None:
    """It tells each object as it is listed, and deletes none."""
    store, actions = Endless(2500), list[Action]()
    store.refuses = StorageError("nothing may be deleted")
    removed = _remove(store, dry_run=True, actions=actions)

    assert store.pages == 3
    assert (removed.deleted, removed.failures) == (2500, ())
    assert [action.target for action in actions] == [f"s3://b/d/{n:06}" for n in range(2500)]


def test_what_breaks_off_is_told_with_what_was_deleted() -> None:
    """When nothing was deleted yet, it is an error."""
    store = Endless()
    store.fails_at = 7
    removed = _remove(store)

    assert removed.deleted == 6000 - 6
    assert len(removed.failures) == 7
    assert str(removed.failures[-1]) == "s3://b/d/: the listing broke off; what is left was not deleted"

    refusing = Endless()
    refusing.refuses = AuthError("no")
    with pytest.raises(AuthError, match="no"):
        _remove(refusing)
    assert refusing.pages < 10


def test_progress_ends_with_all() -> None:
    """It is told while more is listed, and once at the end."""
    told: list[Progress] = []
    remove(Uri("s3", "b", "d/"), recursive=True, open=lambda uri: Endless(3000), on_progress=told.append)

    last = told[-1]
    assert (last.files, last.bytes, last.total_files, last.failed) == (2997, 5994, 3000, 3)
    assert last.finished and last.listed
    assert not any(progress.finished for progress in told[:-1])
