"""Signed requests: TC3-HMAC-SHA256 for the API, and the COS-like signature of the older log service."""

from __future__ import annotations

import hashlib
import hmac
import time
from collections.abc import Callable, Mapping
from urllib.parse import quote, urlsplit

from attrs import field, frozen
from requests import PreparedRequest
from requests.auth import AuthBase

__all__ = ["ClsAuth", "Credential", "Tc3Auth", "cls_signature", "tc3_signature"]

_ALGORITHM = "TC3-HMAC-SHA256"


@frozen
class Credential:
    """Who asks; `token` belongs to temporary keys."""

    secret_id: str = field(repr=False)
    secret_key: str = field(repr=False)
    token: str = field(default="", repr=False)


def tc3_signature(credential: Credential, service: str, host: str, content_type: str, body: bytes, now: int) -> str:
    """The Authorization header of a POST to `/`."""
    date = time.strftime("%Y-%m-%d", time.gmtime(now))
    request = (
        f"POST\n/\n\ncontent-type:{content_type}\nhost:{host}\n\ncontent-type;host\n{hashlib.sha256(body).hexdigest()}"
    )
    scope = f"{date}/{service}/tc3_request"
    text = f"{_ALGORITHM}\n{now}\n{scope}\n{hashlib.sha256(request.encode()).hexdigest()}"
    key = ("TC3" + credential.secret_key).encode()
    for word in (date, service, "tc3_request"):
        key = hmac.digest(key, word.encode(), "sha256")
    signature = hmac.digest(key, text.encode(), "sha256").hex()
    return (
        f"{_ALGORITHM} Credential={credential.secret_id}/{scope}, SignedHeaders=content-type;host,"
        f" Signature={signature}"
    )


class Tc3Auth(AuthBase):
    """Dates and signs a request of one service.

    Args:
        credential: Who asks.
        service: The name in the scope, such as `tione`, whatever the host is.
        clock: Answers seconds since 1970, as the service counts them.
    """

    def __init__(self, credential: Credential, service: str, clock: Callable[[], float] = time.time) -> None:
        self._credential = credential
        self._service = service
        self._clock = clock

    def __call__(self, request: PreparedRequest) -> PreparedRequest:
        headers, now = request.headers, int(self._clock())
        host = headers.setdefault("Host", urlsplit(request.url or "").netloc)
        kind = headers.setdefault("Content-Type", "application/json")
        body = request.body or b""
        content = body.encode() if isinstance(body, str) else body
        headers["X-TC-Timestamp"] = str(now)
        if self._credential.token:
            headers["X-TC-Token"] = self._credential.token
        headers["Authorization"] = tc3_signature(self._credential, self._service, str(host), str(kind), content, now)
        return request


def cls_signature(
    credential: Credential, path: str, parameters: Mapping[str, str], host: str, now: int, life: int = 300
) -> str:
    """The Authorization header of a GET to the older log service, good from a minute ago for `life` seconds."""
    span = f"{now - 60};{now + life}"
    pairs = sorted((_encode(name).lower(), _encode(value)) for name, value in parameters.items())
    query = "&".join(f"{name}={value}" for name, value in pairs)
    request = f"get\n{path}\n{query}\nhost={_encode(host)}\n"
    text = f"sha1\n{span}\n{hashlib.sha1(request.encode()).hexdigest()}\n"  # noqa: S324  the service's rule
    key = hmac.digest(credential.secret_key.encode(), span.encode(), "sha1").hex()
    signature = hmac.digest(key.encode(), text.encode(), "sha1").hex()
    names = ";".join(name for name, _ in pairs)
    return (
        f"q-sign-algorithm=sha1&q-ak={credential.secret_id}&q-sign-time={span}&q-key-time={span}"
        f"&q-header-list=host&q-url-param-list={names}&q-signature={signature}"
    )


class ClsAuth(AuthBase):
    """Signs a GET of the older log service with these parameters."""

    def __init__(
        self, credential: Credential, parameters: Mapping[str, str], clock: Callable[[], float] = time.time
    ) -> None:
        self._credential = credential
        self._parameters = parameters
        self._clock = clock

    def __call__(self, request: PreparedRequest) -> PreparedRequest:
        parts = urlsplit(request.url or "")
        host = request.headers.setdefault("Host", parts.netloc)
        signed = cls_signature(self._credential, parts.path, self._parameters, str(host), int(self._clock()))
        request.headers["Authorization"] = signed
        if self._credential.token:
            request.headers["x-cls-Token"] = self._credential.token
        return request


def _encode(text: str) -> str:
    return quote(text, safe="-_.~")
