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
        shown = text.split("\n")[line - 1].strip()
        raise error(f"{label}:{line}:{column}: {message}", hint=f"the line is: {shown}") from fault


def _position(message: str, text: str) -> tuple[str, int, int]:
    """The message of a TOML error apart from line and column, which old Pythons give in prose only."""
    message, _, place = message.rpartition(" (at ")
    if found := re.match(r"line (\d+), column (\d+)", place):
        return message, int(found[1]), int(found[2])
    lines = text.split("\n")
    return message, len(lines), len(lines[-1]) + 1


def key_lines(text: str) -> dict[Path, int]:
    """The line, counted from 1, of every table header and of every key that begins a line.

    The text has to be valid TOML. What stands inside an inline table is found under the key of that table.
    """
    found: dict[Path, int] = {}
    section: Path = ()
    statement = ""
    for number, line in enumerate(text.split("\n"), 1):
        if not statement:
            start = number
        statement += f"{line}\n"
        if (data := _loads(statement)) is None:
            continue  # a text or a list that goes on
        if statement.lstrip().startswith("["):
            section = _only_path(data)
            found.setdefault(section, start)
        elif data:
            found.setdefault(section + _key(statement), start)
        statement = ""
    return found


def _loads(text: str) -> dict[str, Any] | None:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return None


def _key(statement: str) -> Path:
    """The path of the key before the right one of the equal signs."""
    ends = (index for index, sign in enumerate(statement) if sign == "=")
    return next(_only_path(data) for end in ends if (data := _loads(f"{statement[:end]} = 0")))


def _only_path(data: Any) -> Path:
    """The path that leads through data in which every table has one key."""
    path: Path = ()
    while data and isinstance(data, (dict, list)):
        if isinstance(data, dict):
            key, data = next(iter(data.items()))
            path += (key,)
        else:
            data = data[0]
    return path
