"""Where an object's content lies: from keys to relative paths and back.

An ordinary key is its own path: `train/a b.csv` lies in `<bucket>/train/a b.csv`, Chinese and percent signs included.
Only segments that cannot be file names are spelled differently, and every such spelling begins with `%~`:

    %~=X    the segment X, percent-encoded: empty, `.`, `..`, with a NUL, or one that begins with `%~` itself
    %~+X    the beginning of a segment longer than 255 bytes; it goes on in the next component
    %~!X    an object (the last segment X) whose plain name is taken by a directory: `a` beside `a/b`

The mapping is one to one, cannot leave the bucket's directory, and can be read backwards.
"""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import unquote

__all__ = ["MAX_KEY_BYTES", "directory_key", "key_of", "path_of"]

MAX_KEY_BYTES = 1024
_MAX_NAME = 255
_MARK = "%~"
_ROOM = _MAX_NAME - len(_MARK) - 1
_ENCODED = {"%": "%25", "\0": "%00"}
_DOTS = {".": "%2E", "..": "%2E%2E"}


def path_of(key: str, *, beside_directory: bool = False) -> str:
    """The path of `key` below its bucket's directory, with `/` between components.

    `beside_directory` asks for the spelling that an object has whose plain name is a directory.
    """
    if not key:
        raise ValueError("an object's key cannot be empty")
    head, slash, last = key.rpartition("/")
    parts = [part for segment in head.split("/") for part in _components(segment)] if slash else []
    parts += _spelled(last, "!") if beside_directory else _components(last)
    return "/".join(parts)


def key_of(path: str) -> tuple[str, bool]:
    """The key that lies at `path`, and whether it is the spelling beside a directory.

    Raises:
        ValueError: No key is spelled so.
    """
    key, beside = _read(path)
    if path_of(key, beside_directory=beside) != path:
        raise ValueError(f"{path!r} is no object's path")
    return key, beside


def directory_key(path: str) -> str:
    """The key of the marker for the directory at `path`."""
    return _read(path)[0] + "/"


def _read(path: str) -> tuple[str, bool]:
    segments: list[str] = []
    begun = ""
    beside = False
    for part in path.split("/"):
        if not part or part in _DOTS or beside:
            raise ValueError(f"{path!r} is no object's path")
        kind, text = (part[2:3], unquote(part[3:])) if part.startswith(_MARK) else ("", part)
        if kind == "+":
            begun += text
            continue
        segments.append(begun + text)
        begun = ""
        beside = kind == "!"
    if begun:
        raise ValueError(f"{path!r} is no object's path")
    return "/".join(segments), beside


def _components(segment: str) -> list[str]:
    plain = segment and segment not in _DOTS and "\0" not in segment and not segment.startswith(_MARK)
    if plain and len(segment.encode()) <= _MAX_NAME:
        return [segment]
    return _spelled(segment, "=")


def _spelled(segment: str, kind: str) -> list[str]:
    pieces = list(_pieces(segment))
    return [f"{_MARK}+{piece}" for piece in pieces[:-1]] + [f"{_MARK}{kind}{pieces[-1]}"]


def _pieces(segment: str) -> Iterator[str]:
    """The encoded segment in pieces that fit a file name, never cut within a character."""
    if segment in _DOTS:
        yield _DOTS[segment]
        return
    piece, size = "", 0
    for character in segment:
        encoded = _ENCODED.get(character, character)
        width = len(encoded.encode())
        if size + width > _ROOM:
            yield piece
            piece, size = "", 0
        piece += encoded
        size += width
    yield piece
