"""What a job leaves, put where it belongs: all of it, or nothing. Standard library only."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator

TYPE_CHECKING = False  # the module of that name costs more than all of ours
if TYPE_CHECKING:
    from typing import BinaryIO

__all__ = ["CollectFault", "files_below", "pack_model", "publish"]

_EPOCH = 315532800  # 1980-01-01, as in code bundles
_PIECE = 1 << 20


class CollectFault(Exception):
    """Something could not be written; the text names the path and the fault."""


def files_below(root: str) -> Iterator[tuple[str, str]]:
    """The regular files below a folder as (name, path), sorted; links are followed, but never in circles."""
    yield from _walk(root, "", ())


def pack_model(model: str, archive: str, check: Callable[[], None]) -> bool:
    """Write the model's files as one archive, equal bytes for equal files; False when there are none.

    `check` is called often, and raises to give it all up; likewise below.
    """
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
                    tar.addfile(entry, _Checked(stream, check))
        os.replace(temporary, archive)
    except OSError as fault:
        raise CollectFault(_describe(archive, fault)) from fault
    finally:
        _remove(temporary)
    return True


def publish(parts: dict[str, str], target: str, check: Callable[[], None]) -> None:
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
            _copy(source, f"{temporary}/{part}", check)
        if os.path.lexists(target):
            os.rename(target, _unused(target))
        os.rename(temporary, target)
    except OSError as fault:
        raise CollectFault(_describe(target, fault)) from fault
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _copy(source: str, target: str, check: Callable[[], None]) -> None:
    if not os.path.isdir(source):
        _copy_file(source, target, check)
        return
    for name, path in files_below(source):
        copy = f"{target}/{name}"
        os.makedirs(os.path.dirname(copy), exist_ok=True)
        _copy_file(path, copy, check)


def _copy_file(source: str, target: str, check: Callable[[], None]) -> None:
    import shutil

    with open(source, "rb") as stream, open(target, "wb") as copy:
        shutil.copyfileobj(_Checked(stream, check), copy, _PIECE)
    shutil.copymode(source, target)


class _Checked:
    """A file that is read as long as a check does not raise."""

    def __init__(self, stream: BinaryIO, check: Callable[[], None]) -> None:
        self._stream = stream
        self._check = check

    def read(self, size: int = -1) -> bytes:
        """The next bytes."""
        self._check()
        return self._stream.read(size)


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
