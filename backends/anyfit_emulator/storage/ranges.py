"""The Range header."""

from __future__ import annotations

import re

from anyfit_emulator.storage.errors import StoreError

__all__ = ["parse_copy_range", "parse_range"]

_RANGE = re.compile(r"bytes=([0-9]*)-([0-9]*)")


def parse_range(header: str, size: int) -> tuple[int, int] | None:
    """Offset and length of the range, or None when the header is to be ignored.

    Raises:
        StoreError: Nothing of the range exists.
    """
    match = _RANGE.fullmatch(header.replace(" ", ""))
    if match is None or match.group(1) == match.group(2) == "":
        return None
    first, last = match.groups()
    if not first:
        start, end = max(0, size - int(last)), size
    else:
        start, end = int(first), min(int(last) + 1, size) if last else size
        if last and int(last) < start:
            return None
    if start >= size or start >= end:
        details = {"RangeRequested": header, "ActualObjectSize": str(size)}
        raise StoreError("InvalidRange", details=details, headers=[("Content-Range", f"bytes */{size}")])
    return start, end - start


def parse_copy_range(header: str, size: int) -> tuple[int, int]:
    """Offset and length of the range of a copy's source, which has to name both ends.

    Raises:
        StoreError: It does not, or the source ends before it.
    """
    match = _RANGE.fullmatch(header)
    if match is None or "" in match.groups():
        raise StoreError("InvalidArgument", "The range of a copy's source must be of the form bytes=first-last.")
    first, last = int(match[1]), int(match[2])
    if not first <= last < size:
        raise StoreError("InvalidArgument", f"Range specified is not valid for source object of size: {size}")
    return first, last + 1 - first
