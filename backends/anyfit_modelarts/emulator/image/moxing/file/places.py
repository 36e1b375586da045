"""What there is: looking at places, making and removing them."""

from __future__ import annotations

import fnmatch
import glob as local_glob
import os
import shutil
from calendar import timegm
from collections.abc import Iterator
from email.utils import parsedate
from io import BytesIO
from typing import Any, NamedTuple

from . import obs

__all__ = [
    "Stat",
    "exists",
    "get_size",
    "glob",
    "is_directory",
    "list_directory",
    "make_dirs",
    "mk_dir",
    "objects",
    "remove",
    "scan_dir",
    "stat",
    "walk",
]


class Stat(NamedTuple):
    """What `stat` answers."""

    length: int
    mtime_nsec: int
    is_directory: bool


def exists(path: str) -> bool:
    """Whether there is a file or a directory."""
    if not obs.is_remote(path):
        return os.path.exists(path)
    bucket, key = obs.split(path)
    return (bool(key) and obs.head(bucket, key) is not None) or is_directory(path)


def is_directory(path: str) -> bool:
    """Whether it is a directory, which in OBS is whatever something lies below."""
    if not obs.is_remote(path):
        return os.path.isdir(path)
    bucket, prefix = _directory(path)
    try:
        return next(obs.listing(bucket, prefix, deep=True), None) is not None or not prefix
    except FileNotFoundError:
        return False


def list_directory(path: str, recursive: bool = False) -> list[str]:
    """Names below a directory, relative to it; those of directories without a slash."""
    if not obs.is_remote(path):
        if not recursive:
            return sorted(os.listdir(path))
        found = [(top, name) for top, folders, files in os.walk(path) for name in (*folders, *files)]
        return sorted(os.path.relpath(os.path.join(top, name), path) for top, name in found)
    bucket, prefix = _directory(path)
    names = set()
    for entry in obs.listing(bucket, prefix, deep=recursive):
        parts = entry.key[len(prefix) :].strip("/").split("/")
        names |= {"/".join(parts[: depth + 1]) for depth in range(len(parts)) if parts[0]}
    if not names and not is_directory(path):
        raise FileNotFoundError(path)
    return sorted(names)


def scan_dir(path: str) -> list[str]:
    """The same, not recursive."""
    return list_directory(path)


def objects(path: str) -> Iterator[tuple[str, str]]:
    """Every object below a directory of OBS, and its name relative to it; markers of folders are left out."""
    bucket, prefix = _directory(path)
    for entry in obs.listing(bucket, prefix, deep=True):
        if not entry.key.endswith("/"):
            yield entry.key, entry.key[len(prefix) :]


def make_dirs(path: str) -> None:
    """Make a directory and those above it; it may exist."""
    if obs.is_remote(path):
        bucket, prefix = _directory(path)
        if prefix:
            obs.put(bucket, prefix, BytesIO(), 0)
    else:
        os.makedirs(path, exist_ok=True)


mk_dir = make_dirs


def remove(path: str, recursive: bool = False) -> None:
    """Remove a file, or with `recursive` a directory with everything in it."""
    if not obs.is_remote(path):
        if recursive and os.path.isdir(path):
            shutil.rmtree(path)
        else:
            os.remove(path)
        return
    bucket, key = obs.split(path)
    if not recursive:
        if obs.head(bucket, key) is None:
            raise FileNotFoundError(path)
        obs.delete(bucket, key)
        return
    _, prefix = _directory(path)
    for entry in list(obs.listing(bucket, prefix, deep=True)):
        obs.delete(bucket, entry.key)
    if key and not key.endswith("/"):
        obs.delete(bucket, key)


def get_size(path: str, recursive: bool = False) -> int:
    """Bytes of a file, or with `recursive` of everything in a directory."""
    if recursive:
        return sum(
            get_size(f"{path.rstrip('/')}/{name}") for name in list_directory(path, True) if _is_file(path, name)
        )
    return stat(path).length


def stat(path: str) -> Stat:
    """Size and time of a file or a directory."""
    if not obs.is_remote(path):
        found = os.stat(path)
        return Stat(found.st_size, found.st_mtime_ns, os.path.isdir(path))
    bucket, key = obs.split(path)
    headers = obs.head(bucket, key) if key and not key.endswith("/") else None
    if headers is None:
        if not is_directory(path):
            raise FileNotFoundError(path)
        return Stat(0, 0, True)
    moment = parsedate(headers.get("last-modified", "")) or (1970, 1, 1, 0, 0, 0, 0, 0, 0)
    return Stat(int(headers.get("content-length", 0)), timegm(moment) * 10**9, False)


def glob(pattern: str) -> list[str]:
    """Paths that fit a pattern; `*` and `?` do not go beyond a slash."""
    if not obs.is_remote(pattern):
        return sorted(local_glob.glob(pattern))
    scheme = pattern.partition("://")[0]
    bucket, wanted = obs.split(pattern)
    prefix = wanted
    for sign in "*?[":
        prefix = prefix.partition(sign)[0]
    parts = wanted.strip("/").split("/")
    found = set()
    for entry in obs.listing(bucket, prefix, deep=True):
        words = entry.key.split("/")[: len(parts)]
        if len(words) == len(parts) and all(map(fnmatch.fnmatchcase, words, parts)):
            found.add(f"{scheme}://{bucket}/{'/'.join(words)}")
    return sorted(found)


def walk(top: str, *_: Any) -> Iterator[tuple[str, list[str], list[str]]]:
    """As `os.walk` does it, from above."""
    if not obs.is_remote(top):
        yield from os.walk(top)
        return
    bucket, prefix = _directory(top)
    folders: list[str] = []
    files: list[str] = []
    for entry in obs.listing(bucket, prefix, deep=False):
        name = entry.key[len(prefix) :].rstrip("/")
        if name:
            (folders if entry.key.endswith("/") else files).append(name)
    yield top, folders, files
    for folder in folders:
        yield from walk(f"{top.rstrip('/')}/{folder}")


def _directory(path: str) -> tuple[str, str]:
    bucket, key = obs.split(path)
    return bucket, key if not key or key.endswith("/") else key + "/"


def _is_file(path: str, name: str) -> bool:
    return not is_directory(f"{path.rstrip('/')}/{name}")
