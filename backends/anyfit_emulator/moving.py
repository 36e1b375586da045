"""Within the object store, and between it and the directories of containers, in the emulator's own process.

Markers (keys that end in a slash) are never made and never copied: they stand for folders in consoles, not for files.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

from anyfit_emulator.storage.digests import Digests
from anyfit_emulator.storage.errors import StoreError
from anyfit_emulator.storage.listing import Entry
from anyfit_emulator.storage.store import ObjectStore, StaleIndex
from anyfit_emulator.storage.values import Meta

__all__ = ["Cancelled", "Missing", "copy", "download", "entries", "remove", "split_uri", "upload"]

_CHUNK = 1 << 20
_PAGE = 1000


class Missing(Exception):
    """There is no such bucket, object or prefix, or nothing in it; the message says which."""


class Cancelled(Exception):
    """Somebody asked for an end in the middle."""


def split_uri(uri: str) -> tuple[str, str]:
    """Bucket and key (or prefix) of `s3://bucket/key`, whatever the scheme."""
    bucket, _, key = uri.partition("://")[2].partition("/")
    return bucket, key


def entries(store: ObjectStore, bucket: str, prefix: str) -> Iterator[Entry]:
    """Every object below a prefix, markers left out."""
    after: str | None = ""
    while after is not None:
        page = store.page(bucket, prefix, "", after, _PAGE)
        yield from (entry for entry in page.entries if not entry[0].endswith(b"/"))
        after = None if page.next is None else page.next.decode()


def download(store: ObjectStore, uri: str, directory: Path, cancelled: Callable[[], bool] = lambda: False) -> int:
    """Copy an object, or everything below a prefix with or without its last slash; answers how many files.

    Raises:
        Missing: There is nothing.
        Cancelled: `cancelled` said so.
    """
    bucket, key = split_uri(uri)
    try:
        names = list(_sources(store, bucket, key))
    except StoreError as error:
        raise Missing(f"{uri}: {error.message or error.code}") from error
    if not names:
        raise Missing(f"{uri}: there is no such object, and nothing below it")
    for name, relative in names:
        if cancelled():
            raise Cancelled
        target = directory / relative
        if not target.resolve().is_relative_to(directory.resolve()):
            raise Missing(f"{uri}: {name!r} cannot be a file below a directory")
        target.parent.mkdir(parents=True, exist_ok=True)
        _fetch(store, bucket, name, target)
    return len(names)


def upload(store: ObjectStore, directory: Path, uri: str, known: dict[str, tuple[int, int]] | None = None) -> int:
    """Copy every file below a directory to below a prefix; answers how many.

    Args:
        known: Which files were copied before, with time and size; those are left out, and new ones are added.

    Raises:
        Missing: There is no such bucket.
    """
    bucket, prefix = split_uri(uri)
    prefix = prefix if not prefix or prefix.endswith("/") else prefix + "/"
    count = 0
    for folder, _, names in os.walk(directory):
        for name in names:
            file = Path(folder, name)
            if not file.is_file():
                continue
            relative = file.relative_to(directory).as_posix()
            stat = file.stat()
            seen = (stat.st_mtime_ns, stat.st_size)
            if known is None or known.get(relative) != seen:
                _put(store, file, bucket, prefix + relative, uri)
                count += 1
                if known is not None:
                    known[relative] = seen
    return count


def copy(store: ObjectStore, uri: str, target: str, cancelled: Callable[[], bool] = lambda: False) -> int:
    """Copy everything below a prefix to below another one; answers how many objects.

    Raises:
        Missing: There is nothing, or no bucket to copy it to.
        Cancelled: `cancelled` said so.
    """
    (bucket, prefix), (to, below) = split_uri(uri), split_uri(target)
    try:
        keys = [entry[0].decode() for entry in entries(store, bucket, prefix)]
    except StoreError as error:
        raise Missing(f"{uri}: {error.message or error.code}") from error
    if not keys:
        raise Missing(f"{uri}: there is nothing below it")
    for key in keys:
        if cancelled():
            raise Cancelled
        _put(store, store.path(bucket, key), to, below + key[len(prefix) :], target)
    return len(keys)


def remove(store: ObjectStore, uri: str) -> int:
    """Delete everything below a prefix, markers included; answers how many objects."""
    bucket, prefix = split_uri(uri)
    count = 0
    while found := store.page(bucket, prefix, "", "", _PAGE).entries:
        for entry in found:
            store.delete(bucket, entry[0].decode(), lambda current: None)
        count += len(found)
    return count


def _sources(store: ObjectStore, bucket: str, key: str) -> Iterator[tuple[str, str]]:
    """Keys, and where each goes below the target."""
    store.require_bucket(bucket)
    if key and not key.endswith("/"):
        if store.lookup(bucket, key):
            yield key, key.rpartition("/")[2]
            return
        key += "/"
    for entry in entries(store, bucket, key):
        name = entry[0].decode()
        yield name, name[len(key) :]


def _fetch(store: ObjectStore, bucket: str, key: str, target: Path) -> None:
    while True:
        try:
            _, fd = store.open(bucket, key)
            break
        except StaleIndex:
            store.refresh(bucket, key)
        except StoreError as error:
            raise Missing(f"{bucket}/{key}: {error.message or error.code}") from error
    try:
        with os.fdopen(fd, "rb") as source, target.open("wb") as copy:
            shutil.copyfileobj(source, copy, _CHUNK)
    except OSError as error:
        raise Missing(f"{bucket}/{key}: {error.strerror}") from error


def _put(store: ObjectStore, file: Path, bucket: str, key: str, uri: str) -> None:
    digests = Digests()
    try:
        with file.open("rb", buffering=0) as source, store.incoming() as content:
            while data := source.read(_CHUNK):
                digests.update(data)
                content.write(data)
            content.finish()
            store.commit(
                bucket, key, content, digests.size, digests.etag, digests.crc64, Meta(), check=lambda current: None
            )
    except StoreError as error:
        raise Missing(f"{uri}: {error.message or error.code}") from error
