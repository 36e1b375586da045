"""One page of a listing: prefix, delimiter, where to go on, in byte order."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from attrs import frozen

__all__ = ["Entry", "Page", "list_page"]

Entry = tuple[bytes, int, int, str]
Scan = Callable[[bytes, bytes | None], Iterator[Entry]]


@frozen
class Page:
    """A page of a listing.

    Attributes:
        entries: Objects: key, size, time in nanoseconds, ETag.
        prefixes: Common prefixes, each standing for everything below it.
        next: The last key or prefix of a page after which there is more; else None.
    """

    entries: tuple[Entry, ...]
    prefixes: tuple[bytes, ...]
    next: bytes | None


def list_page(scan: Scan, prefix: bytes, delimiter: bytes, after: bytes, limit: int) -> Page:
    """List what follows `after`.

    Args:
        scan: Gives entries in byte order from a key on, before another.
        prefix: Only keys that begin so.
        delimiter: Keys that share what comes before it (after the prefix) are rolled into one common prefix.
        after: A key or common prefix that was seen already, or b"".
        limit: Objects and prefixes together.
    """
    entries: list[Entry] = []
    prefixes: list[bytes] = []
    last = b""
    end = _successor(prefix)
    start: bytes | None = _start(prefix, delimiter, after)
    if limit <= 0:
        return Page((), (), None)
    while start is not None and (end is None or start < end):
        position, start = start, None
        for entry in scan(position, end):
            if len(entries) + len(prefixes) == limit:
                return Page(tuple(entries), tuple(prefixes), last)
            common = _common(entry[0], prefix, delimiter)
            if common is not None:
                prefixes.append(common)
                last, start = common, _successor(common)
                break  # jump over everything below it
            entries.append(entry)
            last = entry[0]
    return Page(tuple(entries), tuple(prefixes), None)


def _start(prefix: bytes, delimiter: bytes, after: bytes) -> bytes | None:
    if not after or after < prefix:
        return prefix
    if after == _common(after, prefix, delimiter):
        return _successor(after)
    return after + b"\0"


def _common(key: bytes, prefix: bytes, delimiter: bytes) -> bytes | None:
    if not delimiter or not key.startswith(prefix):
        return None
    at = key.find(delimiter, len(prefix))
    return None if at < 0 else key[: at + len(delimiter)]


def _successor(prefix: bytes) -> bytes | None:
    """The smallest key after everything that begins with `prefix`; None when there is none."""
    stem = prefix.rstrip(b"\xff")
    return stem[:-1] + bytes([stem[-1] + 1]) if stem else None
