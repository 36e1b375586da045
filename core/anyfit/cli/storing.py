"""What commands share that read and write stores: their options, their stores, what they say at the end."""

from __future__ import annotations

import argparse
import os
import re
import sys
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any

from anyfit.cli.output import print_json, print_line, say
from anyfit.cli.parser import add_backend, add_json, add_quiet, open_session

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from anyfit.storage.options import Action, OnProgress, Options, Report
    from anyfit.storage.selection import Selection
    from anyfit.storage.uri import Uri
    from anyfit.stores import Stores

__all__ = [
    "Moving",
    "add_filters",
    "add_human",
    "add_raw",
    "add_transfer",
    "interruptible",
    "open_stores",
    "progress_line",
    "selected",
    "shown",
]

_MOST_JOBS = 1000
_UNITS = {"": 1, "k": 1000, "m": 1000**2, "g": 1000**3, "ki": 1 << 10, "mi": 1 << 20, "gi": 1 << 30}


def add_filters(parser: argparse.ArgumentParser) -> None:
    """The options that choose among names."""
    for verdict, text in (("exclude", "leave out names that fit"), ("include", "take in names that fit")):
        parser.add_argument(
            f"--{verdict}",
            dest="filters",
            metavar="PATTERN",
            action="append",
            default=[],
            type=partial(_filter, verdict),
            help=f"{text}, below the place; again for more: the last that fits decides",
        )
    add_raw(parser)


def add_raw(parser: argparse.ArgumentParser) -> None:
    """The option for names that have wildcards in them."""
    parser.add_argument("--raw", action="store_true", help="take * and ? for what they are")


def add_human(parser: argparse.ArgumentParser) -> None:
    """The option for sizes that people read; it takes the place of the short option for help."""
    parser.add_argument("-h", "--human", "--human-readable", action="store_true", help="sizes as 1.4 MB")


def add_transfer(parser: argparse.ArgumentParser, *, compare: str) -> None:
    """The options of commands that copy."""
    ways = ("always", "time", "size", "checksum")
    parser.add_argument(
        "--compare", choices=ways, default=compare, help=f"what counts as changed: {', '.join(ways)} ({compare})"
    )
    parser.add_argument(
        "--size-only", dest="compare", action="store_const", const="size", help="the same as --compare size"
    )
    add_filters(parser)
    parser.add_argument("--dry-run", action="store_true", help="say what would be done, and do nothing")
    parser.add_argument("--no-follow-symlinks", action="store_true", help="leave symbolic links out")
    parser.add_argument("--limit-rate", type=_rate, metavar="RATE", help="bytes per second, such as 500K or 10MiB")
    parser.add_argument("-j", "--jobs", type=_number, default=16, metavar="N", help="requests under way at once (16)")
    parser.add_argument("-v", "--verbose", action="store_true", help="say each thing that is done")
    add_backend(parser)
    add_json(parser)
    add_quiet(parser)


def open_stores(args: argparse.Namespace) -> Stores:
    """The stores of the session that the arguments ask for; close them."""
    from anyfit.stores import Stores, store_of

    return Stores(partial(store_of, open_session(args)))


def selected(args: argparse.Namespace, text: str) -> Selection:
    """What a word of the command line means."""
    from anyfit.storage.selection import select

    return select(text, tuple(getattr(args, "filters", ())), raw=args.raw)


def shown(uri: Uri | str) -> str:
    """A URI, or a path of this machine."""
    from anyfit.show import uri_text

    return uri_text(str(uri))


def progress_line(args: argparse.Namespace, *, removal: bool = False) -> OnProgress | None:
    """What draws progress, if a person looks at a terminal and wants to see it."""
    unwanted = args.json or getattr(args, "quiet", False) or os.environ.get("CI") or "NO_COLOR" in os.environ
    if unwanted or not sys.stderr.isatty():
        return None
    from anyfit.storage.progress import ProgressLine, progress_text, removal_text

    return ProgressLine(sys.stderr, removal_text if removal else progress_text)


@contextmanager
def interruptible(args: argparse.Namespace, progress: OnProgress | None) -> Iterator[None]:
    """When something long is broken off, leave the line of its progress clean; after Ctrl-C say how it goes on."""
    try:
        yield
    except BaseException as fault:
        _settle(progress)
        if isinstance(fault, KeyboardInterrupt):
            say(args, "interrupted; the same command goes on with what is left")
        raise


def _settle(progress: OnProgress | None) -> None:
    if progress:
        print("\r\033[K", end="", file=sys.stderr, flush=True)


