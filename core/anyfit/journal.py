"""Every job, model and endpoint that this user ever asked for, on any backend.

A row is written as an intent before the request is sent and gets its reference after it, so that a client
killed in between loses nothing: `abandoned()` lists what has to be looked up by name. One SQLite file in WAL
mode; any number of processes may use it at once.
"""

from __future__ import annotations

import os
import sqlite3
import threading
import time
from contextlib import contextmanager
from datetime import datetime, timezone

from anyfit.errors import Conflict, StorageError
from anyfit.processes import alive, identity

TYPE_CHECKING = False  # no import of typing here: `anyfit jobs` has no time for it
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from anyfit.backend import EndpointRef, JobRef, JobState, Plan
    from anyfit.spec import EndpointSpec, JobSpec

__all__ = ["EndpointRow", "JobRow", "Journal"]

_FINAL = ("SUCCEEDED", "FAILED", "STOPPED")
_SCHEMA_VERSION = 1
_WAIT_SECONDS = 30.0
_SCHEMA = """
CREATE TABLE IF NOT EXISTS jobs (
    id INTEGER PRIMARY KEY,
    backend TEXT NOT NULL, key TEXT NOT NULL, name TEXT NOT NULL, profile TEXT NOT NULL,
    ref TEXT NOT NULL DEFAULT '', owner TEXT NOT NULL,
    status TEXT NOT NULL DEFAULT 'PENDING', reason TEXT NOT NULL DEFAULT '',
    created_at TEXT NOT NULL, ended_at TEXT NOT NULL DEFAULT '',
    spec TEXT NOT NULL, plan TEXT NOT NULL, state TEXT NOT NULL DEFAULT '',
    UNIQUE (backend, key)
);
CREATE INDEX IF NOT EXISTS jobs_by_name ON jobs (name);
CREATE INDEX IF NOT EXISTS jobs_open ON jobs (status) WHERE status NOT IN ('SUCCEEDED', 'FAILED', 'STOPPED');
CREATE TABLE IF NOT EXISTS endpoints (
    id INTEGER PRIMARY KEY,
    backend TEXT NOT NULL, name TEXT NOT NULL, profile TEXT NOT NULL,
    ref TEXT NOT NULL DEFAULT '', owner TEXT NOT NULL,
    created_at TEXT NOT NULL, spec TEXT NOT NULL, job TEXT NOT NULL DEFAULT '',
    UNIQUE (backend, name)
);
"""
_JOB_COLUMNS = "backend, key, name, profile, ref, owner, status, reason, created_at, ended_at"
_ENDPOINT_COLUMNS = "backend, name, profile, ref, owner, created_at, job"


class _Row:
    """Some columns of a table, all of them text."""

    __slots__: tuple[str, ...] = ()

    def __init__(self, *values: str) -> None:
        for name, value in zip(self.__slots__, values, strict=True):
            setattr(self, name, value)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(f'{n}={getattr(self, n)!r}' for n in self.__slots__)})"


class JobRow(_Row):
    """What the journal knows of a job without reading its plan; times are ISO texts."""

    __slots__ = tuple(_JOB_COLUMNS.split(", "))

    backend: str
    key: str
    name: str
    profile: str
    ref: str
    owner: str
    status: str
    reason: str
    created_at: str
    ended_at: str

    @property
    def finished(self) -> bool:
        """Whether nothing more will happen to the job."""
        return self.status in _FINAL

    def to_json(self) -> dict[str, Any]:
        """The row as a JSON object."""
        fields = ("ref", "backend", "profile", "status", "reason", "created_at", "ended_at")
        return {"name": self.key} | {name: getattr(self, name) or None for name in fields}


class EndpointRow(_Row):
    """What the journal knows of an endpoint."""

    __slots__ = tuple(_ENDPOINT_COLUMNS.split(", "))

    backend: str
    name: str
    profile: str
    ref: str
    owner: str
    created_at: str
    job: str


