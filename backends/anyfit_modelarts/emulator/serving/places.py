"""Where something lies in the object store, in any of the spellings that this cloud knows (reference, section 6.2)."""

from __future__ import annotations

import re
from urllib.parse import unquote, urlsplit

__all__ = ["store_uri"]

_ADDRESS = re.compile(r"localhost|\[[0-9a-f:]+\]|\d+(\.\d+){3}")


def store_uri(text: str) -> str | None:
    """`obs://bucket/key` for any spelling; None if it is none.

    `https://bucket.obs.region.host/key`, with an address of numbers in place of the host's name
    `http://127.0.0.1:port/bucket/key`, `obs://bucket/key`, `s3://bucket/key` and `/bucket/key` mean the same.
    """
    if text.startswith("/"):
        bucket, _, key = text[1:].partition("/")
        return _uri(bucket, key)
    parts = urlsplit(text)
    if parts.scheme in ("obs", "s3"):
        return _uri(parts.netloc, text.partition("://")[2].partition("/")[2])
    if parts.scheme not in ("http", "https") or not parts.hostname:
        return None
    path = unquote(parts.path).lstrip("/")
    if _ADDRESS.fullmatch(parts.netloc.rpartition("@")[2].rsplit(":", 1)[0] if parts.port else parts.netloc):
        bucket, _, key = path.partition("/")
        return _uri(bucket, key)
    bucket, dot, host = parts.hostname.partition(".")
    known = host == "localhost" or host.startswith(("obs.", "127.0.0.1"))
    return _uri(bucket, path) if dot and known else None


def _uri(bucket: str, key: str) -> str | None:
    return f"obs://{bucket}/{key}" if re.fullmatch(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]", bucket) else None
