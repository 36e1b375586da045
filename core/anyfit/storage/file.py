"""The `file` store: a directory of this machine.

Keys are paths relative to the directory; `..` and `.` and empty parts are refused. Reading follows links. Whatever a
key holds, nothing outside the directory is written: there a link on the way that leads out is refused, too. An empty
directory is listed as its marker; putting a marker makes the directory.
"""

from __future__ import annotations

import errno
import os
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timezone
from pathlib import Path
from types import TracebackType

from anyfit.errors import AuthError, NotFound, StorageError
from anyfit.show import one_line
from anyfit.storage.apart import Apart
from anyfit.storage.atomic import AtomicFile, write_atomically
from anyfit.storage.halves import clear_halves
from anyfit.storage.store import Data, Entry, Page, Store
from anyfit.storage.walk import Found, Links, Problem, walk

__all__ = ["FileStore"]


class FileStore(Store):
    """The files below `root`.

    Args:
        root: The directory; it need not exist before something is put.
        links: "follow" lists what symbolic links lead to, "skip" leaves links out.
        problem: Called with key and reason for what a listing had to leave out.
        apart: What no listing goes into.
    """

    scheme = "file"
    bucket = ""
    multipart = False
    min_part = 1
    max_put = 1 << 62

    def __init__(
        self,
        root: str | os.PathLike[str] = "/",
        *,
        links: Links = "follow",
        problem: Problem | None = None,
        apart: Apart | None = None,
    ) -> None:
        self.root = Path(root)
        self.links = links
        self.problem = problem
        self.apart = apart
        self._checked: dict[Path, bool] = {}
        self._cleared: set[Path] = set()

    def path(self, key: str) -> Path:
        """The local path of `key`. Raises `StorageError` if it leads out of the directory by itself."""
        parts = key.removesuffix("/").split("/")
        if "\0" in key or any(part in ("", ".", "..") for part in parts):
            raise StorageError(
                f"the key {key!r} is no path inside {self.root}", hint="rename the object, or leave it out: --exclude"
            )
        return self.root.joinpath(*parts)

    def _path_to_write(self, key: str) -> Path:
        """The local path of `key`, if no link on the way leads out of the directory."""
        path = self.path(key)
        self._check_links(path.parent, key)
        return path

    def _check_links(self, directory: Path, key: str) -> None:
        inside = self._checked.get(directory)
        if inside is None:
            root = os.path.realpath(self.root)
            real = os.path.realpath(directory)
            inside = real == root or real.startswith(root.rstrip("/") + "/")
            self._checked[directory] = inside
        if not inside:
            raise StorageError(f"the key {key!r} leads out of {self.root} through a link: {directory}")

    def is_behind_link(self, key: str) -> bool:
        """Whether a link to a directory is on the way to a key: what lies there has another name, or is elsewhere."""
        above = self.root.joinpath(key.removesuffix("/")).parent
        while above != self.root and self.root in above.parents:
            if above.is_symlink():
                return True
            above = above.parent
        return False

    def list_page(self, prefix: str = "", *, token: str = "", delimiter: bool = False, limit: int = 1000) -> Page:
        entries: list[Entry] = []
        directories: list[str] = []
        last = token
        for key, found in self._fold(prefix, token, delimiter):
            if len(entries) + len(directories) == limit:
                return Page(tuple(entries), tuple(directories), last)
            if found is None:
                directories.append(key)
            else:
                entries.append(_entry(found))
            last = key
        return Page(tuple(entries), tuple(directories))

    def _fold(self, prefix: str, token: str, delimiter: bool) -> Iterator[tuple[str, Found | None]]:
        """Keys after `token`; with `delimiter` those of one directory become one, without their entry."""
        last = token if token.endswith("/") else ""
        for found in self._walk(prefix, token):
            slash = found.key.find("/", len(prefix)) if delimiter else -1
            if slash < 0:
                yield found.key, found
            elif last != (last := found.key[: slash + 1]):
                yield last, None

    def list(self, prefix: str = "") -> Iterator[Entry]:
        return map(_entry, self._walk(prefix))

    def _walk(self, prefix: str, after: str = "") -> Iterator[Found]:
        return walk(
            os.fspath(self.root), prefix=prefix, after=after, links=self.links, problem=self.problem, apart=self.apart
        )

    def stat(self, key: str) -> Entry:
        with _errors(key, self.root):
            return _entry(self._found(key, self.path(key).stat()))

    def _found(self, key: str, status: os.stat_result) -> Found:
        if stat.S_ISDIR(status.st_mode) != key.endswith("/"):
            raise NotFound(f"{one_line(str(self.root / key))} is {'no' if key.endswith('/') else 'a'} directory")
        return Found(key, status)

    def open(self, key: str, *, start: int = 0, length: int | None = None, etag: str = "") -> FileReader:
        with _errors(key, self.root):
            fd = os.open(self.path(key), os.O_RDONLY | os.O_CLOEXEC)
            try:
                entry = _entry(self._found(key, os.fstat(fd)))
                if etag and etag != entry.etag:
                    raise StorageError(
                        f"{one_line(str(self.root / key))} changed while it was being read", hint="run it again"
                    )
            except BaseException:
                os.close(fd)
                raise
            return FileReader(entry, fd, start, length)

    def put(self, key: str, data: Data, *, checksum: str = "") -> Entry:
        with _errors(key, self.root):
            path = self._path_to_write(key)
            if key.endswith("/"):
                if len(data):
                    raise StorageError(f"the key {key!r} names a directory; it cannot hold bytes")
                path.mkdir(parents=True, exist_ok=True)
            else:
                self._clear(path.parent)
                write_atomically(path, data)
            return self.stat(key)

    def create(self, key: str, *, tag: str = "") -> AtomicFile:
        """A file to write by position that becomes `key` when committed."""
        with _errors(key, self.root):
            if not key or key.endswith("/"):
                raise StorageError(f"the key {key!r} names a directory; it cannot hold bytes")
            path = self._path_to_write(key)
            self._clear(path.parent)
            return AtomicFile(path, tag=tag)

    def _clear(self, directory: Path) -> None:
        """Before the first file is written to a directory, remove what killed processes left half-written there."""
        if directory not in self._cleared:
            self._cleared.add(directory)
            clear_halves(directory, time.time())

    def delete(self, key: str) -> None:
        """Delete a file, or an empty directory by its marker, and the directories that became empty."""
        with _errors(key, self.root):
            path = self._path_to_write(key)
            if path.is_dir() and not path.is_symlink():
                if key.endswith("/") and not any(path.iterdir()):
                    path.rmdir()
            elif not key.endswith("/"):
                path.unlink(missing_ok=True)
            self._prune(path.parent)

    def _prune(self, directory: Path) -> None:
        """Remove emptied directories up to the root, as an object store forgets a prefix without keys."""
        while directory != self.root and self.root in directory.parents:
            try:
                directory.rmdir()
            except OSError:
                return
            self._checked.pop(directory, None)
            directory = directory.parent


