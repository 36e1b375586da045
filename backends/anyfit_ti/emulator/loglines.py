"""One log for all containers of a run: each line begins with its container's number and its stream."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from attrs import frozen

from anyfit_emulator.running import Command, LineLog

__all__ = ["LogLine", "command", "lines", "say"]

_PAGE = 1000
_STREAMS = {"o": "stdout", "e": "stderr"}


@frozen
class LogLine:
    """One line.

    Attributes:
        number: Its position in the log, from 0.
        time_ns: When it was written; no two have the same.
        container: Whose it is.
        stream: `stdout` or `stderr`.
        text: Without its end.
    """

    number: int
    time_ns: int
    container: int
    stream: str
    text: str


def command(
    argv: list[str],
    directory: Path,
    environment: dict[str, str],
    container: int,
    usage: Path | None = None,
    *,
    awaited: bool = True,
) -> Command:
    """A command whose lines can be told apart."""
    return Command(
        argv, directory, environment, f"{container}o ", usage, error_prefix=f"{container}e ", awaited=awaited
    )


def say(log: LineLog, container: int, text: str) -> None:
    """Add lines that a container's own programs write."""
    log.append([f"{container}o {line}".encode() for line in text.splitlines()])


def lines(log: LineLog, first: int = 0) -> Iterator[LogLine]:
    """Lines from a number on."""
    while page := log.page(first, _PAGE):
        for line in page:
            head, _, text = line.text.partition(" ")
            yield LogLine(line.number, line.time_ns, int(head[:-1]), _STREAMS[head[-1]], text)
        first = page[-1].number + 1
