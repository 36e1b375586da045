"""Deleting objects, for `anyfit rm`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from anyfit.cli.output import print_json, print_line, say
from anyfit.cli.storing import interruptible, open_stores, progress_line, selected, shown

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

    from anyfit.storage.options import Action
    from anyfit.storage.removing import Removed
    from anyfit.storage.selection import Selection
    from anyfit.stores import Stores

__all__ = ["delete"]


def delete(args: argparse.Namespace) -> int:
    """Delete what the arguments name; failures are listed at the end."""
    selections = [selected(args, text) for text in args.names]
    _refuse_files(selections)
    deletion = _Deletion(args)
    with open_stores(args) as stores:
        removed = deletion.run(selections, stores)
    if args.json:
        deletion.print_json(removed)
        return 4 if removed.failures else 0
    _tell(args, removed)
    return 0


class _Deletion:
    """Deletes one place after the other, and shows how far it is; a dry run shows what it would delete instead."""

    def __init__(self, args: argparse.Namespace) -> None:
        self._args = args
        self._actions: list[Action] = []
        self._progress = None if args.dry_run else progress_line(args, removal=True)

    def run(self, selections: Sequence[Selection], stores: Stores) -> Removed:
        """Delete. What is wrong with one of several places is a failure, and the rest is deleted."""
        from anyfit.errors import AnyfitError, AuthError
        from anyfit.storage.options import Failure
        from anyfit.storage.removing import Removed

        all_of_it = Removed(0, 0)
        for selection in selections:
            try:
                removed = self._remove(selection, stores)
            except AnyfitError as error:
                if len(selections) == 1 or (isinstance(error, AuthError) and not all_of_it.deleted):
                    raise
                removed = Removed(0, 0, (Failure("", f"{selection.uri}{selection.wildcards}", error.message),))
            all_of_it = Removed(
                all_of_it.deleted + removed.deleted,
                all_of_it.bytes + removed.bytes,
                all_of_it.failures + removed.failures,
            )
        return all_of_it

    def _remove(self, selection: Selection, stores: Stores) -> Removed:
        from anyfit.storage.removing import remove

        with interruptible(self._args, self._progress):
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
