"""The Range header."""

from __future__ import annotations

import re

from anyfit_emulator.storage.errors import StoreError

__all__ = ["parse_range"]

_RANGE = re.compile(r"bytes=(\d*)-(\d*)")


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
