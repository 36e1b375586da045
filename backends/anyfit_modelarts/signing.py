"""Signed calls: SDK-HMAC-SHA256 over method, path, query, headers and body."""

from __future__ import annotations

import hashlib
import hmac
import time
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timezone
from urllib.parse import parse_qsl, quote, unquote, urlsplit

from requests import PreparedRequest
from requests.auth import AuthBase

__all__ = ["ALGORITHM", "SignedAuth", "canonical_request"]

ALGORITHM = "SDK-HMAC-SHA256"
_HASH_HEADER = "X-Sdk-Content-Sha256"
_SAFE = "-_.~"
_HOP = frozenset({"connection", "content-length", "accept-encoding", "transfer-encoding", "accept", "user-agent"})
_PLAIN = ("application/json", "application/bson")


class SignedAuth(AuthBase):
    """Dates and signs a request.

    Args:
        access_key, secret_key: The key pair.
        security_token: Of temporary keys; it is sent and signed.
        project_id: Sent and signed with each call, where it is known.
        clock: Answers seconds since 1970.
    """

    def __init__(
        self,
        access_key: str,
        secret_key: str,
        *,
        security_token: str = "",
        project_id: str = "",
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._access_key = access_key
        self._secret_key = secret_key
        self._security_token = security_token
        self._project_id = project_id
        self._clock = clock

    def __call__(self, request: PreparedRequest) -> PreparedRequest:
        headers = request.headers
        headers.pop("Authorization", None)  # a repeated request has that of the time before
        headers["X-Sdk-Date"] = datetime.fromtimestamp(self._clock(), timezone.utc).strftime("%Y%m%dT%H%M%SZ")
        headers.setdefault("Host", urlsplit(request.url or "").netloc)
        if self._project_id:
            headers["X-Project-Id"] = self._project_id
        if self._security_token:
            headers["X-Security-Token"] = self._security_token
        if not str(headers.get("Content-Type") or _PLAIN[0]).startswith(_PLAIN):
            headers[_HASH_HEADER] = "UNSIGNED-PAYLOAD"
        signed = _signed_headers({name: str(value) for name, value in headers.items()})
        body = request.body if isinstance(request.body, bytes) else (request.body or "").encode()
        canonical = canonical_request(request.method or "GET", request.url or "", signed, body)
        digest = hashlib.sha256(canonical.encode()).hexdigest()
        text = f"{ALGORITHM}\n{headers['X-Sdk-Date']}\n{digest}"
        made = hmac.new(self._secret_key.encode(), text.encode(), hashlib.sha256).hexdigest()
        headers["Authorization"] = (
            f"{ALGORITHM} Access={self._access_key}, SignedHeaders={';'.join(signed)}, Signature={made}"
        )
        return request


def canonical_request(method: str, url: str, signed: Mapping[str, str], body: bytes) -> str:
    """What is signed; `signed` are the headers by their lower-case names, in order."""
    parts = urlsplit(url)
    lines = [f"{name}:{value.strip()}\n" for name, value in signed.items()]
    payload = signed.get(_HASH_HEADER.lower()) if body else None
    return "\n".join(
        [
            method.upper(),
            _path(parts.path),
            _query(parse_qsl(parts.query, keep_blank_values=True)),
            "".join(lines),
            ";".join(signed),
            payload or hashlib.sha256(body).hexdigest(),
        ]
    )


def _signed_headers(headers: Mapping[str, str]) -> dict[str, str]:
    """All but those that a proxy on the way may change or drop."""
    names = sorted((name.lower(), name) for name in headers if "_" not in name)
    return {lower: headers[name] for lower, name in names if lower not in _HOP}


def _path(path: str) -> str:
    coded = quote(unquote(path), safe=f"/{_SAFE}")
    return coded if coded.endswith("/") else f"{coded}/"


def _query(pairs: Iterable[tuple[str, str]]) -> str:
    return "&".join(f"{quote(name, safe=_SAFE)}={quote(value, safe=_SAFE)}" for name, value in sorted(pairs))
