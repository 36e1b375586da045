"""Deleting objects, for `anyfit rm`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from anyfit.cli.output import print_json, say
from anyfit.cli.storing import open_stores, selected

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

    from anyfit.storage.browse import Removed
    from anyfit.storage.options import Failure
    from anyfit.storage.selection import Selection
    from anyfit.stores import Stores

__all__ = ["delete"]


def delete(args: argparse.Namespace) -> int:
    """Delete what the arguments name; failures are listed at the end."""
    from anyfit.errors import StorageError

    selections = [selected(args, text) for text in args.names]
    _refuse_files(selections)
    with open_stores(args) as stores:
        done, failures = _delete_all(args, selections, stores)
    count, size = sum(removed.deleted for removed in done), sum(removed.bytes for removed in done)
    if args.json:
        _print_json(count, size, failures, args)
        return 4 if failures else 0
    from anyfit.show import size_text

    say(args, f"{count} {'would be ' if args.dry_run else ''}deleted ({size_text(size)})")
    if failures:
        listed = "".join(f"\n  {failure}" for failure in failures)
        raise StorageError(f"{len(failures)} of {count + len(failures)} could not be deleted:{listed}")
    return 0


def _delete_all(
    args: argparse.Namespace, selections: Sequence[Selection], stores: Stores
) -> tuple[list[Removed], tuple[Failure, ...]]:
    """Delete one place after the other. What is wrong with one of several is a failure, and the rest is deleted."""
    from anyfit.errors import AnyfitError, AuthError
    from anyfit.storage.options import Failure

    done: list[Removed] = []
    failures: list[Failure] = []
    for selection in selections:
        try:
            done.append(_delete(args, selection, stores))
        except AnyfitError as error:
            if len(selections) == 1 or (isinstance(error, AuthError) and not done):
                raise
            failures.append(Failure("", str(selection.uri) + selection.wildcards, error.message))
    return done, tuple(failure for removed in done for failure in removed.failures) + tuple(failures)


def _delete(args: argparse.Namespace, selection: Selection, stores: Stores) -> Removed:
    from anyfit.storage.browse import remove
    from anyfit.storage.selection import chosen

    recursive = args.recursive or bool(selection.wildcards)
    removed = remove(selection.uri, recursive=recursive, filters=selection.filters, dry_run=args.dry_run, open=stores)
    if args.dry_run and not args.json:
        for _, listed in chosen(selection, recursive=recursive, open=stores):
            print(f"would delete {listed.uri}")
    return removed


def _refuse_files(selections: Sequence[Selection]) -> None:
    from anyfit.errors import UsageError

    for selection in selections:
        if selection.uri.is_local:
            raise UsageError(f"{selection.uri} is a file of this machine", hint="those are not for anyfit to remove")


def _print_json(count: int, size: int, failures: tuple[Failure, ...], args: argparse.Namespace) -> None:
    from anyfit.codec import to_data

    print_json({"deleted": count, "bytes": size, "failures": to_data(failures), "dry_run": args.dry_run})
