"""Local files that appear whole or not at all: written under a temporary name beside the target, then renamed."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import stat
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from anyfit.errors import StorageError
from anyfit.storage.halves import half_of, tagged_half_of

__all__ = ["AtomicFile", "write_atomically"]

_UNKNOWN = frozenset({errno.EPERM, errno.ENOSYS, errno.ENOTSUP, errno.EINVAL, errno.ENOLCK})
"""How a file system says that it has no such thing as times, rights or locks."""


class AtomicFile:
    """A file under way to `target`: write by position, then `commit` or `discard`.

    A link in its place is replaced; a pipe, a device or a socket is refused.

    Attributes:
        path: The temporary file. With `tag` its name is the same in every attempt, so that a later one can go on.
        fd: Its descriptor, for `os.pwrite`.
    """

    def __init__(self, target: Path, *, tag: str = "") -> None:
        self.target = target
        _refuse_special(target)
        try:
            self._open(tag)
        except FileNotFoundError:
            target.parent.mkdir(parents=True, exist_ok=True)
            self._open(tag)

    def _open(self, tag: str) -> None:
        flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
        if tag:
            self.path = tagged_half_of(self.target, tag)
            self.fd = os.open(self.path, flags, 0o666)
            try:
                fcntl.flock(self.fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:  # somebody else is fetching the same; do not write into their file
                os.close(self.fd)
            except OSError as error:  # as on many clusters' file systems
                if error.errno not in _UNKNOWN:
                    os.close(self.fd)
                    raise
                return
            else:
                return
        self.path = half_of(self.target)
        self.fd = os.open(self.path, flags | os.O_EXCL, 0o666)

    def truncate(self, size: int) -> None:
        """Give the file its length, so that every position can be written."""
        os.ftruncate(self.fd, size)

    def write_at(self, data: memoryview | bytes, position: int) -> None:
        """Write all of `data` at `position`; many threads may do so at once."""
        written = os.pwrite(self.fd, data, position)
        view = memoryview(data)
        while written < len(view):
            written += os.pwrite(self.fd, view[written:], position + written)

    def set_mode(self, mode: int) -> None:
        """Give the file its rights, where the disk knows such."""
        _if_known(lambda: os.fchmod(self.fd, mode))

    def commit(self, modified: datetime | None = None) -> None:
        """Put the file in its place, with `modified` as its time."""
        if modified is not None:
            stamp = int(modified.timestamp() * 1_000_000) * 1000
            _if_known(lambda: os.utime(self.fd, ns=(stamp, stamp)))
        self.close()
        try:
            self.path.replace(self.target)
        except IsADirectoryError:
            self.path.unlink(missing_ok=True)
            raise StorageError(f"{self.target} is a directory", hint="move it away, then try again") from None

    def discard(self) -> None:
        """Remove the temporary file."""
        self.close()
        with contextlib.suppress(OSError):
            self.path.unlink()

    def close(self) -> None:
        """Close the file and leave it where it is."""
        if self.fd >= 0:
            os.close(self.fd)
            self.fd = -1


def _if_known(change: Callable[[], None]) -> None:
    """Change what not every file system knows and nothing depends on: the content counts."""
    try:
        change()
    except OSError as error:
        if error.errno not in _UNKNOWN:
            raise


def _refuse_special(target: Path) -> None:
    """What is neither file nor link nor directory is no place for a file: renaming one onto it would destroy it."""
    try:
        mode = os.lstat(target).st_mode
    except OSError:
        return  # nothing is there, or what is wrong shows when the file is opened
    if not (stat.S_ISREG(mode) or stat.S_ISLNK(mode) or stat.S_ISDIR(mode)):
        raise StorageError(
            f"{target} is a pipe, a device or a socket, which no file may replace",
            hint="move it away, or name it alone as the target of anyfit cp, which writes into pipes",
        )


def write_atomically(target: Path, data: bytes | bytearray | memoryview, modified: datetime | None = None) -> None:
    """Write a small file whole, or leave what was there."""
    file = AtomicFile(target)
    try:
        file.write_at(memoryview(data), 0)
        file.commit(modified)
    except BaseException:
        file.discard()
        raise
