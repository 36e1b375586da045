"""Data from and to places that are not on this machine, for the supervisor: `CLIENT_FOLDER get|put URI PATH`."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from anyfit.errors import AnyfitError, NotFound, StorageError
from anyfit_local.supervise.collecting import files_below

if TYPE_CHECKING:
    from anyfit.storage import Store

__all__ = ["main", "move"]

_BLOCK = 1 << 20
_PART = 64 << 20


def move(verb: str, uri: str, path: str) -> None:
    """Bring what lies at the URI into the folder, or put the file or folder there."""
    from anyfit.storage import Uri, open_store

    place = Uri.parse(uri)
    with_store = open_store(place)
    try:
        (_get if verb == "get" else _put)(with_store, place.key, Path(path))
    finally:
        with_store.close()


def _get(store: Store, key: str, folder: Path) -> None:
    """An object, or all that lies below a key."""
    folder.mkdir(parents=True, exist_ok=True)
    prefix = key if not key or key.endswith("/") else f"{key}/"
    found = False
    for entry in store.list(prefix):
        found = True
        if not entry.is_marker:
            _fetch(store, entry.key, folder, entry.key[len(prefix) :])
    if not found:
        if key == prefix:
            raise NotFound(f"{store.scheme}://{store.bucket}/{key} is empty or does not exist")
        _fetch(store, key, folder, key.rpartition("/")[2])


def _fetch(store: Store, key: str, folder: Path, name: str) -> None:
    parts = name.split("/")
    if ".." in parts or "" in parts or "\0" in name:
        raise StorageError(f"{store.scheme}://{store.bucket}/{key} cannot be a file below a folder")
    target = folder.joinpath(*parts)
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = target.with_name(f".{target.name}.part")
    with store.open(key) as reader, partial.open("wb") as stream:
        while block := reader.read(_BLOCK):
            stream.write(block)
    partial.replace(target)


def _put(store: Store, key: str, path: Path) -> None:
    if path.is_file():
        _send(store, key, path)
        return
    for name, file in files_below(str(path)):
        _send(store, f"{key.rstrip('/')}/{name}", Path(file))


def _send(store: Store, key: str, path: Path) -> None:
    with path.open("rb") as stream:
        first = stream.read(_PART)
        if len(first) < _PART or not store.multipart:
            store.put(key, first + stream.read())
            return
        upload = store.start_upload(key)
        try:
            parts, number = [], 1
            while first:
                parts.append(store.put_part(key, upload, number, first))
                first, number = stream.read(_PART), number + 1
            store.finish_upload(key, upload, parts)
        except BaseException:
            store.abort_upload(key, upload)
            raise


def main() -> None:
    """Run as a program, with the configuration that holds where the client was."""
    client_folder, verb, uri, path = sys.argv[1:]
    os.chdir(client_folder)
    try:
        move(verb, uri, path)
    except AnyfitError as fault:
        sys.exit(fault.message)
    except OSError as fault:
        sys.exit(f"{fault.filename or path}: {fault.strerror}")
