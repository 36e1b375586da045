"""Buckets and objects on disk: the rules, without HTTP.

    <data>/<bucket>/<path of the key>       the content, see `paths`
    <data>/.emulator/                       the index, temporary files, parts of uploads

Content arrives in a temporary file and is renamed into place, so no reader ever sees half an object. Files that
something else wrote into a bucket's directory become objects with `adopt`; a file that was changed in place is
hashed again when it is next asked for.
"""

from __future__ import annotations

import fcntl
import itertools
import os
import re
import shutil
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from attrs import evolve

from anyfit_emulator.storage.digests import Digests
from anyfit_emulator.storage.errors import StoreError
from anyfit_emulator.storage.index import OBJECT_COLUMNS, Index
from anyfit_emulator.storage.listing import Page, list_page
from anyfit_emulator.storage.paths import MAX_KEY_BYTES, directory_key, key_of, path_of
from anyfit_emulator.storage.values import Meta, ObjectInfo

__all__ = ["SYSTEM_DIRECTORY", "Check", "Incoming", "ObjectStore", "StaleIndex"]

SYSTEM_DIRECTORY = ".emulator"
PLAIN, BESIDE, DIRECTORY = 0, 1, 2
_BUCKET_NAME = re.compile(r"(?!\d+\.\d+\.\d+\.\d+$)(?!.*(?:\.\.|\.-|-\.))[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
_CHUNK = 1 << 20

Check = Callable[[ObjectInfo | None], None]


class StaleIndex(Exception):
    """An object's file was changed in place; `ObjectStore.refresh` must read it again first."""


class Incoming:
    """A temporary file that becomes an object, or is thrown away when the `with` block ends first."""

    __slots__ = ("_fd", "mtime_ns", "path")

    def __init__(self, path: str) -> None:
        self.path = path
        self.mtime_ns = 0
        self._fd = os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o644)

    def write(self, data: bytes) -> None:
        """Append."""
        view = memoryview(data)
        while view:
            view = view[os.write(self._fd, view) :]

    def copy_from(self, fd: int, offset: int, length: int) -> None:
        """Append a part of another file, within the kernel where it can do that."""
        while length:
            try:
                count = os.copy_file_range(fd, self._fd, min(length, 1 << 30), offset)
            except (OSError, AttributeError):
                data = os.pread(fd, min(length, _CHUNK), offset)
                self.write(data)
                count = len(data)
            if not count:
                raise StoreError("InternalError", "The source became shorter while it was being copied.")
            offset += count
            length -= count

    def finish(self) -> None:
        """Close, and take the time of it."""
        self.mtime_ns = os.fstat(self._fd).st_mtime_ns
        os.close(self._fd)
        self._fd = -1

    def become(self, file: Path, size: int) -> None:
        """Close, and be a second name of `file` cut to `size`; the first name stays until somebody removes it."""
        os.close(self._fd)
        self._fd = -1
        os.unlink(self.path)  # noqa: PTH108
        os.link(file, self.path)
        os.truncate(self.path, size)
        os.utime(self.path)
        self.mtime_ns = os.stat(self.path).st_mtime_ns  # noqa: PTH116

    def __enter__(self) -> Incoming:
        return self

    def __exit__(self, *_: object) -> None:
        if self._fd >= 0:
            os.close(self._fd)
        if self.path:
            os.unlink(self.path)  # noqa: PTH108  this is the hot path


