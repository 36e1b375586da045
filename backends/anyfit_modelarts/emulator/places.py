"""The spellings of a place in OBS (reference, section 6.2).

/bucket/key/                     in bodies of the training APIs
obs://bucket/key/                in some of them as well
s3://bucket/key/                 in containers, and everywhere in here
https://bucket.obs.host/key/     in bodies of the model API
"""

from __future__ import annotations

import re

__all__ = ["NoPlace", "as_directory", "last_name", "to_path", "to_s3"]

_PATH = re.compile(r"/([^/]+)(?:/(.*))?", re.DOTALL)
_URI = re.compile(r"(?:s3|obs)://([^/]+)(?:/(.*))?", re.DOTALL)
_URL = re.compile(r"https?://([a-z0-9][a-z0-9.-]*?)\.obs[.-][^/]*(?:/(.*))?", re.DOTALL)


class NoPlace(ValueError):
    """A text that spells no place in OBS."""


def to_s3(text: object) -> str:
    """The place as `s3://bucket/key`, whatever its spelling; a slash at its end is kept.

    Raises:
        NoPlace: It is none.
    """
    if isinstance(text, str):
        for pattern in (_PATH, _URI, _URL):
            if match := pattern.fullmatch(text):
                return f"s3://{match[1]}/{match[2] or ''}"
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