class FileReader:
    """A range of an open file."""

    def __init__(self, entry: Entry, fd: int, start: int, length: int | None) -> None:
        self.entry = entry
        self.fd = fd
        self._at = start
        self._end = entry.size if length is None else min(entry.size, start + length)

    def readinto(self, buffer: memoryview, /) -> int:
        count = min(len(buffer), self._end - self._at)
        if count <= 0:
            return 0
        got = os.preadv(self.fd, [buffer[:count]], self._at)
        if got == 0:
            raise StorageError(f"{self.entry.key}: the file became shorter while it was being read")
        self._at += got
        return got

    def read(self, size: int = -1, /) -> bytes:
        left = max(0, self._end - self._at)
        data = bytearray(left if size < 0 else min(size, left))
        view = memoryview(data)
        done = 0
        while done < len(data):
            done += self.readinto(view[done:])
        return bytes(data)

    def unchanged(self) -> bool:
        """Whether the file is still what it was when it was opened."""
        return _version(os.fstat(self.fd)) == self.entry.etag

    def close(self) -> None:
        if self.fd >= 0:
            os.close(self.fd)
            self.fd = -1

    def __enter__(self) -> FileReader:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None, /
    ) -> None:
        self.close()


def _entry(found: Found) -> Entry:
    status = found.stat
    modified = datetime.fromtimestamp(status.st_mtime, timezone.utc)
    size = 0 if found.key.endswith("/") else status.st_size
    return Entry(found.key, size, modified, _version(status), "", found.link)


def _version(status: os.stat_result) -> str:
    """Not a checksum: it only tells whether a file is still the same."""
    return f"stat-{status.st_mtime_ns:x}-{status.st_size:x}-{status.st_ino:x}"


@contextmanager
def _errors(key: str, root: Path) -> Iterator[None]:
    """Turn the operating system's errors into ours."""
    try:
        yield
    except FileNotFoundError as error:
        raise NotFound(f"no file {one_line(str(root / key))}") from error
    except (PermissionError, IsADirectoryError, NotADirectoryError, OSError) as error:
        raise os_error(error, f"{root / key}") from error


def os_error(error: OSError, place: str) -> AuthError | StorageError | NotFound:
    """What an error of the operating system means to our caller."""
    place, reason = one_line(place), error.strerror or str(error)
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return StorageError(
            f"the disk is full: {place}", hint="free some space, then run it again: what is done is kept"
        )
    if error.errno in (errno.EACCES, errno.EPERM):
        return AuthError(f"may not read or write {place}: {reason}")
    return StorageError(f"{place}: {reason}")
