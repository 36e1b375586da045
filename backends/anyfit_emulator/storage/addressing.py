"""Which bucket and key does a request mean?"""

from __future__ import annotations

from urllib.parse import unquote

from attrs import frozen

from anyfit_emulator.storage.errors import StoreError

__all__ = ["Address", "address_of", "copy_source"]

_MARKS = (".cos.", ".obs.", ".s3.", ".s3-")


@frozen
class Address:
    """A bucket and a key, "" for none.

    Attributes:
        in_host: Whether the bucket stood in the host name.
    """

    bucket: str
    key: str
    in_host: bool


def address_of(host: str, path: str, suffixes: tuple[str, ...]) -> Address:
    """Read `bucket.<suffix>` and the vendors' host names; anything else is path style.

    Args:
        host: The Host header.
        path: The path as sent.
        suffixes: Host names that buckets may be put in front of.
    """
    bucket = _bucket_in(host, suffixes)
    decoded = _decode(path[1:])
    if bucket:
        return Address(bucket, decoded, True)
    bucket, _, key = decoded.partition("/")
    return Address(bucket, key, False)


def copy_source(value: str, suffixes: tuple[str, ...]) -> tuple[str, str]:
    """Bucket and key of a copy's source, spelled `/bucket/key` or, for COS, `bucket.host/key`."""
    path, _, version = value.partition("?versionId=")
    if version not in ("", "null"):
        raise StoreError("NotImplemented")
    host, slash, key = _decode(path).removeprefix("/").partition("/")
    if not slash or not host or not key:
        raise StoreError("InvalidArgument", "The copy source must be a bucket and a key.")
    return _bucket_in(host, suffixes) or host, key


def _bucket_in(host: str, suffixes: tuple[str, ...]) -> str:
    name = host.rpartition(":")[0] if host.rpartition(":")[2].isdigit() else host
    for suffix in suffixes:
        if name.endswith(f".{suffix}"):
            return name[: -len(suffix) - 1]
    for mark in _MARKS:
        bucket, found, _ = name.partition(mark)
        if found:
            return "" if bucket == "service" else bucket
    return ""


def _decode(text: str) -> str:
    try:
        return unquote(text, errors="strict").encode().decode()
    except UnicodeError:
        raise StoreError("InvalidURI", "The key is not UTF-8.") from None
