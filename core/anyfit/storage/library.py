"""What boto3 and cos-python-sdk-v5 have in common: the words of S3 for ranges and parts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from anyfit.storage.api import UNSAID
from anyfit.storage.kinds import content_type
from anyfit.storage.retry import Unsteady
from anyfit.storage.store import Entry, Part
from anyfit.values import evolve

__all__ = ["copied", "kept", "part_of", "rows_of", "wanted", "whole"]

_KEPT = ("CacheControl", "ContentDisposition", "ContentEncoding", "ContentLanguage", "ContentType", "Expires")


def wanted(start: int, length: int | None, etag: str) -> dict[str, str]:
    """The arguments that ask for a range of one version of an object."""
    asked: dict[str, str] = {}
    if start or length is not None:
        asked["Range"] = f"bytes={start}-" + ("" if length is None else str(start + length - 1))
    if etag:
        asked["IfMatch"] = f'"{etag}"'
    return asked


def kept(key: str, checksum: str, name: str) -> dict[str, Any]:
    """The arguments for what the service keeps beside the bytes of an object; `name` is the checksum's."""
    arguments: dict[str, Any] = {}
    if kind := content_type(key):
        arguments["ContentType"] = kind
    if checksum:
        arguments["Metadata"] = {name: checksum}
    return arguments


def copied(answer: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments that make a copy in parts keep what an answer tells of its source, but for metadata.

    A service copies this by itself only with the whole object at once.
    """
    told = {name.replace("-", "").lower(): value for name, value in answer.items()}
    return {name: value for name in _KEPT if (value := told.get(name.lower()))}


def whole(entry: Entry, content_range: str, start: int, length: int | None, place: str) -> Entry:
    """The entry of the whole object, from that of an answer with a range of it.

    Raises:
        Unsteady: The answer has another length than the range that was asked for, or does not say which.
    """
    sent = entry.size
    if sent == UNSAID:
        raise Unsteady(f"read {place}: the answer does not say how long it is")
    if total := content_range.rpartition("/")[2]:
        entry = evolve(entry, size=int(total))
    rest = max(0, entry.size - start)
    if sent != (rest if length is None else min(length, rest)):
        raise Unsteady(f"read {place}: {sent} bytes announced, which is not the range asked for")
    return entry


def part_of(row: Mapping[str, Any]) -> Part:
    """A part as a listing has it."""
    return Part(int(row["PartNumber"]), row["ETag"].strip('"'), int(row["Size"]), row.get("ChecksumCRC32", ""))


def rows_of(parts: Iterable[Part]) -> list[dict[str, Any]]:
    """Parts as the request that makes them an object names them."""
    return [
        {"PartNumber": part.number, "ETag": f'"{part.etag}"'} | ({"ChecksumCRC32": part.crc32} if part.crc32 else {})
        for part in parts
    ]