class ObjectStore:
    """The objects below one directory; safe from any thread, for one process at a time.

    Attributes:
        directory: The directory given.
        index: The database.
    """

    def __init__(self, directory: Path) -> None:
        self.directory = directory.resolve()
        self._system = self.directory / SYSTEM_DIRECTORY
        self._system.mkdir(parents=True, exist_ok=True)
        self._lock_file = (self._system / "lock").open("w")
        try:
            fcntl.flock(self._lock_file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            self._lock_file.close()
            raise RuntimeError(f"another emulator is using {self.directory}") from None
        self._temporary = self._system / "tmp"
        shutil.rmtree(self._temporary, ignore_errors=True)
        self._temporary.mkdir()
        self._names = itertools.count()
        self._root = str(self.directory)
        self.index = Index(self._system / "index.sqlite")
        self._buckets: dict[str, int] = dict(self.index.all("SELECT name, created_ns FROM buckets"))

    def close(self) -> None:
        """Let go of the directory."""
        self.index.close()
        self._lock_file.close()

    @property
    def system(self) -> Path:
        """The directory for what is not content."""
        return self._system

    # buckets

    def buckets(self) -> list[tuple[str, int]]:
        """Name and creation time in nanoseconds of every bucket."""
        return sorted(self._buckets.items())

    def create_bucket(self, name: str) -> bool:
        """Make a bucket; says whether it is new."""
        if not _BUCKET_NAME.fullmatch(name):
            raise StoreError("InvalidBucketName", details={"BucketName": name})
        with self.index.lock:
            if name in self._buckets:
                return False
            (self.directory / name).mkdir(exist_ok=True)
            self._buckets[name] = time.time_ns()
            self.index.run("INSERT INTO buckets VALUES (?, ?)", name, self._buckets[name])
            return True

    def delete_bucket(self, name: str) -> None:
        """Remove an empty bucket."""
        with self.index.lock:
            self.require_bucket(name)
            if self.index.one("SELECT 1 FROM objects WHERE bucket = ? LIMIT 1", name):
                raise StoreError("BucketNotEmpty", details={"BucketName": name})
            try:
                (self.directory / name).rmdir()
            except OSError as error:
                raise StoreError("BucketNotEmpty", details={"BucketName": name}) from error
            self.index.run("DELETE FROM buckets WHERE name = ?", name)
            del self._buckets[name]

    def require_bucket(self, name: str) -> int:
        """The bucket's creation time; a StoreError when there is none of that name."""
        try:
            return self._buckets[name]
        except KeyError:
            raise StoreError("NoSuchBucket", details={"BucketName": name}) from None

    # objects

    def incoming(self) -> Incoming:
        """A temporary file for content that arrives."""
        return Incoming(f"{self._temporary}/{next(self._names)}")

    def commit(
        self, bucket: str, key: str, content: Incoming, size: int, etag: str, crc64: int, meta: Meta, check: Check
    ) -> ObjectInfo:
        """Make finished content the object `key`, unless `check` objects to the one that is there."""
        with self.index.lock:
            self.require_bucket(bucket)
            old = self._row(bucket, check_key(key))
            check(old)
            place = self._install(bucket, key, content, size)
            info = ObjectInfo(key, size, content.mtime_ns, etag, place, str(crc64), meta)
            self._record(bucket, info)
            if old is not None and old.place != place:
                self._unlink(bucket, key, old.place)
        return info

    def stat(self, bucket: str, key: str) -> ObjectInfo:
        """What the object is like.

        Raises:
            StoreError: There is none.
            StaleIndex: Its file was changed in place.
        """
        info, fd = self.open(bucket, key)
        os.close(fd)
        return info

    def open(self, bucket: str, key: str) -> tuple[ObjectInfo, int]:
        """The object and a descriptor of its content, which stays this object's whatever is put later."""
        with self.index.lock:
            self.require_bucket(bucket)
            info = self._row(bucket, check_key(key))
            if info is None:
                raise StoreError("NoSuchKey", details={"Key": key})
            if info.place == DIRECTORY:
                return info, os.open(os.devnull, os.O_RDONLY)
            try:
                fd = self._open_file(bucket, info)
            except (FileNotFoundError, NotADirectoryError):
                self._forget(bucket, key)
                raise StoreError("NoSuchKey", details={"Key": key}) from None
        status = os.fstat(fd)
        if (status.st_size, status.st_mtime_ns) != (info.size, info.mtime_ns):
            os.close(fd)
            raise StaleIndex(key)
        return info, fd

    def refresh(self, bucket: str, key: str) -> None:
        """Hash a file that was changed in place; takes as long as reading it."""
        with self.index.lock:
            info = self._row(bucket, key)
        place = info.place if info else PLAIN
        try:
            self._take_in(bucket, key, place, info.meta if info else Meta())
        except FileNotFoundError:
            self._forget(bucket, key)

    def delete(self, bucket: str, key: str, check: Check) -> None:
        """Remove the object, if there is one and `check` does not object."""
        with self.index.lock:
            self.require_bucket(bucket)
            old = self._row(bucket, check_key(key))
            check(old)
            if old is not None:
                self._forget(bucket, key)
                self._unlink(bucket, key, old.place)

    def page(self, bucket: str, prefix: str, delimiter: str, after: str, limit: int) -> Page:
        """A page of the bucket's listing, see `list_page`."""
        with self.index.lock:
            self.require_bucket(bucket)
            return list_page(
                lambda start, end: self.index.keys_from(bucket, start, end),
                prefix.encode(),
                delimiter.encode(),
                after.encode(),
                limit,
            )

    def path(self, bucket: str, key: str) -> Path:
        """Where the content of an existing object lies."""
        with self.index.lock:
            self.require_bucket(bucket)
            info = self._row(bucket, key)
            if info is None:
                raise StoreError("NoSuchKey", details={"Key": key})
            return Path(self._file(bucket, key, info.place))

    def adopt(self, bucket: str, prefix: str = "") -> int:
        """Make objects of files that something else wrote into the bucket's directory; answers how many."""
        self.require_bucket(bucket)
        root = self.directory / bucket
        count = 0
        for folder, _, names in os.walk(root):
            for name in names:
                relative = os.path.relpath(f"{folder}/{name}", root)
                try:
                    key, beside = key_of(relative)
                except ValueError:
                    continue  # cannot be a key's path: not ours
                if key.startswith(prefix) and self._is_news(bucket, key, f"{folder}/{name}"):
                    self._take_in(bucket, key, BESIDE if beside else PLAIN, Meta())
                    count += 1
        return count

    def _is_news(self, bucket: str, key: str, file: str) -> bool:
        status = os.stat(file)  # noqa: PTH116  one of very many
        info = self._row(bucket, key)
        return info is None or (info.size, info.mtime_ns) != (status.st_size, status.st_mtime_ns)

    def _take_in(self, bucket: str, key: str, place: int, meta: Meta) -> None:
        digests = Digests()
        with Path(self._file(bucket, key, place)).open("rb", buffering=0) as file:
            status = os.fstat(file.fileno())
            while data := file.read(_CHUNK):
                digests.update(data)
        info = ObjectInfo(
            key,
            digests.size,
            status.st_mtime_ns,
            digests.etag,
            place,
            str(digests.crc64),
            evolve(meta, checksums={}, parts=[]),
        )
        with self.index.lock:
            self._record(bucket, info)

    def lookup(self, bucket: str, key: str) -> ObjectInfo | None:
        """What the index says of the object."""
        return self._row(bucket, key)

    # the database's rows

    def _row(self, bucket: str, key: str) -> ObjectInfo | None:
        statement = f"SELECT {OBJECT_COLUMNS} FROM objects WHERE bucket = ? AND key = ?"  # noqa: S608  fixed text
        row = self.index.one(statement, bucket, key.encode())
        return None if row is None else ObjectInfo.of(key, row)

    def _record(self, bucket: str, info: ObjectInfo) -> None:
        self.index.run(
            "INSERT OR REPLACE INTO objects (bucket, key, size, mtime_ns, etag, place, crc64, meta)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            bucket,
            info.key.encode(),
            info.size,
            info.mtime_ns,
            info.etag,
            info.place,
            info.crc64,
            info.meta.dump(),
        )

    def _forget(self, bucket: str, key: str) -> None:
        self.index.run("DELETE FROM objects WHERE bucket = ? AND key = ?", bucket, key.encode())

    # the files

    def _file(self, bucket: str, key: str, place: int) -> str:
        return f"{self._root}/{bucket}/{path_of(key, beside_directory=place == BESIDE)}"

    def _open_file(self, bucket: str, info: ObjectInfo) -> int:
        try:
            return os.open(self._file(bucket, info.key, info.place), os.O_RDONLY)
        except (FileNotFoundError, NotADirectoryError):
            # killed between moving the file aside and writing that down
            return os.open(self._file(bucket, info.key, BESIDE - info.place), os.O_RDONLY)

    def _install(self, bucket: str, key: str, content: Incoming, size: int) -> int:
        """Move the content to where it belongs; answers the place."""
        if key.endswith("/") and not size:
            self._make_directories(bucket, path_of(key).rpartition("/")[0])
            return DIRECTORY  # the temporary file is thrown away
        place = PLAIN
        target = self._file(bucket, key, place)
        try:
            os.replace(content.path, target)  # noqa: PTH105  this is the hot path
        except IsADirectoryError:
            place = BESIDE
            os.replace(content.path, self._file(bucket, key, place))  # noqa: PTH105
        except (FileNotFoundError, NotADirectoryError):
            self._make_directories(bucket, path_of(key).rpartition("/")[0])
            os.replace(content.path, target)  # noqa: PTH105
        content.path = ""
        return place

    def _make_directories(self, bucket: str, relative: str) -> None:
        """Make a directory below the bucket's, moving an object aside that has the name of one."""
        path = f"{self._root}/{bucket}"
        done: list[str] = []
        for part in relative.split("/") if relative else []:
            path = f"{path}/{part}"
            done.append(part)
            if os.path.isfile(path):  # noqa: PTH113
                key, _ = key_of("/".join(done))
                os.replace(path, self._file(bucket, key, BESIDE))  # noqa: PTH105
                self.index.run(
                    "UPDATE objects SET place = ? WHERE bucket = ? AND key = ?", BESIDE, bucket, key.encode()
                )
            os.makedirs(path, exist_ok=True)  # noqa: PTH103

    def _unlink(self, bucket: str, key: str, place: int) -> None:
        """Remove an object's file, and directories that are empty then and no marker."""
        path = path_of(key, beside_directory=place == BESIDE)
        if place != DIRECTORY:
            with suppress(FileNotFoundError, NotADirectoryError):  # something else removed it already
                os.unlink(f"{self._root}/{bucket}/{path}")  # noqa: PTH108
        parent = path.rpartition("/")[0]
        while parent and not self._is_marked(bucket, parent):
            try:
                os.rmdir(f"{self._root}/{bucket}/{parent}")  # noqa: PTH106
            except OSError:
                return
            parent = parent.rpartition("/")[0]

    def _is_marked(self, bucket: str, directory: str) -> bool:
        if directory.rpartition("/")[2].startswith("%~+"):
            return False  # the beginning of a long name, not a directory of its own
        marker = self._row(bucket, directory_key(directory))
        return marker is not None and marker.place == DIRECTORY


def check_key(key: str) -> str:
    """The key, if it can be one."""
    if not key:
        raise StoreError("InvalidURI")
    if len(key.encode()) > MAX_KEY_BYTES:
        raise StoreError("KeyTooLongError", details={"Size": str(len(key.encode()))})
    return key