class Journal:
    """The journal in one folder; safe for many processes and threads."""

    _connection: sqlite3.Connection | None = None

    def __init__(self, home: os.PathLike[str] | str) -> None:
        self._folder = os.fspath(home)
        self._lock = threading.RLock()

    def __del__(self) -> None:
        # Estimators and jobs share a journal for as long as they live, so none of them can close it.
        if self._connection is not None:
            self._connection.close()

    def close(self) -> None:
        """Close the file; the next call opens it again."""
        with self._lock:
            if self._connection is not None:
                self._connection.close()
                self._connection = None

    # Jobs

    def intend(self, plan: Plan, profile: str) -> None:
        """Write down that the planned job is about to be submitted; `Conflict` when its key is taken."""
        from anyfit.codec import dumps

        spec = plan.spec
        row = (plan.backend, spec.key, spec.name, profile, identity(), _now(), dumps(spec), dumps(plan))
        with self._transaction() as db:
            try:
                db.execute(
                    "INSERT INTO jobs (backend, key, name, profile, owner, created_at, spec, plan)"
                    " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                    row,
                )
            except sqlite3.IntegrityError:
                raise Conflict(
                    f"job_name: there is already a job {spec.key!r} on {plan.backend}",
                    hint="choose another job_name, leave it out for a new one each time,"
                    " or pass version_of to make a new version",
                    backend=plan.backend,
                ) from None

    def withdraw(self, backend: str, key: str) -> None:
        """Forget an intent whose request was refused, so that the name is free again."""
        with self._transaction() as db:
            db.execute("DELETE FROM jobs WHERE backend = ? AND key = ? AND ref = ''", (backend, key))

    def submitted(self, key: str, ref: JobRef) -> None:
        """Write down where the intended job is."""
        with self._transaction() as db:
            db.execute("UPDATE jobs SET ref = ? WHERE backend = ? AND key = ?", (str(ref), ref.backend, key))

    def adopt(self, spec: JobSpec, ref: JobRef, profile: str) -> None:
        """Add a job that another machine submitted."""
        from anyfit.codec import dumps

        with self._transaction() as db:
            db.execute(
                "INSERT OR IGNORE INTO jobs (backend, key, name, profile, ref, owner, created_at, spec, plan)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?, '')",
                (ref.backend, spec.key, spec.name, profile, str(ref), identity(), _now(), dumps(spec)),
            )

    def observed(self, ref: JobRef, state: JobState) -> None:
        """Keep the newest known state of a job; a watcher that is late does not take back an end."""
        from anyfit.codec import dumps

        ended = state.ended_at.isoformat() if state.ended_at else (_now() if state.status.finished else "")
        with self._transaction() as db:
            db.execute(
                "UPDATE jobs SET status = ?, reason = ?, ended_at = ?, state = ?"
                " WHERE ref = ? AND (? OR status NOT IN ('SUCCEEDED', 'FAILED', 'STOPPED'))",
                (state.status.value, state.reason, ended, dumps(state), str(ref), state.status.finished),
            )

    def forget(self, ref: JobRef) -> None:
        """Remove a deleted job."""
        with self._transaction() as db:
            db.execute("DELETE FROM jobs WHERE ref = ?", (str(ref),))

    def jobs(self, *, backend: str = "", name: str = "", unfinished: bool = False, limit: int = -1) -> list[JobRow]:
        """Jobs, newest first."""
        where, values = ["1"], []
        if backend:
            where.append("backend = ?")
            values.append(backend)
        if name:
            where.append("(name = ? OR key = ? OR ref = ?)")
            values += [name, name, name]
        if unfinished:
            where.append("status NOT IN ('SUCCEEDED', 'FAILED', 'STOPPED')")
        order = "+id" if unfinished else "id"  # the sign lets SQLite use the index of the few unfinished ones
        query = f"SELECT {_JOB_COLUMNS} FROM jobs WHERE {' AND '.join(where)} ORDER BY {order} DESC LIMIT ?"  # noqa: S608 - fixed words only
        with self._lock:
            return [JobRow(*row) for row in self._db().execute(query, (*values, limit))]

    def count(self, *, backend: str = "") -> int:
        """How many jobs there are."""
        with self._lock:
            found = self._db().execute("SELECT COUNT(*) FROM jobs WHERE ? IN ('', backend)", (backend,)).fetchone()
        return int(found[0])

    def spec(self, row: JobRow) -> JobSpec:
        """What was asked for."""
        from anyfit.codec import loads
        from anyfit.spec import JobSpec

        return loads(JobSpec, self._text("spec", row))

    def plan(self, row: JobRow) -> Plan | None:
        """What was sent, or None for a job that another machine submitted."""
        from anyfit.backend import Plan
        from anyfit.codec import loads

        text = self._text("plan", row)
        return loads(Plan, text) if text else None

    def state(self, row: JobRow) -> JobState | None:
        """The newest state that was seen, or None."""
        from anyfit.backend import JobState
        from anyfit.codec import loads

        text = self._text("state", row)
        return loads(JobState, text) if text else None

    def abandoned(self) -> list[JobRow]:
        """Intents whose client is gone: nobody knows yet whether the request arrived."""
        query = f"SELECT {_JOB_COLUMNS} FROM jobs WHERE ref = ''"  # noqa: S608 - fixed words only
        with self._lock:
            rows = [JobRow(*row) for row in self._db().execute(query)]
        return [row for row in rows if not alive(row.owner)]

    # Endpoints

    def intend_endpoint(self, backend: str, spec: EndpointSpec, profile: str, job: str) -> None:
        """Write down that an endpoint is about to be made; `Conflict` when its name is taken."""
        from anyfit.codec import dumps

        with self._transaction() as db:
            try:
                db.execute(
                    "INSERT INTO endpoints (backend, name, profile, owner, created_at, spec, job)"
                    " VALUES (?, ?, ?, ?, ?, ?, ?)",
                    (backend, spec.name, profile, identity(), _now(), dumps(spec), job),
                )
            except sqlite3.IntegrityError:
                raise Conflict(
                    f"endpoint_name: there is already an endpoint {spec.name!r} on {backend}",
                    hint=f"choose another endpoint_name, or delete it: anyfit endpoints delete {spec.name}",
                    backend=backend,
                ) from None

    def withdraw_endpoint(self, backend: str, name: str) -> None:
        """Forget an endpoint that could not be made."""
        with self._transaction() as db:
            db.execute("DELETE FROM endpoints WHERE backend = ? AND name = ? AND ref = ''", (backend, name))

    def deployed(self, name: str, ref: EndpointRef) -> None:
        """Write down where the intended endpoint is."""
        with self._transaction() as db:
            db.execute("UPDATE endpoints SET ref = ? WHERE backend = ? AND name = ?", (str(ref), ref.backend, name))

    def forget_endpoint(self, ref: EndpointRef) -> None:
        """Remove a deleted endpoint."""
        with self._transaction() as db:
            db.execute("DELETE FROM endpoints WHERE ref = ?", (str(ref),))

    def endpoints(self, *, backend: str = "", name: str = "") -> list[EndpointRow]:
        """Endpoints, newest first."""
        where, values = ["1"], []
        if backend:
            where.append("backend = ?")
            values.append(backend)
        if name:
            where.append("(name = ? OR ref = ?)")
            values += [name, name]
        query = f"SELECT {_ENDPOINT_COLUMNS} FROM endpoints WHERE {' AND '.join(where)} ORDER BY id DESC"  # noqa: S608 - fixed words only
        with self._lock:
            return [EndpointRow(*row) for row in self._db().execute(query, values)]

    def abandoned_endpoints(self) -> list[EndpointRow]:
        """Endpoint intents whose client is gone."""
        return [row for row in self.endpoints() if not row.ref and not alive(row.owner)]

    # The file

    def _text(self, column: str, row: JobRow) -> str:
        query = f"SELECT {column} FROM jobs WHERE backend = ? AND key = ?"  # noqa: S608 - fixed words only
        with self._lock:
            found = self._db().execute(query, (row.backend, row.key)).fetchone()
        return str(found[0]) if found else ""

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        with self._lock, self._db() as db:
            try:
                yield db
            except sqlite3.OperationalError as fault:
                raise self._unusable(fault) from fault

    def _db(self) -> sqlite3.Connection:
        if self._connection is None:
            try:
                self._connection = self._open()
            except (OSError, sqlite3.DatabaseError) as fault:
                raise self._unusable(fault) from fault
        return self._connection

    def _open(self) -> sqlite3.Connection:
        os.makedirs(self._folder, mode=0o700, exist_ok=True)  # noqa: PTH103  (pathlib would be imported for this only)
        db = sqlite3.connect(f"{self._folder}/journal.sqlite3", timeout=_WAIT_SECONDS, check_same_thread=False)
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
        while db.execute("PRAGMA user_version").fetchone()[0] < _SCHEMA_VERSION:
            try:
                db.execute("PRAGMA journal_mode = WAL")  # which, unlike all else, does not wait for a lock by itself
                db.executescript(f"{_SCHEMA} PRAGMA user_version = {_SCHEMA_VERSION};")
            except sqlite3.OperationalError as fault:
                if "locked" not in str(fault) or time.monotonic() > patience:
                    raise
                time.sleep(0.005)

    def _unusable(self, fault: Exception) -> StorageError:
        why = fault.strerror if isinstance(fault, OSError) else fault
        return StorageError(
            f"the journal in {self._folder} cannot be used: {why}",
            hint="see that there is room and that the folder is yours, or set ANYFIT_HOME to another one",
        )


def _now() -> str:
    return datetime.now(timezone.utc).isoformat()
