"""The spellings of a place in OBS (reference, section 6.2).

/bucket/key/                     in bodies of the training APIs
obs://bucket/key/                in some of them as well
s3://bucket/key/                 in containers, and everywhere in here
https://bucket.obs.host/key/     in bodies of the model API
http://127.0.0.1:80/bucket/key/  the same where the host is this machine
"""

from __future__ import annotations

import re
from urllib.parse import unquote

__all__ = ["NoPlace", "as_directory", "last_name", "to_path", "to_s3"]

_PATH = re.compile(r"/([^/]+)(?:/(.*))?", re.DOTALL)
_URI = re.compile(r"(?:s3|obs)://([^/]+)(?:/(.*))?", re.DOTALL)
_URL = re.compile(r"https?://([a-z0-9][a-z0-9.-]*?)\.obs[.-][^/]*(?:/(.*))?", re.DOTALL)
_LOCAL = re.compile(r"https?://(?:localhost|[0-9]+(?:\.[0-9]+){3})(?::[0-9]+)?/([^/]+)(?:/(.*))?", re.DOTALL)
_ENCODED = (_URL, _LOCAL)


class NoPlace(ValueError):
    """A text that spells no place in OBS."""


def to_s3(text: object) -> str:
    """The place as `s3://bucket/key`, whatever its spelling; a slash at its end is kept.

    Raises:
        NoPlace: It is none.
    """
    if isinstance(text, str):
        for pattern in (_PATH, _URI, _URL, _LOCAL):
            if match := pattern.fullmatch(text):
                key = match[2] or ""
                return f"s3://{match[1]}/{unquote(key) if pattern in _ENCODED else key}"
    raise NoPlace(f"{text!r} is no OBS path such as /bucket/folder/")


def to_path(uri: str) -> str:
    """`s3://bucket/key` as `/bucket/key`."""
    return "/" + uri.partition("://")[2]


def as_directory(uri: str) -> str:
    """The place with a slash at its end."""
    return uri if uri.endswith("/") else uri + "/"


def last_name(uri: str) -> str:
    """The last directory's or file's name; the bucket's where there is no other."""
    return uri.rstrip("/").rpartition("/")[2]
