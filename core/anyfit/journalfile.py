"""The journal's file: made once, used by any number of processes and threads, its faults told as ours.

    file = JournalFile(home)
    with file.use() as db:
        db.execute("SELECT ...")

All that is done in one `use` happens at once or not at all.
"""

from __future__ import annotations

import os
import sqlite3
import threading
import time
from contextlib import contextmanager, suppress

from anyfit.errors import StorageError, UsageError

TYPE_CHECKING = False  # no import of typing here: `anyfit jobs` has no time for it
if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["JournalFile"]

_SCHEMA_VERSION = 2
_WAIT_SECONDS = 30.0
_SCHEMA = """
CREATE TABLE IF NOT EXISTS jobs (
    id INTEGER PRIMARY KEY,
    backend TEXT NOT NULL, place TEXT NOT NULL DEFAULT '', key TEXT NOT NULL, name TEXT NOT NULL,
    profile TEXT NOT NULL, ref TEXT NOT NULL DEFAULT '', owner TEXT NOT NULL,
    status TEXT NOT NULL DEFAULT 'PENDING', reason TEXT NOT NULL DEFAULT '',
    created_at TEXT NOT NULL, ended_at TEXT NOT NULL DEFAULT '',
    spec TEXT NOT NULL, plan TEXT NOT NULL, state TEXT NOT NULL DEFAULT '',
    UNIQUE (backend, place, key)
);
CREATE INDEX IF NOT EXISTS jobs_by_name ON jobs (name);
CREATE INDEX IF NOT EXISTS jobs_open ON jobs (status) WHERE status NOT IN ('SUCCEEDED', 'FAILED', 'STOPPED');
CREATE TABLE IF NOT EXISTS endpoints (
    id INTEGER PRIMARY KEY,
    backend TEXT NOT NULL, place TEXT NOT NULL DEFAULT '', name TEXT NOT NULL, profile TEXT NOT NULL,
    ref TEXT NOT NULL DEFAULT '', owner TEXT NOT NULL,
    created_at TEXT NOT NULL, spec TEXT NOT NULL, job TEXT NOT NULL DEFAULT '',
    UNIQUE (backend, place, name)
);
CREATE TABLE IF NOT EXISTS models (
    id INTEGER PRIMARY KEY,
    backend TEXT NOT NULL, place TEXT NOT NULL, name TEXT NOT NULL, version TEXT NOT NULL, profile TEXT NOT NULL,
    owner TEXT NOT NULL, job TEXT NOT NULL, known TEXT NOT NULL
);
"""
_COLUMNS_1 = {
    "jobs": "id, backend, key, name, profile, ref, owner, status, reason, created_at, ended_at, spec, plan, state",
    "endpoints": "id, backend, name, profile, ref, owner, created_at, spec, job",
}


class JournalFile:
    """The file of the journal in one folder."""

    _connection: sqlite3.Connection | None = None

    def __init__(self, folder: str) -> None:
        self._folder = folder
        self._path = f"{folder}/journal.sqlite3"
        self._lock = threading.RLock()

    def __del__(self) -> None:
        # Estimators and jobs share a journal for as long as they live, so none of them can close it.
        if self._connection is not None:
            self._connection.close()

    def close(self) -> None:
        """Close the file; the next use opens it again."""
        with self._lock:
            if self._connection is not None:
                self._connection.close()
                self._connection = None

    @contextmanager
    def use(self, *, durable: bool = False) -> Iterator[sqlite3.Connection]:
        """One transaction; a `durable` one is on the disk when it is over, whatever happens to the machine then."""
        with self._lock:
            try:
                db = self._opened()
                if durable:
                    db.execute("PRAGMA synchronous = FULL")
                try:
                    with db:
                        yield db
                finally:
                    if durable:
                        db.execute("PRAGMA synchronous = NORMAL")
            except sqlite3.Error as fault:
                raise self._unusable(str(fault)) from fault
            except UnicodeEncodeError as fault:
                raise _no_text(fault) from fault

    def _opened(self) -> sqlite3.Connection:
        if self._connection is None:
            try:
                self._connection = self._open()
            except OSError as fault:
                raise self._unusable(fault.strerror) from fault
        return self._connection

    def _open(self) -> sqlite3.Connection:
        os.makedirs(self._folder, mode=0o700, exist_ok=True)  # noqa: PTH103  (pathlib would be imported for this only)
        with suppress(FileExistsError):  # SQLite gives the files beside it the same permissions
            os.close(os.open(self._path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
        db = sqlite3.connect(self._path, timeout=_WAIT_SECONDS, check_same_thread=False)
        try:
            self._prepare(db)
            db.execute("PRAGMA synchronous = NORMAL")
        except BaseException:
            db.close()
            raise
        return db

    def _prepare(self, db: sqlite3.Connection) -> None:
        """Make a new file a journal; of many processes that find it new, each waits for the others."""
        patience = time.monotonic() + _WAIT_SECONDS
        while (version := db.execute("PRAGMA user_version").fetchone()[0]) < _SCHEMA_VERSION:
            try:
                db.execute("PRAGMA journal_mode = WAL")  # which, unlike all else, does not wait for a lock by itself
                self._bring_up(db)
            except sqlite3.OperationalError as fault:
                if "locked" not in str(fault) or time.monotonic() > patience:
                    raise
                time.sleep(0.005)
        if version > _SCHEMA_VERSION:
            raise StorageError(
                f"the journal in {self._folder} was written by a newer anyfit:"
                f" its format is {version}, this one knows {_SCHEMA_VERSION}",
                hint="upgrade anyfit, or set ANYFIT_HOME to another folder",
            )

    def _bring_up(self, db: sqlite3.Connection) -> None:
        """Make the tables, or those of the first format into those of today, at once or not at all."""
        db.execute("BEGIN IMMEDIATE")
        with db:
            version = db.execute("PRAGMA user_version").fetchone()[0]
            if version == 1:
                db.execute("DROP INDEX jobs_by_name")
                db.execute("DROP INDEX jobs_open")
                for table in _COLUMNS_1:
                    db.execute(f"ALTER TABLE {table} RENAME TO {table}_1")
            for statement in _SCHEMA.split(";"):
                db.execute(statement)
            if version == 1:
                for table, columns in _COLUMNS_1.items():
                    db.execute(f"INSERT INTO {table} ({columns}) SELECT {columns} FROM {table}_1")  # noqa: S608 - fixed words only
                    db.execute(f"DROP TABLE {table}_1")
            db.execute(f"PRAGMA user_version = {_SCHEMA_VERSION}")

    def _unusable(self, why: str | None) -> StorageError:
        return StorageError(
            f"the journal in {self._folder} cannot be used: {why}",
            hint="see that there is room and that the folder is yours, or set ANYFIT_HOME to another one",
        )


def _no_text(fault: UnicodeEncodeError) -> UsageError:
    """Names of files and words of a shell may hold bytes that are no text; a platform and a journal take text only."""
    words = fault.object.replace('"', " ").split()
    strange = next(word for word in words if any("\ud800" <= letter <= "\udfff" for letter in word))
    shown = strange.encode("utf-8", "backslashreplace").decode()
    return UsageError(
        f"{shown} holds bytes that are no UTF-8",
        hint="rename what is called so, or use a UTF-8 locale, such as LC_ALL=C.UTF-8",
    )
