"""Removing objects while they are still being listed: memory stays flat however many they are."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from functools import partial
from itertools import islice

from anyfit.errors import AnyfitError, NotFound, UsageError
from anyfit.show import uri_text
from anyfit.storage.filters import Filter, Filters
from anyfit.storage.inorder import in_order
from anyfit.storage.opening import open_store
from anyfit.storage.options import Action, Failure, OnAction, OnProgress, Progress
from anyfit.storage.places import Open, Place, find_source
from anyfit.storage.store import Entry
from anyfit.storage.uri import Uri
from anyfit.values import frozen

__all__ = ["Removed", "remove"]

_BATCH = 1000  # what services take in one request
_EVERY = 0.1


@frozen
class Removed:
    """What a removal did."""

    deleted: int
    bytes: int
    failures: tuple[Failure, ...] = ()


@frozen
class _Batch:
    """Some entries and what became of them.

    Attributes:
        reasons: Why some were not deleted, by their keys.
        error: What kept the rest of them from being deleted.
    """

    entries: list[Entry]
    reasons: dict[str, str]
    error: AnyfitError | None = None


def remove(
    uri: Uri,
    *,
    recursive: bool = False,
    filters: Iterable[Filter] = (),
    dry_run: bool = False,
    open: Open = open_store,
    on_action: OnAction | None = None,
    on_progress: OnProgress | None = None,
) -> Removed:
    """Delete an object, or with `recursive` all below a directory, its markers included.

    Args:
        uri: The object or directory.
        recursive: Whether a directory may be meant.
        filters: What is deleted, by its name below the directory.
        dry_run: Delete nothing.
        open: Gives the store of a URI.
        on_action: Called for each object that was deleted; in a dry run, for each that would be.
        on_progress: Called now and then, and once at the end; files and bytes are those deleted.

    Returns:
        What was deleted and what could not be: one failure does not stop the others, and what goes wrong with all
        of them, such as a service that is gone, is a failure of the place when something was deleted before.

    Raises:
        UsageError: It is a directory and `recursive` was not asked for.
        NotFound: There is nothing.
        AnyfitError: Nothing could be deleted.
    """
    chosen = Filters(filters)
    place = find_source(uri, open, deep=recursive, stem=chosen.stem)
    if place.entry is None and not recursive:
        raise UsageError(f"{uri_text(str(uri))} is a directory", hint="add --recursive to delete all below it")
    removal = _Removal(place, dry_run, on_action, on_progress)
    if place.entry is not None:
        removed = removal.one(place.entry) if chosen(uri.name) else Removed(0, 0)
    else:
        cut = len(place.prefix)
        removed = removal.all(entry for entry in place.list() if chosen(entry.key[cut:]))
    if not (removed.deleted or removed.failures):
        raise NotFound(f"nothing to delete at {uri_text(str(uri))}")
    return removed


class _Removal:
    def __init__(self, place: Place, dry_run: bool, on_action: OnAction | None, on_progress: OnProgress | None) -> None:
        self.place = place
        self.dry_run = dry_run
        self.on_action = on_action
        self.on_progress = on_progress
        self.found = self.found_bytes = self.deleted = self.bytes = 0
        self.failures: list[Failure] = []
        self.error: AnyfitError | None = None
        self.listed = False
        self.begin = self.told = time.monotonic()

    def one(self, entry: Entry) -> Removed:
        """Delete the one object of the place."""
        if not self.dry_run:
            self.place.store.delete(entry.key)
        self._count(_Batch([entry], {}))
        return self._removed()

    def all(self, entries: Iterator[Entry]) -> Removed:
        """Delete some at a time, as they are listed."""
        tasks = (partial(self._delete, batch) for batch in self._batches(entries))
        try:
            for batch in in_order(tasks):
                self._count(batch)
                self._tell()
        finally:
            self._tell(finished=True)
        if self.error and not (self.deleted or self.failures):
            raise self.error
        if self.error:
            reason = f"{self.error.message}; what is left was not deleted"
            self.failures.append(Failure("", str(self.place.uri), reason))
        return self._removed()

    def _batches(self, entries: Iterator[Entry]) -> Iterator[list[Entry]]:
        try:
            while self.error is None and (batch := list(islice(entries, _BATCH))):
                self.found += len(batch)
                self.found_bytes += sum(entry.size for entry in batch)
                yield batch
        except AnyfitError as error:  # the listing breaks off
            self.error = self.error or error
        self.listed = True

    def _delete(self, entries: list[Entry]) -> _Batch:
        reasons: dict[str, str] = {}
        if self.dry_run:
            return _Batch(entries, reasons)
        try:
            for failure in self.place.store.delete_many([entry.key for entry in entries]):
                reasons[failure.key] = failure.reason
        except AnyfitError as error:
            return _Batch(entries, reasons, error)
        return _Batch(entries, reasons)

    def _count(self, batch: _Batch) -> None:
        self.failures += [Failure("", self._uri(key), reason) for key, reason in batch.reasons.items()]
        if batch.error:
            self.error = self.error or batch.error
            return
        for entry in batch.entries:
            if entry.key in batch.reasons:
                continue
            self.deleted += 1
            self.bytes += entry.size
            if self.on_action:
                self.on_action(Action("delete", "", self._uri(entry.key), entry.size))

    def _uri(self, key: str) -> str:
        return self.place.shown(key[len(self.place.prefix) :])

    def _removed(self) -> Removed:
        return Removed(self.deleted, self.bytes, tuple(self.failures))

    def _tell(self, *, finished: bool = False) -> None:
        now = time.monotonic()
        if self.on_progress is None or (now - self.told < _EVERY and not finished):
            return
        self.told = now
        done, found = (self.deleted, self.bytes), (self.found, self.found_bytes)
        failed = len(self.failures)
        self.on_progress(Progress(*done, *found, 0, failed, now - self.begin, self.listed, finished))
