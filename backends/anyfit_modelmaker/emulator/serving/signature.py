"""Signed predictions: `WS-HMAC-SHA1 AK=…,SignedHeaders=…,Signature=…` (reference, section 10)."""

from __future__ import annotations

import hashlib
import hmac
import re
from base64 import b64encode
from collections.abc import Callable, Mapping

__all__ = ["is_signed"]

_SCHEME = re.compile(r"WS-HMAC-SHA1\s+AK=([^,\s]+)\s*,\s*SignedHeaders=([^,\s]+)\s*,\s*Signature=([^,\s]+)\s*")
_ALWAYS = frozenset({"host", "content-type", "date"})


def is_signed(headers: Mapping[str, str], secret_of: Callable[[str], str | None]) -> bool:
    """Whether a request (headers by lower-case name) carries a good signature of keys that are known."""
    match = _SCHEME.fullmatch(headers.get("authorization", "").strip())
    if not match:
        return False
    names = match[2].lower().split(";")
    secret = secret_of(match[1])
    if secret is None or not set(names) >= _ALWAYS or any(name not in headers for name in names):
        return False
    text = "\n".join(headers[name] for name in names)
    digest = hmac.new(secret.encode(), text.encode("utf-8", "surrogateescape"), hashlib.sha1).digest()
    given = match[3].replace("-", "+").replace("_", "/")  # the URL-safe alphabet is as good
    return hmac.compare_digest(given.encode(), b64encode(digest))
