"""From OBS to the disk, back, and within OBS."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from . import obs, places

__all__ = ["copy", "copy_parallel", "rename"]

_THREADS = 16


def copy(src_url: str, dst_url: str) -> None:
    """Copy one file."""
    if dst_url.endswith("/"):
        dst_url += src_url.rpartition("/")[2]
    if obs.is_remote(src_url):
        bucket, key = obs.split(src_url)
        if obs.is_remote(dst_url):
            with tempfile.TemporaryFile() as between:
                obs.fetch(bucket, key, between)
                size = between.tell()
                between.seek(0)
                obs.put(*obs.split(dst_url), between, size)
            return
        _make_parent(dst_url)
        partial = f"{dst_url}.{os.getpid()}.partial"
        try:
            with open(partial, "wb") as target:
                obs.fetch(bucket, key, target)
            os.replace(partial, dst_url)
        finally:
            if os.path.exists(partial):
                os.remove(partial)
    elif obs.is_remote(dst_url):
        with open(src_url, "rb") as source:
            obs.put(*obs.split(dst_url), source, os.stat(src_url).st_size)
    else:
        _make_parent(dst_url)
        shutil.copyfile(src_url, dst_url)


def copy_parallel(
    src_url: str, dst_url: str, file_list: Iterable[str] | None = None, threads: int = _THREADS, **_ignored: Any
) -> None:
    """Copy what is in a directory into another, which is made; or one file to another.

    Args:
        file_list: Copy these alone, relative to the directory.
    """
    if file_list is None and not places.is_directory(src_url):
        copy(src_url, dst_url)
        return
    source, target = src_url.rstrip("/"), dst_url.rstrip("/")
    if not obs.is_remote(dst_url):
        os.makedirs(dst_url, exist_ok=True)
    names = list(file_list) if file_list is not None else list(_files(src_url))
    with ThreadPoolExecutor(max(1, threads)) as pool:
        list(pool.map(lambda name: copy(f"{source}/{name}", f"{target}/{name}"), names))


def rename(src: str, dst: str) -> None:
    """Give a file or a directory another name."""
    if not obs.is_remote(src) and not obs.is_remote(dst):
        os.rename(src, dst)
        return
    folder = places.is_directory(src)
    copy_parallel(src, dst)
    places.remove(src, recursive=folder)


def _files(path: str) -> Iterable[str]:
    if obs.is_remote(path):
        return (name for _, name in places.objects(path))
    found = (os.path.join(top, name) for top, _, files in os.walk(path) for name in files)
    return (os.path.relpath(name, path).replace(os.sep, "/") for name in found)


def _make_parent(path: str) -> None:
    parent = os.path.dirname(path)
    if parent:
        os.makedirs(parent, exist_ok=True)
