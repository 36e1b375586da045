"""Copying and synchronising in any direction: plan by listing, then move in parallel.

report = sync("./data", "s3://bucket/data/", open=lambda uri: open_store(uri, settings))
report.raise_for_failures()
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from contextlib import suppress
from typing import Any

from anyfit.errors import AnyfitError, UsageError
from anyfit.show import uri_text
from anyfit.storage.crew import Crew
from anyfit.storage.file import FileStore
from anyfit.storage.filters import Filters
from anyfit.storage.lanes import Lanes
from anyfit.storage.leftovers import clear_leftovers
from anyfit.storage.mover import Mover
from anyfit.storage.opening import open_store
from anyfit.storage.options import Failure, OnAction, OnProgress, Options, Report
from anyfit.storage.places import Open, Place, find_source, find_target, without_target
from anyfit.storage.plan import Step, steps
from anyfit.storage.settings import SettingsSource
from anyfit.storage.store import Store
from anyfit.storage.tally import Stopped, Tally
from anyfit.storage.uri import Uri
from anyfit.storage.workshop import Buffers, Workshop
from anyfit.values import evolve

__all__ = ["copy_tree", "sync", "transfer"]

_BUFFERS = 6
_PATIENCE = 1.0


def sync(
    source: Uri | str | os.PathLike[str],
    target: Uri | str | os.PathLike[str],
    *,
    settings: SettingsSource | None = None,
    open: Open | None = None,
    on_progress: OnProgress | None = None,
    on_action: OnAction | None = None,
    **options: Any,
) -> Report:
    """Make `target` have what `source` has; what is there unchanged is not moved. Options as in `Options`."""
    opened = _Opened(settings)
    try:
        return transfer(
            source, target, Options(**options), open=open or opened, on_progress=on_progress, on_action=on_action
        )
    finally:
        opened.close()


def copy_tree(
    source: Uri | str | os.PathLike[str],
    target: Uri | str | os.PathLike[str],
    **arguments: Any,
) -> Report:
    """As `sync`, but everything is moved whether it is there or not, unless `compare` says otherwise."""
    return sync(source, target, **{"compare": "always", **arguments})


def transfer(
    source: Uri | str | os.PathLike[str],
    target: Uri | str | os.PathLike[str],
    options: Options | None = None,
    *,
    open: Open = open_store,
    on_progress: OnProgress | None = None,
    on_action: OnAction | None = None,
) -> Report:
    """Move a directory or an object.

    Args:
        source: With a slash a directory, else the object, else the directory of that name.
        target: For a directory the directory that becomes like it. For an object its new place, or with a slash
            the directory to put it in.
        options: How.
        open: Gives the store of a URI; a backend's `store` fits.
        on_progress: Called now and then, and once at the end.
        on_action: Called for each action that is done; in a dry run, for each that would be.

    Returns:
        What was done and what could not be: one failed object does not stop the others.

    Raises:
        NotFound: There is no such source.
        UsageError: The source is a directory where none may be, or the target lies in the source and its own name is
            not left out by the filters.
        AnyfitError: A side cannot be listed.
    """
    how = options or Options()
    tally = Tally(bandwidth=how.bandwidth, on_progress=on_progress, on_action=on_action)
    start = _uri(source)

    def problem(key: str, reason: str) -> None:
        tally.fail(Failure(str(start.as_dir().join(key)), "", reason))

    takes = Filters(how.filters)
    ours = find_source(start, open, deep=True, stem=takes.stem, links=how.links, problem=problem)
    if ours.entry is None and not how.recursive:
        raise UsageError(f"{uri_text(str(start))} is a directory", hint="add -r to copy what is in it")
    ours = evolve(ours, names=how.names)
    theirs = evolve(find_target(_uri(target), ours, open), stem=takes.stem)
    ours = without_target(ours, theirs, takes)
    if how.delete and ours.entry is not None:
        raise UsageError(f"{uri_text(str(ours.uri))} is one object; delete needs a directory", hint="leave delete out")
    return _Transfer(how, ours, theirs, tally).run()


class _Opened:
    """Stores opened by settings: one for each bucket, closed together."""

    def __init__(self, settings: SettingsSource | None) -> None:
        self._settings = settings
        self._stores: dict[Uri, Store] = {}

    def __call__(self, uri: Uri) -> Store:
        if uri.root not in self._stores:
            self._stores[uri.root] = open_store(uri, self._settings)
        return self._stores[uri.root]

    def close(self) -> None:
        for store in self._stores.values():
            store.close()


class _Transfer:
    def __init__(self, how: Options, source: Place, target: Place, tally: Tally) -> None:
        self.how = how
        self.source = source
        self.target = target
        self.tally = tally
        self.doomed: list[Step] = []

    def run(self) -> Report:
        crew = Crew(self.how.jobs)
        buffers = Buffers(min(_BUFFERS, self.how.jobs), self.how.part_size)
        shop = Workshop(self.source, self.target, crew, self.tally, buffers, self.how.part_size, self.how.state)
        mover = Mover(shop, dry_run=self.how.dry_run)
        lanes = Lanes(shop, mover, self.how.jobs)
        try:
            if not self.how.dry_run:
                clear_leftovers(self.how.state, self.target)
            self._plan(mover, lanes)
            self.tally.listed = True
            lanes.finish()
            crew.wait()
            self.tally.check()
            self._delete(mover)
            report = self.tally.report()
        except BaseException as error:
            self.tally.stop()
            lanes.dismiss(patience=_PATIENCE)
            crew.dismiss(patience=_PATIENCE)
            if isinstance(error, Stopped) and self.tally.error:
                raise self.tally.error from None
            raise
        crew.dismiss()
        return report

    def _plan(self, mover: Mover, lanes: Lanes) -> None:
        filters = Filters(self.how.filters)
        for step in steps(self.source, self.target, filters, self.how.compare, delete=self.how.delete):
            self.tally.check()
            if step.kind == "skip":
                self.tally.skip()
            elif step.kind == "delete":
                if self.how.delete and not self._is_behind_link(step):
                    self.doomed.append(step)
            elif step.source:
                self.tally.expect(step.source.size)
                if self.how.dry_run or not lanes.takes(step):
                    mover.submit(step)

    def _is_behind_link(self, step: Step) -> bool:
        store = self.target.store
        return isinstance(store, FileStore) and step.target is not None and store.is_behind_link(step.target.key)

    def _delete(self, mover: Mover) -> None:
        """Delete at the end, and nothing at all when the source could not be listed completely."""
        if not self.doomed:
            return
        if any(not failure.target for failure in self.tally.failures):
            reason = "nothing was deleted, because the source could not be listed completely"
            self.tally.fail(Failure("", str(self.target.uri), reason))
            return
        actions = {step.target.key: mover.action(step) for step in self.doomed if step.target}
        failed = {} if self.how.dry_run else _delete_all(self.target.store, actions)
        for key, action in actions.items():
            if key in failed:
                self.tally.fail(Failure("", action.target, failed[key]))
            else:
                self.tally.done(action)


def _delete_all(store: Store, keys: Iterable[str]) -> dict[str, str]:
    wanted = list(keys)
    try:
        return {failure.key: failure.reason for failure in store.delete_many(wanted)}
    except AnyfitError as error:
        left = set()
        with suppress(AnyfitError):
            left = {key for key in wanted if _exists(store, key)}
        return dict.fromkeys(left or wanted, error.message)


def _exists(store: Store, key: str) -> bool:
    return any(entry.key == key for entry in store.list_page(key, limit=1).entries)


def _uri(place: Uri | str | os.PathLike[str]) -> Uri:
    return place if isinstance(place, Uri) else Uri.parse(place)