class Moving:
    """Runs the transfers of one command, shows how far they are, and says at the end what was done."""

    def __init__(self, args: argparse.Namespace) -> None:
        self._args = args
        self._actions: list[Action] = []
        self._reports: list[Report] = []
        self._progress = progress_line(args)

    def run_each(self, selections: Sequence[Selection], target: Uri, stores: Stores) -> None:
        """Transfer one selection after the other; once something was done, what is wrong with another is a failure."""
        from anyfit.errors import AnyfitError
        from anyfit.storage.options import Failure, Report

        for selection in selections:
            try:
                self.run(selection, target, stores)
            except AnyfitError as error:
                if not self._reports:
                    raise
                failure = Failure(f"{selection.uri}{selection.wildcards}", "", error.message)
                self._reports.append(Report(failures=(failure,)))

    def run(self, selection: Selection, target: Uri, stores: Stores) -> Report:
        """Transfer what is selected."""
        from anyfit.storage.transfer import transfer

        with interruptible(self._args, self._progress):
            report = transfer(
                selection.uri,
                target,
                self._options(selection),
                open=stores,
                on_progress=self._progress,
                on_action=self._on_action(),
            )
        if selection.wildcards and not (report.copied or report.skipped or report.deleted or report.failures):
            raise selection.nothing()
        if report.failures and not report.copied and not target.is_local:
            _refuse_wrong_place(target, stores, report)
        self._reports.append(report)
        return report

    def end(self) -> int:
        """Say what was done; failures are listed, and the exit code tells."""
        from anyfit.storage.progress import report_text

        report = _together(self._reports)
        if self._args.json:
            print_json(self._record(report))
            return 4 if report.failures else 0
        say(self._args, report_text(report, dry_run=self._args.dry_run))
        report.raise_for_failures(most=None)
        return 0

    def _options(self, selection: Selection) -> Options:
        from anyfit.storage.options import Options

        args = self._args
        return Options(
            compare=args.compare,
            recursive=args.recursive or bool(selection.wildcards or selection.names),
            names=selection.names,
            delete=getattr(args, "delete", False),
            filters=selection.filters,
            dry_run=args.dry_run,
            links="skip" if args.no_follow_symlinks else "follow",
            bandwidth=args.limit_rate,
            jobs=args.jobs,
        )

    def _on_action(self) -> Callable[[Action], None] | None:
        if not (self._args.dry_run or self._args.verbose):
            return None
        return self._actions.append if self._args.json else self._print

    def _print(self, action: Action) -> None:
        _settle(self._progress)
        words = ("would copy", "would delete") if self._args.dry_run else ("copied", "deleted")
        what = f"{words[0]} {shown(action.source)} to" if action.kind == "copy" else words[1]
        print_line(f"{what} {shown(action.target)}")

    def _record(self, report: Report) -> dict[str, Any]:
        from anyfit.codec import to_data

        record: dict[str, Any] = to_data(report) | {"dry_run": self._args.dry_run}
        return record | ({"actions": to_data(self._actions)} if self._on_action() else {})


def _refuse_wrong_place(target: Uri, stores: Stores, report: Report) -> None:
    """When nothing at all could be written, as the keys are wrong or there is no such bucket, that is to be told."""
    from anyfit.errors import AnyfitError, AuthError, NotFound

    try:
        stores(target).list_page(target.key, limit=1)
    except (AuthError, NotFound) as error:
        if all(error.status in failure.reason for failure in report.failures):
            raise
    except AnyfitError:
        return


def _together(reports: Sequence[Report]) -> Report:
    from anyfit.storage.options import Report

    return Report(
        copied=sum(report.copied for report in reports),
        bytes=sum(report.bytes for report in reports),
        skipped=sum(report.skipped for report in reports),
        deleted=sum(report.deleted for report in reports),
        failures=tuple(failure for report in reports for failure in report.failures),
        unproven=sum(report.unproven for report in reports),
        seconds=sum(report.seconds for report in reports),
    )


def _filter(verdict: Any, pattern: str) -> Any:
    from anyfit.storage.filters import Filter

    return Filter(verdict, pattern)


def _number(text: str) -> int:
    if not text.isdecimal() or not 0 < int(text) <= _MOST_JOBS:
        raise argparse.ArgumentTypeError(f"{text!r} is no number from 1 to {_MOST_JOBS}")
    return int(text)


def _rate(text: str) -> float:
    found = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([kmg]i?)?b?(?:/s)?", text.strip().lower())
    if not found or not float(found[1]):
        raise argparse.ArgumentTypeError(f"cannot read {text!r}; write 500K, 10M or 1.5GiB")
    return float(found[1]) * _UNITS[found[2] or ""]
