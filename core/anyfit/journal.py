"""Every job, model and endpoint that this user ever asked for, on any backend.

A row is written as an intent before the request is sent and gets its reference after it, so that a client
killed in between loses nothing: `abandoned()` lists what has to be looked up by name. One SQLite file in WAL
mode; any number of processes may use it at once. Rows of the first format of the file have the place "".
"""

from __future__ import annotations

import os
import sqlite3
from datetime import datetime, timezone

from anyfit.errors import Conflict
from anyfit.journalfile import JournalFile
from anyfit.processes import alive, identity

TYPE_CHECKING = False  # no import of typing here: `anyfit jobs` has no time for it
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from anyfit.backend import EndpointRef, JobRef, JobState, Plan
    from anyfit.modelrows import ModelRows
    from anyfit.spec import EndpointSpec, JobSpec

__all__ = ["EndpointRow", "JobRow", "Journal", "name_taken"]

_FINAL = ("SUCCEEDED", "FAILED", "STOPPED")
_JOB_COLUMNS = "id, backend, place, key, name, profile, ref, owner, status, reason, created_at, ended_at"
_ENDPOINT_COLUMNS = "id, backend, place, name, profile, ref, owner, created_at, job"


class _Row:
    """Some columns of a table: its number, and texts."""

    __slots__: tuple[str, ...] = ()

    id: int
    backend: str
    place: str
    name: str
    profile: str
    owner: str

    def __init__(self, *values: Any) -> None:
        for name, value in zip(self.__slots__, values, strict=True):
            setattr(self, name, value)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(f'{n}={getattr(self, n)!r}' for n in self.__slots__)})"


class JobRow(_Row):
    """What the journal knows of a job without reading its plan; times are ISO texts."""

    __slots__ = tuple(_JOB_COLUMNS.split(", "))

    key: str
    ref: str
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

    ref: str
    created_at: str
    job: str


