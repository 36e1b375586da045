"""What is known about buckets, objects and uploads: an SQLite database beside the content.

The content lies in plain files (see `paths`); this holds what a file system cannot: ETags, content types, user
metadata, the keys in byte order. Every method is one transaction; a lock makes them safe from any thread.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

__all__ = ["OBJECT_COLUMNS", "Index"]

OBJECT_COLUMNS = "size, mtime_ns, etag, place, crc64, meta"
_SCHEMA = """
CREATE TABLE IF NOT EXISTS buckets (name TEXT PRIMARY KEY, created_ns INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS objects (
    bucket TEXT NOT NULL, key BLOB NOT NULL, size INTEGER NOT NULL, mtime_ns INTEGER NOT NULL, etag TEXT NOT NULL,
    place INTEGER NOT NULL, crc64 TEXT NOT NULL, meta TEXT NOT NULL, PRIMARY KEY (bucket, key)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS uploads (
    id TEXT PRIMARY KEY, bucket TEXT NOT NULL, key BLOB NOT NULL, started_ns INTEGER NOT NULL, meta TEXT NOT NULL,
    unit INTEGER NOT NULL DEFAULT 0) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS uploads_by_key ON uploads (bucket, key, id);
CREATE TABLE IF NOT EXISTS parts (
    upload TEXT NOT NULL, number INTEGER NOT NULL, size INTEGER NOT NULL, mtime_ns INTEGER NOT NULL,
    etag TEXT NOT NULL, file TEXT NOT NULL, crc64 TEXT NOT NULL, checksums TEXT NOT NULL,
    PRIMARY KEY (upload, number)) WITHOUT ROWID;
"""


class Index:
    """The database.

    Attributes:
        lock: Held by every method; hold it yourself around several steps that belong together.
    """

    def __init__(self, path: Path) -> None:
        self.lock = threading.RLock()
        self._db = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        self._db.execute("PRAGMA locking_mode=EXCLUSIVE")  # the store has locked the directory anyway
        self._db.execute("PRAGMA journal_mode=WAL")
        self._db.execute("PRAGMA synchronous=OFF")  # survives a killed process; a power cut is not emulated
        self._db.executescript(_SCHEMA)

    def close(self) -> None:
        """Write everything home and let go of the file."""
        with self.lock:
            self._db.close()

    def run(self, statement: str, *values: Any) -> int:
        """Change something; answers how many rows changed."""
        with self.lock:
            return self._db.execute(statement, values).rowcount

    def one(self, statement: str, *values: Any) -> Any:
        """The first row, or None."""
        with self.lock:
            return self._db.execute(statement, values).fetchone()

    def all(self, statement: str, *values: Any) -> list[Any]:
        """Every row."""
        with self.lock:
            return self._db.execute(statement, values).fetchall()

    def keys_from(self, bucket: str, start: bytes, end: bytes | None) -> Iterator[tuple[bytes, int, int, str]]:
        """Key, size, time and ETag of objects in byte order from `start` on, before `end`; hold the lock."""
        bound = "" if end is None else " AND key < ?"
        values = (bucket, start) if end is None else (bucket, start, end)
        statement = f"SELECT key, size, mtime_ns, etag FROM objects WHERE bucket = ? AND key >= ?{bound} ORDER BY key"  # noqa: S608  fixed text
        cursor = self._db.execute(statement, values)
        try:
            yield from cursor
        finally:
            cursor.close()
