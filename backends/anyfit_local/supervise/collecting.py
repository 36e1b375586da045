"""What a job leaves, put where it belongs: all of it, or nothing. Standard library only."""

from __future__ import annotations

import os
from collections.abc import Iterator

__all__ = ["CollectFault", "files_below", "pack_model", "publish"]

_EPOCH = 315532800  # 1980-01-01, as in code bundles


class CollectFault(Exception):
    """Something could not be written; the text names the path and the fault."""


def files_below(root: str) -> Iterator[tuple[str, str]]:
    """The regular files below a folder as (name, path), sorted; links are followed, but never in circles."""
    yield from _walk(root, "", ())


def pack_model(model: str, archive: str) -> bool:
    """Write the model's files as one archive, equal bytes for equal files; False when there are none."""
    files = list(files_below(model))
    if not files:
        return False
    import gzip
    import tarfile

    temporary = f"{archive}.part"
    try:
        with (
            open(temporary, "wb") as raw,
            gzip.GzipFile(fileobj=raw, mode="wb", compresslevel=1, mtime=0, filename="") as packed,
            tarfile.open(fileobj=packed, mode="w", format=tarfile.PAX_FORMAT) as tar,
        ):
            for name, path in files:
                with open(path, "rb") as stream:
                    status = os.fstat(stream.fileno())
                    entry = tarfile.TarInfo(name)
                    entry.size, entry.mtime = status.st_size, _EPOCH
                    entry.mode = 0o755 if status.st_mode & 0o100 else 0o644
                    tar.addfile(entry, stream)
        os.replace(temporary, archive)
    except OSError as fault:
        _remove(temporary)
        raise CollectFault(_describe(archive, fault)) from fault
    return True


def publish(parts: dict[str, str], target: str) -> None:
    """Copy files and folders into a new folder `target`, which appears at once and whole.

    Args:
        parts: Path to copy, by its name in the target.
        target: What lies there already, from an earlier job of that name, is kept beside it.
    """
    import shutil

    parent, name = os.path.split(target)
    temporary = f"{parent}/.{name}.{os.getpid()}.part"
    try:
        os.makedirs(temporary)
        for part, source in parts.items():
            _copy(source, f"{temporary}/{part}")
        if os.path.lexists(target):
            os.rename(target, _unused(target))
        os.rename(temporary, target)
    except OSError as fault:
        shutil.rmtree(temporary, ignore_errors=True)
        raise CollectFault(_describe(target, fault)) from fault


def _copy(source: str, target: str) -> None:
    import shutil

    if not os.path.isdir(source):
        shutil.copy(source, target)
        return
    for name, path in files_below(source):
        copy = f"{target}/{name}"
        os.makedirs(os.path.dirname(copy), exist_ok=True)
        shutil.copy(path, copy)


def _walk(folder: str, prefix: str, above: tuple[tuple[int, int], ...]) -> Iterator[tuple[str, str]]:
    try:
        status = os.stat(folder)
        entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
    except FileNotFoundError:
        return
    here = (status.st_dev, status.st_ino)
    if here in above:
        return
    for entry in entries:
        if entry.is_dir():
            yield from _walk(entry.path, f"{prefix}{entry.name}/", (*above, here))
        elif entry.is_file():
            yield prefix + entry.name, entry.path


def _unused(path: str) -> str:
    number = 1
    while os.path.lexists(f"{path}.old-{number}"):
        number += 1
    return f"{path}.old-{number}"


def _describe(path: str, fault: OSError) -> str:
    return f"{path}: {fault.strerror or fault}"


def _remove(path: str) -> None:
    try:
        os.unlink(path)
    except OSError:
        pass
