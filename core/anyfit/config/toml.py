"""Reading TOML that people wrote: faults with file, line and column, and the line of every key."""

from __future__ import annotations

import re
import sys
from typing import Any

from anyfit.errors import ConfigError, UsageError

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

__all__ = ["decode", "key_lines", "parse_toml"]

Path = tuple[str, ...]


def decode(data: bytes, label: str, *, error: type[UsageError] = ConfigError) -> str:
    """The text of a file; raises `error` where it is not UTF-8."""
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as fault:
        line = data.count(b"\n", 0, fault.start) + 1
        raise error(f"{label}:{line}: is not UTF-8 text", hint="save the file as UTF-8") from fault


def parse_toml(text: str, label: str, *, error: type[UsageError] = ConfigError) -> dict[str, Any]:
    """What a TOML text says; raises `error` with `label:line:column` where it is malformed."""
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as fault:
        message, line, column = _position(str(fault), text)
        shown = text.splitlines()[line - 1].strip() if text else ""
        raise error(f"{label}:{line}:{column}: {message}", hint=f"the line is: {shown}") from fault


def _position(message: str, text: str) -> tuple[str, int, int]:
    """The message of a TOML error apart from line and column, which old Pythons give in prose only."""
    message, _, place = message.rpartition(" (at ")
    if found := re.match(r"line (\d+), column (\d+)", place):
        return message, int(found[1]), int(found[2])
    lines = text.splitlines()
    return message, len(lines), len(lines[-1]) + 1


def key_lines(text: str) -> dict[Path, int]:
    """The line, counted from 1, of every table header and of every key that begins a line.

    The text has to be valid TOML. What stands inside an inline table is found under the key of that table.
    """
    found: dict[Path, int] = {}
    section: Path = ()
    quote = ""
    for number, line in enumerate(text.splitlines(), 1):
        if not quote:
            section, path = _read(line.strip(), section)
            if path:
                found.setdefault(path, number)
        quote = _open_quote(line, quote)
    return found


def _read(line: str, section: Path) -> tuple[Path, Path]:
    """The section after a line, and the path that the line declares, or () for none."""
    if line.startswith("["):
        header = _parse(line)
        return header or section, header  # no header: a list that goes on over several lines
    for end in (index for index, sign in enumerate(line) if sign == "="):
        if path := _parse(f"{line[:end]} = 0"):
            return section, section + path
    return section, ()


def _parse(line: str) -> Path:
    """The path of the only key or table in a line of TOML, or () when it is not such a line."""
    try:
        data: Any = tomllib.loads(line)
    except tomllib.TOMLDecodeError:
        return ()
    path: Path = ()
    while data and isinstance(data, (dict, list)):
        if isinstance(data, list):
            data = data[0]
            continue
        key, data = next(iter(data.items()))
        path += (key,)
    return path


def _open_quote(line: str, quote: str) -> str:
    """Which triple quotes are open after a line, given those that were open before."""
    while line:
        if quote:
            _, closed, line = line.partition(quote)
            quote = "" if closed else quote
        else:
            opened = min((line.find(mark), mark) for mark in ('"""', "'''", "\0") if mark in line + "\0")
            quote = opened[1].strip("\0")
            line = line[opened[0] + 3 :]
    return quote
