"""The journal's open requests for model versions.

A platform lists its models itself, so a row lives only from the intent to the answer: it is there to find out, after
a client was killed in between, whether the request arrived. Which versions there were before stands in it, since a
platform may count versions by itself.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from attrs import frozen

from anyfit.processes import alive, identity

if TYPE_CHECKING:
    from anyfit.journalfile import JournalFile

__all__ = ["ModelRow", "ModelRows"]

_COLUMNS = ("id", "backend", "place", "name", "version", "profile", "owner", "job", "known")


@frozen(kw_only=True)
class ModelRow:
    """A model version that somebody asked for.

    Attributes:
        backend, place, profile: Of whom.
        name, version: What; "" for a version that the backend counts.
        job: The reference of the job that it is made of.
        known: The references of the versions that there were before.
        owner: The process that asks.
        id: The row's number, 0 before it is written.
    """

    backend: str
    place: str
    name: str
    version: str
    profile: str
    job: str
    known: frozenset[str]
    owner: str = ""
    id: int = 0


class ModelRows:
    """The rows in one file."""

    def __init__(self, file: JournalFile) -> None:
        self._file = file

    def intend(self, row: ModelRow) -> int:
        """Write down that a version is about to be asked for; answers the row's number.

        Names are not taken by it: who counts versions lets several count at once.
        """
        known = json.dumps(sorted(row.known))
        values = (row.backend, row.place, row.name, row.version, row.profile, identity(), row.job, known)
        with self._file.use(durable=True) as db:
            made = db.execute(
                "INSERT INTO models (backend, place, name, version, profile, owner, job, known)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                values,
            )
            return int(made.lastrowid or 0)

    def close(self, number: int) -> None:
        """The question is answered, one way or the other."""
        with self._file.use() as db:
            db.execute("DELETE FROM models WHERE id = ?", (number,))

    def leave(self, number: int) -> None:
        """Give up this process's intent, for whoever comes next to find out whether the request arrived."""
        with self._file.use() as db:
            db.execute("UPDATE models SET owner = '' WHERE id = ? AND owner = ?", (number, identity()))

    def claim(self, row: ModelRow) -> bool:
        """Make this process the owner of an abandoned row; False when another was faster."""
        with self._file.use() as db:
            found = db.execute(
                "UPDATE models SET owner = ? WHERE id = ? AND owner = ?", (identity(), row.id, row.owner)
            )
            return found.rowcount == 1

    def abandoned(self) -> list[ModelRow]:
        """Rows that their client has left, or died over."""
        with self._file.use() as db:
            rows = [_row(values) for values in db.execute(f"SELECT {', '.join(_COLUMNS)} FROM models")]  # noqa: S608
        return [row for row in rows if not alive(row.owner)]


def _row(values: Sequence[Any]) -> ModelRow:
    found = dict(zip(_COLUMNS, values, strict=True))
    return ModelRow(**{**found, "known": frozenset(json.loads(found["known"]))})
