"""Deleting objects, for `anyfit rm`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from anyfit.cli.output import print_json, print_line, say
from anyfit.cli.storing import interruptible, open_stores, progress_line, selected, shown

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator, Sequence

    from anyfit.storage.options import Action
    from anyfit.storage.removing import Removed
    from anyfit.storage.selection import Selection
    from anyfit.stores import Stores

__all__ = ["Deletion", "delete"]

_AT_ONCE = 16


def delete(args: argparse.Namespace) -> int:
    """Delete what the arguments name; failures are listed at the end."""
    selections = [selected(args, text) for text in args.names]
    _refuse_files(selections)
    deletion = Deletion(args)
    with open_stores(args) as stores:
        removed = deletion.run(selections, stores)
    if args.json:
        deletion.print_json(removed)
        return 4 if removed.failures else 0
    _tell(args, removed)
    return 0


class Deletion:
    """Deletes objects side by side and other places one after the other, and shows how far it is.

    A dry run shows what it would delete instead.
    """

    def __init__(self, args: argparse.Namespace) -> None:
        self._args = args
        self._actions: list[Action] = []
        self._progress = None if args.dry_run else progress_line(args, removal=True)

    def run(self, selections: Sequence[Selection], stores: Stores) -> Removed:
        """Delete. What is wrong with one of several places is a failure, and the rest is deleted."""
        from anyfit.storage.removing import Removed

        with interruptible(self._args, self._progress):
            if len(selections) == 1:
                return self._remove(selections[0], stores)
            parts = list(self._each(selections, stores))
        return Removed(
            sum(part.deleted for part in parts),
            sum(part.bytes for part in parts),
            tuple(failure for part in parts for failure in part.failures),
        )

    def _each(self, selections: Sequence[Selection], stores: Stores) -> Iterator[Removed]:
        """What became of each, in their order. The first goes ahead: where keys are wrong, nothing else is tried."""
        from functools import partial
        from itertools import groupby

        from anyfit.storage.inorder import in_order

        first, *others = selections if self._args.dry_run else dict.fromkeys(selections)
        yield self._tried(first, stores, is_first=True)
        for is_single, some in groupby(others, self._is_single):
            tasks = (partial(self._tried, selection, stores) for selection in some)
            yield from in_order(tasks, _AT_ONCE) if is_single else (task() for task in tasks)

    def _is_single(self, selection: Selection) -> bool:
        """Whether it can be deleted beside others: nothing is shown of it, and it lists nothing that they delete."""
        return not (self._args.dry_run or self._args.recursive or selection.wildcards)

    def _tried(self, selection: Selection, stores: Stores, *, is_first: bool = False) -> Removed:
        from anyfit.errors import AnyfitError, AuthError
        from anyfit.storage.options import Failure
        from anyfit.storage.removing import Removed

        try:
            return self._remove(selection, stores)
        except AnyfitError as error:
            if is_first and isinstance(error, AuthError):
                raise
            return Removed(0, 0, (Failure("", f"{selection.uri}{selection.wildcards}", error.message),))

    def _remove(self, selection: Selection, stores: Stores) -> Removed:
        from anyfit.storage.removing import remove

        return remove(
            selection.uri,
            recursive=self._args.recursive or bool(selection.wildcards),
            filters=selection.filters,
            dry_run=self._args.dry_run,
            open=stores,
            on_action=self._show if self._args.dry_run else None,
            on_progress=self._progress,
        )

    def _show(self, action: Action) -> None:
        if self._args.json:
            self._actions.append(action)
        else:
            print_line(f"would delete {action.target}")

    def print_json(self, removed: Removed) -> None:
        """What was done, for programs."""
        from anyfit.codec import to_data

        record: dict[str, Any] = to_data(removed) | {"dry_run": self._args.dry_run}
        print_json(record | ({"actions": to_data(self._actions)} if self._args.dry_run else {}))


def _tell(args: argparse.Namespace, removed: Removed) -> None:
    from anyfit.errors import StorageError
    from anyfit.show import size_text

    say(args, f"{removed.deleted} {'would be ' if args.dry_run else ''}deleted ({size_text(removed.bytes)})")
    if removed.failures:
        listed = "".join(f"\n  {failure}" for failure in removed.failures)
        count = f"{len(removed.failures)} of {removed.deleted + len(removed.failures)}"
        raise StorageError(f"{count} could not be deleted:{listed}")


def _refuse_files(selections: Sequence[Selection]) -> None:
    from anyfit.errors import UsageError

    for selection in selections:
        if selection.uri.is_local:
            raise UsageError(
                f"{shown(selection.uri)} is a file of this machine", hint="those are not for anyfit to remove"
            )
