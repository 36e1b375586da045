"""Deleting objects, for `anyfit rm`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from anyfit.cli.output import print_json, say
from anyfit.cli.storing import open_stores, selected

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

    from anyfit.storage.browse import Removed
    from anyfit.storage.options import Action
    from anyfit.storage.selection import Selection
    from anyfit.stores import Stores

__all__ = ["delete"]


def delete(args: argparse.Namespace) -> int:
    """Delete what the arguments name; failures are listed at the end."""
    from anyfit.errors import StorageError

    selections = [selected(args, text) for text in args.names]
    _refuse_files(selections)
    with open_stores(args) as stores:
        removed, found = _delete_all(args, selections, stores)
        doomed = _doomed(args, found, stores) if args.dry_run else []
    if args.json:
        _print_json(args, removed, doomed)
        return 4 if removed.failures else 0
    from anyfit.show import size_text

    for action in doomed:
        print(f"would delete {action.target}")
    say(args, f"{removed.deleted} {'would be ' if args.dry_run else ''}deleted ({size_text(removed.bytes)})")
    if removed.failures:
        listed = "".join(f"\n  {failure}" for failure in removed.failures)
        count = f"{len(removed.failures)} of {removed.deleted + len(removed.failures)}"
        raise StorageError(f"{count} could not be deleted:{listed}")
    return 0


def _delete_all(
    args: argparse.Namespace, selections: Sequence[Selection], stores: Stores
) -> tuple[Removed, list[Selection]]:
    """Delete one place after the other, and answer which could be.

    What is wrong with one of several is a failure, and the rest is deleted.
    """
    from anyfit.errors import AnyfitError, AuthError
    from anyfit.storage.browse import Removed, remove
    from anyfit.storage.options import Failure

    all_of_it, found = Removed(0, 0), []
    for selection in selections:
        recursive = args.recursive or bool(selection.wildcards)
        try:
            removed = remove(
                selection.uri, recursive=recursive, filters=selection.filters, dry_run=args.dry_run, open=stores
            )
        except AnyfitError as error:
            if len(selections) == 1 or (isinstance(error, AuthError) and not all_of_it.deleted):
                raise
            removed = Removed(0, 0, (Failure("", f"{selection.uri}{selection.wildcards}", error.message),))
        else:
            found.append(selection)
        all_of_it = Removed(
            all_of_it.deleted + removed.deleted,
            all_of_it.bytes + removed.bytes,
            all_of_it.failures + removed.failures,
        )
    return all_of_it, found


def _doomed(args: argparse.Namespace, selections: Sequence[Selection], stores: Stores) -> list[Action]:
    """What a dry run would have deleted."""
    from anyfit.storage.options import Action
    from anyfit.storage.selection import chosen

    doomed = []
    for selection in selections:
        recursive = args.recursive or bool(selection.wildcards)
        for _, listed in chosen(selection, recursive=recursive, open=stores):
            if listed.entry:
                doomed.append(Action("delete", "", str(listed.uri), listed.entry.size))
    return doomed


def _refuse_files(selections: Sequence[Selection]) -> None:
    from anyfit.errors import UsageError

    for selection in selections:
        if selection.uri.is_local:
            raise UsageError(f"{selection.uri} is a file of this machine", hint="those are not for anyfit to remove")


def _print_json(args: argparse.Namespace, removed: Removed, doomed: list[Action]) -> None:
    from anyfit.codec import to_data

    record: dict[str, Any] = to_data(removed) | {"dry_run": args.dry_run}
    print_json(record | ({"actions": to_data(doomed)} if args.dry_run else {}))
