"""OBS over HTTP, signed in the old way of S3, by the standard library alone."""

from __future__ import annotations

import base64
import hashlib
import hmac
import http.client
import os
import shutil
import threading
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator
from email.utils import formatdate
from typing import IO, Any, NamedTuple
from urllib.parse import quote, urlsplit

__all__ = ["Entry", "delete", "fetch", "head", "is_remote", "listing", "put", "set_auth", "split"]

_SCHEMES = ("s3://", "obs://")
_CHUNK = 1 << 20
_local = threading.local()
_given: dict[str, Any] = {}


class Entry(NamedTuple):
    """An object, or (`size` is None) a directory of a listing that does not go deeper."""

    key: str
    size: int | None
    modified: str


def set_auth(
    ak: str | None = None,
    sk: str | None = None,
    server: str | None = None,
    is_secure: bool | None = None,
    **_ignored: Any,
) -> None:
    """Use other keys or another server than the environment's."""
    told = {"ak": ak, "sk": sk, "server": server, "is_secure": is_secure}
    _given.update({name: value for name, value in told.items() if value is not None})
    _local.__dict__.clear()


def is_remote(path: Any) -> bool:
    """Whether it is a place in OBS."""
    return isinstance(path, str) and path.startswith(_SCHEMES)


def split(path: str) -> tuple[str, str]:
    """Bucket and key."""
    bucket, _, key = path.partition("://")[2].partition("/")
    return bucket, key


def head(bucket: str, key: str) -> dict[str, str] | None:
    """The headers of an object, names in small letters; None if there is none."""
    status, headers, _ = _ask("HEAD", bucket, key)
    if status == 404:
        return None
    _must(status, bucket, key, b"")
    return headers


def fetch(bucket: str, key: str, target: IO[bytes]) -> None:
    """Write an object's content to a stream."""
    status, _, content = _ask("GET", bucket, key, into=target)
    _must(status, bucket, key, content)


def put(bucket: str, key: str, source: IO[bytes], size: int) -> None:
    """Make an object of a stream."""
    status, _, content = _ask("PUT", bucket, key, body=source, size=size)
    _must(status, bucket, key, content)


def delete(bucket: str, key: str) -> None:
    """Remove an object."""
    status, _, content = _ask("DELETE", bucket, key)
    _must(status, bucket, key, content)


def listing(bucket: str, prefix: str, *, deep: bool) -> Iterator[Entry]:
    """Everything below a prefix, in the order of names; without `deep` one level of it."""
    marker = ""
    while True:
        query = f"prefix={quote(prefix, safe='')}&marker={quote(marker, safe='')}&max-keys=1000"
        status, _, content = _ask("GET", bucket, "", query + ("" if deep else "&delimiter=%2F"))
        _must(status, bucket, prefix, content)
        page = ElementTree.fromstring(content)
        found = [
            *(
                Entry(_text(item, "Key"), int(_text(item, "Size")), _text(item, "LastModified"))
                for item in _all(page, "Contents")
            ),
            *(Entry(_text(item, "Prefix"), None, "") for item in _all(page, "CommonPrefixes")),
        ]
        yield from sorted(found)
        if _text(page, "IsTruncated") != "true" or not found:
            return
        marker = _text(page, "NextMarker") or max(entry.key for entry in found)


def _ask(
    method: str,
    bucket: str,
    key: str,
    query: str = "",
    body: IO[bytes] | None = None,
    size: int = 0,
    into: IO[bytes] | None = None,
) -> tuple[int, dict[str, str], bytes]:
    path = f"/{bucket}/{quote(key, safe='/~')}" if key else f"/{bucket}"
    start = body.tell() if body else 0
    for attempt in (0, 1):
        connection = _connection()
        try:
            connection.request(method, f"{path}?{query}" if query else path, body, _signed(method, path, size, body))
            answer = connection.getresponse()
            if into is not None and answer.status == 200:
                shutil.copyfileobj(answer, into, _CHUNK)
                return answer.status, {}, b""
            headers = {name.lower(): value for name, value in answer.getheaders()}
            return answer.status, headers, answer.read()
        except (ConnectionError, http.client.HTTPException):
            _local.__dict__.clear()  # the server closes connections that were idle for long
            if attempt:
                raise
            if body:
                body.seek(start)
            if into is not None:
                into.seek(0)
                into.truncate()
    raise AssertionError("the second attempt either answers or raises")


def _signed(method: str, path: str, size: int, body: IO[bytes] | None) -> dict[str, str]:
    date = formatdate(usegmt=True)
    token = os.environ.get("AWS_SESSION_TOKEN", "")
    special = f"x-amz-security-token:{token}\n" if token else ""
    text = f"{method}\n\n\n{date}\n{special}{path}"
    secret = _given.get("sk") or os.environ.get("S3_SECRET_ACCESS_KEY") or os.environ.get("AWS_SECRET_ACCESS_KEY", "")
    access = _given.get("ak") or os.environ.get("S3_ACCESS_KEY_ID") or os.environ.get("AWS_ACCESS_KEY_ID", "")
    digest = base64.b64encode(hmac.new(secret.encode(), text.encode(), hashlib.sha1).digest()).decode()
    headers = {"Date": date, "Authorization": f"AWS {access}:{digest}"}
    if token:
        headers["x-amz-security-token"] = token
    if body is not None:
        headers["Content-Length"] = str(size)
    return headers


def _connection() -> http.client.HTTPConnection:
    if not hasattr(_local, "connection"):
        server = _given.get("server") or os.environ.get("S3_ENDPOINT", "")
        secure = _given.get("is_secure", os.environ.get("S3_USE_HTTPS", "1") == "1")
        url = urlsplit(server if "://" in server else f"{'https' if secure else 'http'}://{server}")
        kind = http.client.HTTPSConnection if url.scheme == "https" else http.client.HTTPConnection
        _local.connection = kind(url.netloc, timeout=60)
    connection: http.client.HTTPConnection = _local.connection
    return connection


def _must(status: int, bucket: str, key: str, content: bytes) -> None:
    if status == 404:
        raise FileNotFoundError(f"obs://{bucket}/{key}")
    if status >= 300:
        raise OSError(f"obs://{bucket}/{key}: HTTP {status} {content[:300].decode('utf-8', 'replace')}")


def _all(element: ElementTree.Element, name: str) -> list[ElementTree.Element]:
    return [child for child in element if child.tag.rpartition("}")[2] == name]


def _text(element: ElementTree.Element, name: str) -> str:
    return next((child.text or "" for child in _all(element, name)), "")
