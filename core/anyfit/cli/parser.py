"""Arguments of a command: `argparse`, whose complaints become our errors, and the options that many commands share."""

from __future__ import annotations

import argparse

from anyfit.cli.output import terminal_width

TYPE_CHECKING = False  # importing typing is slow
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import NoReturn

    from anyfit.session import Session

__all__ = [
    "Parser",
    "add_backend",
    "add_environment",
    "add_job",
    "add_json",
    "add_quiet",
    "add_set",
    "at_least",
    "environment_of",
    "open_session",
]


class _Formatter(argparse.RawDescriptionHelpFormatter):
    """argparse's own formatter asks `shutil` for the width, which takes long to import, even when nothing is shown."""

    def __init__(self, prog: str) -> None:
        super().__init__(prog, width=min(terminal_width() or 80, 100) - 2)


class Parser(argparse.ArgumentParser):
    """A parser whose faults are `UsageError`, and that can leave what follows `--` alone."""

    def __init__(self, *, prog: str, description: str = "", epilog: str | None = None) -> None:
        super().__init__(
            prog=prog,
            description=f"{description[:1].upper()}{description[1:]}.",
            epilog=epilog,
            formatter_class=_Formatter,
            conflict_handler="resolve",  # for -h, which some commands have for human sizes, as ls and du have
            allow_abbrev=False,
        )
        self.passes_arguments = False

    def parse(self, words: Sequence[str]) -> argparse.Namespace:
        """The arguments; where `passes_arguments` is set, `script_arguments` is what follows `--`."""
        words, rest = list(words), []
        if self.passes_arguments and "--" in words:
            dashes = words.index("--")
            words, rest = words[:dashes], words[dashes + 1 :]
        # Names may stand on both sides of options, but where `--` says that names alone follow.
        read = self.parse_known_args if "--" in words else self.parse_known_intermixed_args
        args, unknown = read(words)
        if unknown:
            self._unrecognized(unknown)
        args.script_arguments = rest
        args.given = [*words, "--", *rest] if rest else words
        return args

    def options(self) -> list[str]:
        """The long options."""
        found = [text for action in self._actions for text in action.option_strings]
        return [text for text in found if text.startswith("--")]

    def error(self, message: str) -> NoReturn:
        from anyfit.errors import UsageError

        message = message.replace("ignored explicit argument", "takes no value, and got")
        raise UsageError(message, hint=f"{self.prog} --help shows what it takes")

    def _unrecognized(self, unknown: list[str]) -> NoReturn:
        from anyfit.errors import UsageError, nearest

        near = nearest(unknown[0].partition("=")[0], self.options()) if unknown[0].startswith("-") else ""
        raise UsageError(
            f"{self.prog} does not take {unknown[0]!r}", hint=near or f"{self.prog} --help shows what it takes"
        )


def add_backend(parser: argparse.ArgumentParser) -> None:
    """The options that choose a backend."""
    parser.add_argument("-b", "--backend", metavar="NAME", help="the backend; the configuration's by default")
    parser.add_argument("-p", "--profile", metavar="NAME", help="the profile of the configuration to use")


def add_json(parser: argparse.ArgumentParser) -> None:
    """The option for programs."""
    parser.add_argument("--json", action="store_true", help="print one JSON document on stdout")


def add_quiet(parser: argparse.ArgumentParser) -> None:
    """The option for those who want results only."""
    parser.add_argument("-q", "--quiet", action="store_true", help="no talk on stderr but errors")


def add_job(parser: argparse.ArgumentParser) -> None:
    """The job that a command is about."""
    parser.add_argument("job", metavar="JOB", nargs="?", help="a job's name or reference; the newest job by default")


def add_jobs(parser: argparse.ArgumentParser) -> None:
    """The jobs that a command is about; one that ends or removes them wants them named."""
    parser.add_argument("names", metavar="JOB", nargs="+", help="a job's name or reference")


def add_set(parser: argparse.ArgumentParser) -> None:
    """The option that overrides fields."""
    parser.add_argument(
        "--set",
        dest="overrides",
        metavar="KEY=VALUE",
        action="append",
        default=[],
        help="change a field, for instance hyperparameters.lr=0.1 or inputs.train=data; again for more",
    )


def add_environment(parser: argparse.ArgumentParser) -> None:
    """The option that gives variables to a server."""
    parser.add_argument(
        "--environment",
        metavar="KEY=VALUE",
        action="append",
        default=[],
        help="a variable for the server; again for more",
    )


def at_least(least: int) -> Callable[[str], int]:
    """The type of an option that counts."""

    def count(text: str) -> int:
        if not text.isdecimal() or int(text) < least:
            raise argparse.ArgumentTypeError(f"expected a whole number of {least} or more, got {text!r}")
        return int(text)

    return count


def environment_of(args: argparse.Namespace) -> dict[str, str]:
    """The variables that were given."""
    from anyfit.errors import UsageError

    found = {}
    for text in args.environment:
        name, equals, value = text.partition("=")
        if not name or not equals:
            raise UsageError(f"--environment {text}: there is no KEY=", hint="write --environment THREADS=4")
        found[name] = value
    return found


def open_session(args: argparse.Namespace) -> Session:
    """The session that the arguments ask for."""
    from anyfit.cli.output import show_warnings
    from anyfit.session import Session

    show_warnings()
    return Session.open(backend=getattr(args, "backend", None), profile=getattr(args, "profile", None))
