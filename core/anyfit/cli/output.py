"""What commands print: JSON for programs, tables and times for people."""

from __future__ import annotations

import os
import sys

TYPE_CHECKING = False  # importing typing is slow
if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence
    from datetime import datetime
    from typing import Any, TextIO

__all__ = [
    "ago",
    "facts",
    "local_time",
    "print_json",
    "print_line",
    "print_record",
    "say",
    "show_warnings",
    "table",
    "terminal_width",
    "to_stderr",
]

_COLOURS = {"SUCCEEDED": 32, "READY": 32, "FAILED": 31, "STOPPED": 33, "STOPPING": 33, "RUNNING": 36, "UPDATING": 36}
_NARROWEST = 8


def print_json(value: Any) -> None:
    """One JSON document on stdout; attrs values are welcome."""
    import json

    if not isinstance(value, (dict, list, str)):
        from anyfit.codec import to_data

        value = to_data(value)
    print(_shown(json.dumps(value, ensure_ascii=False, indent=2), sys.stdout))


def print_line(text: str) -> None:
    """One line on stdout that names files or objects."""
    from anyfit.show import one_line

    print(_shown(one_line(text), sys.stdout))


def to_stderr(text: str) -> None:
    """Talk, or an error, which may name what anybody has named."""
    print(_shown(text, sys.stderr), file=sys.stderr, flush=True)


def _shown(text: str, stream: TextIO) -> str:
    if not stream.isatty():
        return text
    from anyfit.show import harmless

    return harmless(text)


def print_record(value: Any, *, flush: bool = False) -> None:
    """One JSON object on one line, for what has no end; attrs values are welcome."""
    import json

    from anyfit.codec import to_data

    print(_shown(json.dumps(to_data(value), ensure_ascii=False), sys.stdout), flush=flush)


def say(args: argparse.Namespace, text: str) -> None:
    """Talk, unless it is not wanted."""
    if not getattr(args, "quiet", False) and not getattr(args, "json", False):
        to_stderr(f"anyfit: {text}")


def table(heads: Sequence[str], rows: Sequence[Sequence[str]], *, cut: int = -1) -> None:
    """A table on stdout: on a terminal as wide as that, where the column `cut` gives way; whole in a pipe."""
    widths = [max(map(_width, column)) for column in zip(heads, *rows, strict=True)]
    terminal = terminal_width()
    if terminal:
        cut %= len(widths)
        rest = sum(widths) - widths[cut] + 2 * (len(widths) - 1)
        widths[cut] = max(_NARROWEST, min(widths[cut], terminal - rest))
    colours = bool(terminal) and "NO_COLOR" not in os.environ
    for row in (heads, *rows):
        cells = [_cell(text, width, colours and row is not heads) for text, width in zip(row, widths, strict=True)]
        print("  ".join(cells).rstrip())


def facts(pairs: Sequence[tuple[str, str]]) -> None:
    """Names and values, one a line; those without a value are left out."""
    shown = [(name, text) for name, text in pairs if text]
    width = max((len(name) for name, _ in shown), default=0)
    for name, text in shown:
        print(f"{name:<{width}}  {text}")


def ago(text: str, now: datetime) -> str:
    """An ISO time as people say it: `3 min ago`."""
    from datetime import datetime

    if not text:
        return ""
    seconds = (now - datetime.fromisoformat(text)).total_seconds()
    for unit, length in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= length:
            return f"{seconds // length:.0f} {unit} ago"
    return f"{max(seconds, 0):.0f} s ago"


def local_time(time: datetime | None) -> str:
    """An aware time as the clock on the wall shows it."""
    return f"{time.astimezone():%Y-%m-%d %H:%M:%S}" if time else ""


def show_warnings() -> None:
    """Let warnings look like everything else that is said."""
    import warnings

    def show(message: Warning | str, *_: object, **__: object) -> None:
        print(f"anyfit: warning: {message}", file=sys.stderr)

    warnings.showwarning = show


def terminal_width() -> int:
    """Columns of the terminal that stdout is, or 0."""
    try:
        return os.get_terminal_size(sys.stdout.fileno()).columns or 80
    except (OSError, ValueError):
        return 0


def _cell(text: str, width: int, coloured: bool) -> str:
    if _width(text) > width:
        text = _shortened(text, width)
    padded = text + " " * (width - _width(text))
    colour = _COLOURS.get(text) if coloured else None
    return f"\033[{colour}m{padded}\033[0m" if colour else padded


def _shortened(text: str, width: int) -> str:
    while _width(text) >= width:
        text = text[:-1]
    return f"{text}…"


def _width(text: str) -> int:
    """Columns on a terminal, where Chinese characters take two."""
    if text.isascii():
        return len(text)
    from unicodedata import east_asian_width

    return sum(2 if east_asian_width(sign) in "WF" else 1 for sign in text)