class Journal:
    """The journal in one folder; safe for many processes and threads."""

    def __init__(self, home: os.PathLike[str] | str) -> None:
        self._file = JournalFile(os.fspath(home))

    def close(self) -> None:
        """Close the file; the next call opens it again."""
        self._file.close()

    @property
    def models(self) -> ModelRows:
        """What was asked for of models and is not answered yet."""
        from anyfit.modelrows import ModelRows

        return ModelRows(self._file)

    # Jobs

    def intend(self, plan: Plan, profile: str, place: str) -> None:
        """Write down that the planned job is about to be submitted; `Conflict` when its key is taken."""
        from anyfit.codec import dumps

        spec = plan.spec
        row = (plan.backend, place, spec.key, spec.name, profile, identity(), _now(), dumps(spec), dumps(plan))
        with self._file.use(durable=True) as db:
            try:
                db.execute(
                    "INSERT INTO jobs (backend, place, key, name, profile, owner, created_at, spec, plan)"
                    " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                    row,
                )
            except sqlite3.IntegrityError:
                raise Conflict(
                    f"job_name: there is already a job {spec.key!r} on {plan.backend}",
                    hint="choose another job_name, or leave it out for a new one each time",
                    backend=plan.backend,
                ) from None

    def withdraw(self, backend: str, key: str, place: str) -> None:
        """Forget this process's intent whose request was refused, so that the name is free again."""
        with self._file.use() as db:
            db.execute(
                "DELETE FROM jobs WHERE backend = ? AND place = ? AND key = ? AND ref = '' AND owner = ?",
                (backend, place, key, identity()),
            )

    def leave(self, backend: str, key: str, place: str) -> None:
        """Give up this process's intent, for whoever comes next to find out whether the request arrived."""
        with self._file.use() as db:
            db.execute(
                "UPDATE jobs SET owner = '' WHERE backend = ? AND place = ? AND key = ? AND ref = '' AND owner = ?",
                (backend, place, key, identity()),
            )

    def submitted(self, plan: Plan, ref: JobRef, profile: str, place: str) -> None:
        """Write down where the intended job is, also when somebody has removed the intent meanwhile."""
        with self._file.use() as db:
            found = db.execute(
                "UPDATE jobs SET ref = ? WHERE backend = ? AND place = ? AND key = ?",
                (str(ref), ref.backend, place, plan.spec.key),
            )
            if not found.rowcount:
                self._add(db, plan.spec, ref, profile, place, plan)

    def adopt(self, spec: JobSpec, ref: JobRef, profile: str, place: str, created_at: datetime | None = None) -> None:
        """Add a job that another machine submitted."""
        with self._file.use() as db:
            self._add(db, spec, ref, profile, place, None, created_at)

    def observed(self, ref: JobRef, state: JobState, place: str) -> None:
        """Keep the newest known state of a job; a watcher that is late does not take back an end."""
        from anyfit.codec import dumps

        ended = state.ended_at.isoformat() if state.ended_at else (_now() if state.status.finished else "")
        with self._file.use() as db:
            db.execute(
                "UPDATE jobs SET status = ?, reason = ?, ended_at = ?, state = ?"
                " WHERE ref = ? AND place IN (?, '') AND (? OR status NOT IN ('SUCCEEDED', 'FAILED', 'STOPPED'))",
                (state.status.value, state.reason, ended, dumps(state), str(ref), place, state.status.finished),
            )

    def respecified(self, ref: JobRef, spec: JobSpec, place: str) -> None:
        """Keep another spec of a job in place of the one that it was submitted with."""
        from anyfit.codec import dumps

        with self._file.use() as db:
            db.execute("UPDATE jobs SET spec = ? WHERE ref = ? AND place IN (?, '')", (dumps(spec), str(ref), place))

    def forget(self, ref: JobRef, place: str) -> None:
        """Remove a deleted job."""
        with self._file.use() as db:
            db.execute("DELETE FROM jobs WHERE ref = ? AND place IN (?, '')", (str(ref), place))

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
        with self._file.use() as db:
            return [JobRow(*row) for row in db.execute(query, (*values, limit))]

    def count(self, *, backend: str = "") -> int:
        """How many jobs there are."""
        with self._file.use() as db:
            found = db.execute("SELECT COUNT(*) FROM jobs WHERE ? IN ('', backend)", (backend,)).fetchone()
        return int(found[0])

    def mentioned(self, names: Sequence[str]) -> set[str]:
        """Those of some files' names that stand in the spec of any job."""
        query = "SELECT EXISTS (SELECT 1 FROM jobs WHERE instr(spec, ?))"
        with self._file.use() as db:
            return {name for name in names if db.execute(query, (name,)).fetchone()[0]}

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

    def abandoned(self, *, own: bool = False) -> list[JobRow]:
        """Intents that their client has left, or that it died over: nobody knows yet whether the request arrived.

        Args:
            own: Also those of this process.
        """
        query = f"SELECT {_JOB_COLUMNS} FROM jobs WHERE ref = ''"  # noqa: S608 - fixed words only
        with self._file.use() as db:
            rows = [JobRow(*row) for row in db.execute(query)]
        return [row for row in rows if _is_abandoned(row, own)]

    # Endpoints

    def intend_endpoint(self, backend: str, spec: EndpointSpec, profile: str, job: str, place: str) -> None:
        """Write down that an endpoint is about to be made; `Conflict` when its name is taken."""
        from anyfit.codec import dumps

        with self._file.use(durable=True) as db:
            try:
                db.execute(
                    "INSERT INTO endpoints (backend, place, name, profile, owner, created_at, spec, job)"
                    " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                    (backend, place, spec.name, profile, identity(), _now(), dumps(spec), job),
                )
            except sqlite3.IntegrityError:
                raise name_taken(spec.name, backend) from None

    def withdraw_endpoint(self, backend: str, name: str, place: str) -> None:
        """Forget this process's intent of an endpoint that could not be made."""
        with self._file.use() as db:
            db.execute(
                "DELETE FROM endpoints WHERE backend = ? AND place = ? AND name = ? AND ref = '' AND owner = ?",
                (backend, place, name, identity()),
            )

    def leave_endpoint(self, backend: str, name: str, place: str) -> None:
        """Give up this process's intent, as `leave` does."""
        with self._file.use() as db:
            db.execute(
                "UPDATE endpoints SET owner = ''"
                " WHERE backend = ? AND place = ? AND name = ? AND ref = '' AND owner = ?",
                (backend, place, name, identity()),
            )

    def deployed(self, spec: EndpointSpec, ref: EndpointRef, profile: str, job: str, place: str) -> None:
        """Write down where the intended endpoint is, also when somebody has removed the intent meanwhile."""
        from anyfit.codec import dumps

        with self._file.use() as db:
            found = db.execute(
                "UPDATE endpoints SET ref = ? WHERE backend = ? AND place = ? AND name = ?",
                (str(ref), ref.backend, place, spec.name),
            )
            if not found.rowcount:
                db.execute(
                    "INSERT INTO endpoints (backend, place, name, profile, ref, owner, created_at, spec, job)"
                    " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                    (ref.backend, place, spec.name, profile, str(ref), identity(), _now(), dumps(spec), job),
                )

    def forget_endpoint(self, ref: EndpointRef, place: str) -> None:
        """Remove a deleted endpoint."""
        with self._file.use() as db:
            db.execute("DELETE FROM endpoints WHERE ref = ? AND place IN (?, '')", (str(ref), place))

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
        with self._file.use() as db:
            return [EndpointRow(*row) for row in db.execute(query, values)]

    def abandoned_endpoints(self, *, own: bool = False) -> list[EndpointRow]:
        """The same of endpoints."""
        return [row for row in self.endpoints() if not row.ref and _is_abandoned(row, own)]

    # Abandoned rows of both kinds

    def claim(self, row: JobRow | EndpointRow) -> bool:
        """Make this process the owner of an abandoned intent; False when another was faster."""
        query = f"UPDATE {_table(row)} SET owner = ? WHERE id = ? AND ref = '' AND owner = ?"  # noqa: S608 - fixed words only
        with self._file.use() as db:
            return db.execute(query, (identity(), row.id, row.owner)).rowcount == 1

    def found(self, row: JobRow | EndpointRow, ref: JobRef | EndpointRef) -> None:
        """Write down where the job or endpoint of a claimed intent is."""
        with self._file.use() as db:
            db.execute(f"UPDATE {_table(row)} SET ref = ? WHERE id = ?", (str(ref), row.id))  # noqa: S608 - fixed words only

    def _add(
        self,
        db: sqlite3.Connection,
        spec: JobSpec,
        ref: JobRef,
        profile: str,
        place: str,
        plan: Plan | None,
        created_at: datetime | None = None,
    ) -> None:
        from anyfit.codec import dumps

        sent = dumps(plan) if plan else ""
        made = created_at.isoformat() if created_at else _now()
        row = (ref.backend, place, spec.key, spec.name, profile, str(ref), identity(), made, dumps(spec), sent)
        db.execute(
            "INSERT OR IGNORE INTO jobs (backend, place, key, name, profile, ref, owner, created_at, spec, plan)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            row,
        )

    def _text(self, column: str, row: JobRow) -> str:
        query = f"SELECT {column} FROM jobs WHERE id = ?"  # noqa: S608 - fixed words only
        with self._file.use() as db:
            found = db.execute(query, (row.id,)).fetchone()
        return str(found[0]) if found else ""


def name_taken(endpoint: str, backend: str) -> Conflict:
    """The refusal of an endpoint whose name another has."""
    return Conflict(
        f"endpoint_name: there is already an endpoint {endpoint!r} on {backend}",
        hint=f"choose another endpoint_name, or delete it: anyfit endpoints delete {endpoint}",
        backend=backend,
    )


def _is_abandoned(row: JobRow | EndpointRow, own: bool) -> bool:
    return (own and row.owner == identity()) or not alive(row.owner)


def _table(row: JobRow | EndpointRow) -> str:
    return "jobs" if isinstance(row, JobRow) else "endpoints"


def _now() -> str:
    return datetime.now(timezone.utc).isoformat()
