"""Signed predictions: WS-HMAC-SHA1 over the values of some headers, and nothing else of the request."""

from __future__ import annotations

import base64
import hashlib
import hmac
import time
from collections.abc import Callable
from email.utils import formatdate
from urllib.parse import urlsplit

from requests import PreparedRequest
from requests.auth import AuthBase

__all__ = ["PredictionAuth", "signature"]

_SIGNED = ("host", "content-type", "date")


def signature(secret_key: str, values: list[str]) -> str:
    """The signature of header values, in the ordinary base64 alphabet as the vendor's sample program has it."""
    digest = hmac.new(secret_key.encode(), "\n".join(values).encode(), hashlib.sha1).digest()
    return base64.b64encode(digest).decode()


class PredictionAuth(AuthBase):
    """Dates and signs a request; a Host header that is set already is kept.

    Args:
        access_key, secret_key: The account's key pair.
        clock: Answers seconds since 1970.
    """

    def __init__(self, access_key: str, secret_key: str, clock: Callable[[], float] = time.time) -> None:
        self._access_key = access_key
        self._secret_key = secret_key
        self._clock = clock

    def __call__(self, request: PreparedRequest) -> PreparedRequest:
        headers = request.headers
        headers.setdefault("Host", urlsplit(request.url or "").netloc)
        headers.setdefault("Content-Type", "application/json")
        headers["Date"] = formatdate(self._clock(), usegmt=True)
        made = signature(self._secret_key, [str(headers[name]) for name in _SIGNED])
        headers["Authorization"] = (
            f"WS-HMAC-SHA1 AK={self._access_key},SignedHeaders={';'.join(_SIGNED)},Signature={made}"
        )
        return request
