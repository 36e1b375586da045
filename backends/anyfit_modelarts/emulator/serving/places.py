"""Where something lies in the object store, in any of the spellings that this cloud knows (reference, section 6.2)."""

from __future__ import annotations

import re
from urllib.parse import unquote

__all__ = ["store_uri"]

_ADDRESS = re.compile(r"localhost|\d+(\.\d+){3}")
_DOMAINS = ("obs.", "localhost", "127.0.0.1")  # behind a bucket's name


def store_uri(text: str) -> str | None:
    """`obs://bucket/key` for any spelling; None if it is none.

    `https://bucket.obs.region.host/key`, with an address of numbers in place of the host's name
    `http://127.0.0.1:port/bucket/key`, `obs://bucket/key`, `s3://bucket/key` and `/bucket/key` mean the same.
    """
    if text.startswith("/"):
        bucket, _, key = text[1:].partition("/")
        return _uri(bucket, key)
    scheme, _, rest = text.partition("://")
    authority, _, key = rest.partition("/")
    if scheme in ("obs", "s3"):
        return _uri(authority, key)
    if scheme not in ("http", "https"):
        return None
    host = authority.rpartition("@")[2].partition(":")[0].lower()
    path = unquote(key.partition("?")[0].partition("#")[0])
    if _ADDRESS.fullmatch(host):
        bucket, _, key = path.partition("/")
        return _uri(bucket, key)
    bucket, _, domain = host.partition(".")
    return _uri(bucket, path) if domain.startswith(_DOMAINS) else None


def _uri(bucket: str, key: str) -> str | None:
    return f"obs://{bucket}/{key}" if re.fullmatch(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]", bucket) else None
