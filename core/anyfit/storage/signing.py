"""Signatures of requests: AWS version 4, and COS' `q-sign`. Pure: the clock is passed in."""

from __future__ import annotations

import hashlib
import hmac
import time
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Protocol
from urllib.parse import quote

from anyfit.storage.settings import StoreSettings

__all__ = ["Query", "Signer", "quote_key", "sign_cos", "sign_v4"]

Query = Sequence[tuple[str, str]]


class Signer(Protocol):
    """Adds what proves who asks to `headers`, which hold `host` and all other headers in lower case."""

    def __call__(
        self, settings: StoreSettings, method: str, path: str, query: Query, headers: dict[str, str], now: float, /
    ) -> None: ...


def quote_key(path: str) -> str:
    """A key or path as it stands in a URL: everything encoded but unreserved characters and `/`."""
    return quote(path, safe="/-_.~")


def sign_v4(settings: StoreSettings, method: str, path: str, query: Query, headers: dict[str, str], now: float) -> None:
    """AWS version 4 for the service s3; `path` is encoded already, and `x-amz-content-sha256` is set."""
    moment = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(now))
    headers["x-amz-date"] = moment
    if settings.session_token:
        headers["x-amz-security-token"] = settings.session_token
    names = sorted(headers)
    signed = ";".join(names)
    pairs = "&".join(sorted(f"{_encode(name)}={_encode(value)}" for name, value in query))
    lines = "".join(f"{name}:{headers[name].strip()}\n" for name in names)
    request = f"{method}\n{path}\n{pairs}\n{lines}\n{signed}\n{headers['x-amz-content-sha256']}"
    scope = f"{moment[:8]}/{settings.region}/s3/aws4_request"
    text = f"AWS4-HMAC-SHA256\n{moment}\n{scope}\n{hashlib.sha256(request.encode()).hexdigest()}"
    key = _v4_key(settings.secret_key, moment[:8], settings.region)
    signature = hmac.digest(key, text.encode(), "sha256").hex()
    headers["authorization"] = (
        f"AWS4-HMAC-SHA256 Credential={settings.access_key}/{scope},SignedHeaders={signed},Signature={signature}"
    )


@lru_cache(maxsize=16)
def _v4_key(secret: str, day: str, region: str) -> bytes:
    key = ("AWS4" + secret).encode()
    for word in (day, region, "s3", "aws4_request"):
        key = hmac.digest(key, word.encode(), "sha256")
    return key


_COS_SIGNED = frozenset(
    {"cache-control", "content-disposition", "content-encoding", "content-type", "content-md5", "content-length"}
    | {"expect", "expires", "host", "if-match", "if-modified-since", "if-none-match", "if-unmodified-since"}
    | {"origin", "range", "transfer-encoding"}
)


def sign_cos(
    settings: StoreSettings, method: str, path: str, query: Query, headers: dict[str, str], now: float
) -> None:
    """COS' own signature; it covers the decoded path, so `path` is decoded here."""
    from urllib.parse import unquote

    if settings.session_token:
        headers["x-cos-security-token"] = settings.session_token
    signed = {name: value for name, value in headers.items() if name in _COS_SIGNED or name.startswith("x-cos-")}
    span = f"{int(now) - 60};{int(now) + 10000}"
    parameters, parameter_names = _cos_pairs(dict(query))
    lines, header_names = _cos_pairs(signed)
    request = f"{method.lower()}\n{unquote(path)}\n{parameters}\n{lines}\n"
    text = f"sha1\n{span}\n{hashlib.sha1(request.encode()).hexdigest()}\n"  # noqa: S324  the service's rule
    key = hmac.digest(settings.secret_key.encode(), span.encode(), "sha1").hex()
    signature = hmac.digest(key.encode(), text.encode(), "sha1").hex()
    headers["authorization"] = (
        f"q-sign-algorithm=sha1&q-ak={settings.access_key}&q-sign-time={span}&q-key-time={span}"
        f"&q-header-list={header_names}&q-url-param-list={parameter_names}&q-signature={signature}"
    )


def _cos_pairs(values: Mapping[str, str]) -> tuple[str, str]:
    pairs = sorted((_encode(name).lower(), _encode(value)) for name, value in values.items())
    return "&".join(f"{name}={value}" for name, value in pairs), ";".join(name for name, _ in pairs)


def _encode(text: str) -> str:
    return quote(text, safe="-_.~")
