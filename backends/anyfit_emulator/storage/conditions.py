"""Conditional requests: `If-Match` and its relatives."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from email.utils import parsedate_to_datetime

from anyfit_emulator.storage.errors import StoreError
from anyfit_emulator.storage.values import ObjectInfo

__all__ = ["check_read", "delete_check", "write_check"]


def check_read(info: ObjectInfo, headers: Mapping[str, str], prefix: str = "") -> None:
    """Refuse a read whose conditions do not hold; with `prefix`, those of a copy's source.

    Raises:
        StoreError: `NotModified` or `PreconditionFailed`.
    """
    modified = info.mtime_ns // 1_000_000_000
    match, unless = headers.get(f"{prefix}if-match"), headers.get(f"{prefix}if-none-match")
    since, before = headers.get(f"{prefix}if-modified-since"), headers.get(f"{prefix}if-unmodified-since")
    unchanged = StoreError("PreconditionFailed") if prefix else StoreError("NotModified")
    unchanged.headers = [("ETag", f'"{info.etag}"')]
    if match is not None:
        if not _matches(info.etag, match):
            raise StoreError("PreconditionFailed", details={"Condition": "If-Match"})
    elif before is not None and modified > _seconds(before):
        raise StoreError("PreconditionFailed", details={"Condition": "If-Unmodified-Since"})
    if unless is not None:
        if _matches(info.etag, unless):
            raise unchanged
    elif since is not None and modified <= _seconds(since):
        raise unchanged


def write_check(headers: Mapping[str, str], forbid_overwrite: str = "") -> Callable[[ObjectInfo | None], None]:
    """Make the check that a put has to pass against the object that is there, if any."""
    match, unless = headers.get("if-match"), headers.get("if-none-match")

    def check(current: ObjectInfo | None) -> None:
        if match is not None and current is None:
            raise StoreError("NoSuchKey")
        if match is not None and current is not None and not _matches(current.etag, match):
            raise StoreError("PreconditionFailed", details={"Condition": "If-Match"})
        if unless is not None and current is not None and _matches(current.etag, unless):
            raise StoreError("PreconditionFailed", details={"Condition": "If-None-Match"})
        if forbid_overwrite.lower() == "true" and current is not None:
            raise StoreError("FileAlreadyExists")

    return check


def delete_check(match: str) -> Callable[[ObjectInfo | None], None]:
    """Make the check that a deletion has to pass against the object that is there, if any; "" is no condition."""

    def check(current: ObjectInfo | None) -> None:
        if match and (current is None or not _matches(current.etag, match)):
            raise StoreError("PreconditionFailed", details={"Condition": "If-Match"})

    return check


def _matches(etag: str, wanted: str) -> bool:
    return any(one in ("*", etag) for one in (word.strip().strip('"') for word in wanted.split(",")))


def _seconds(text: str) -> float:
    try:
        return parsedate_to_datetime(text).timestamp()
    except ValueError:
        raise StoreError("InvalidArgument", f"{text!r} is no HTTP date.") from None
