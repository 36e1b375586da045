"""What an emulator must not forget: JSON documents by kind and id, and counters, in one SQLite file.

Emulators keep their objects in memory and write every change through, so that a killed process loses nothing:

    records = Records(directory / "state.sqlite")
    number = records.next_id(first=500000)
    records.put("job", number, {"name": "demo"})
    for number, document in records.all("job"): ...
"""

from __future__ import annotations

import json
import sqlite3
import threading
from pathlib import Path
from typing import Any

__all__ = ["Records"]

_SCHEMA = """
CREATE TABLE IF NOT EXISTS documents (
    kind TEXT NOT NULL, id TEXT NOT NULL, text TEXT NOT NULL, PRIMARY KEY (kind, id)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS counters (name TEXT PRIMARY KEY, next INTEGER NOT NULL) WITHOUT ROWID;
"""


class Records:
    """Documents on disk; every method is one transaction and safe from any thread."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._lock = threading.Lock()
        self._db = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        self._db.execute("PRAGMA journal_mode=WAL")
        self._db.execute("PRAGMA synchronous=OFF")  # survives a killed process; a power cut is not emulated
        self._db.executescript(_SCHEMA)

    def close(self) -> None:
        """Let go of the file."""
        with self._lock:
            self._db.close()

    def next_id(self, first: int = 1, counter: str = "") -> int:
        """A number that this counter never gave before, on this or an earlier run."""
        with self._lock:
            row = self._db.execute("SELECT next FROM counters WHERE name = ?", (counter,)).fetchone()
            number = int(row[0]) if row else first
            self._db.execute("INSERT OR REPLACE INTO counters VALUES (?, ?)", (counter, number + 1))
        return number

    def put(self, kind: str, identifier: object, document: dict[str, Any]) -> None:
        """Keep a document in place of an earlier one of that kind and id."""
        text = json.dumps(document, ensure_ascii=False)
        with self._lock:
            self._db.execute("INSERT OR REPLACE INTO documents VALUES (?, ?, ?)", (kind, str(identifier), text))

    def remove(self, kind: str, identifier: object) -> None:
        """Forget a document, if there is one."""
        with self._lock:
            self._db.execute("DELETE FROM documents WHERE kind = ? AND id = ?", (kind, str(identifier)))

    def get(self, kind: str, identifier: object) -> dict[str, Any] | None:
        """One document."""
        with self._lock:
            row = self._db.execute(
                "SELECT text FROM documents WHERE kind = ? AND id = ?", (kind, str(identifier))
            ).fetchone()
        return None if row is None else json.loads(row[0])

    def all(self, kind: str) -> list[tuple[str, dict[str, Any]]]:
        """Every document of a kind with its id; shorter ids first, so numbers come in their order."""
        with self._lock:
            rows = self._db.execute(
                "SELECT id, text FROM documents WHERE kind = ? ORDER BY length(id), id", (kind,)
            ).fetchall()
        return [(identifier, json.loads(text)) for identifier, text in rows]
