"""The journal's file is private, survives what it can, and tells in words what it cannot."""

from __future__ import annotations

import os
import sqlite3
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from anyfit.backend import JobRef, JobState, Offering, Plan, Status
from anyfit.errors import StorageError
from anyfit.journal import Journal
from anyfit.journalfile import JournalFile
from anyfit.spec import JobSpec

FULL = """
import resource, sys
from anyfit.backend import JobRef, JobState, Offering, Plan, Status
from anyfit.errors import StorageError
from anyfit.journal import Journal
from anyfit.spec import JobSpec

journal = Journal(sys.argv[1])
journal.jobs()
offering = Offering(spec_id="s", cpus=1, memory_gib=1)
plan = Plan(spec=JobSpec(name="mine", description="x" * 200_000), backend="cloud", region="r", offering=offering)
resource.setrlimit(resource.RLIMIT_FSIZE, (65536, 65536))
try:
    journal.intend(plan, "", "")
except StorageError as fault:
    print(fault)
"""


@pytest.fixture
def open_to_all() -> Iterator[None]:
    """A user whose new files everybody may read."""
    former = os.umask(0)
    yield
    os.umask(former)


def plan_of(name: str) -> Plan:
    """The smallest plan."""
    return Plan(
        spec=JobSpec(name=name), backend="cloud", region="r", offering=Offering(spec_id="s", cpus=1, memory_gib=1)
    )


def test_private(tmp_path: Path, open_to_all: None) -> None:
    """Nobody else reads what was asked for: neither in the file nor in those that SQLite has beside it."""
    journal = Journal(tmp_path)
    journal.intend(plan_of("mine"), "", "")
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()}
    journal.close()

    assert modes == dict.fromkeys(["journal.sqlite3", "journal.sqlite3-wal", "journal.sqlite3-shm"], 0o600)


def test_a_torn_file(tmp_path: Path) -> None:
    """Damage that shows up only when something is read is told as an error with a hint."""
    journal = Journal(tmp_path)
    for number in range(200):
        journal.intend(plan_of(f"job{number}"), "", "")
    journal.close()
    path = tmp_path / "journal.sqlite3"
    content = path.read_bytes()
    path.write_bytes(content[:4096] + b"\xff" * (len(content) - 4096))

    reads = (journal.jobs, journal.count, journal.abandoned, journal.endpoints, lambda: journal.jobs(name="job1"))
    for read in reads:
        with pytest.raises(StorageError, match=r"^the journal in .* cannot be used: ") as caught:
            read()

        assert "ANYFIT_HOME" in caught.value.hint
    journal.close()


def test_a_full_disk(tmp_path: Path) -> None:
    """A row that finds no room, which shows when it is committed, is told as an error with a hint."""
    command = [sys.executable, "-c", FULL, str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)

    assert done.stdout.startswith(f"the journal in {tmp_path} cannot be used: ")
    assert "see that there is room" in done.stdout
    journal = Journal(tmp_path)
    assert journal.jobs() == []
    journal.close()


def test_a_newer_format(tmp_path: Path) -> None:
    """A journal that a newer anyfit wrote is left as it is."""
    db = sqlite3.connect(tmp_path / "journal.sqlite3")
    db.execute("PRAGMA user_version = 7")
    db.execute("CREATE TABLE tasks (name TEXT)")
    db.close()

    with pytest.raises(
        StorageError, match=r"was written by a newer anyfit: its format is 7, this one knows 2"
    ) as caught:
        Journal(tmp_path).jobs()
    assert "upgrade anyfit" in caught.value.hint


FIRST_FORMAT = """
CREATE TABLE jobs (
    id INTEGER PRIMARY KEY,
    backend TEXT NOT NULL, key TEXT NOT NULL, name TEXT NOT NULL, profile TEXT NOT NULL,
    ref TEXT NOT NULL DEFAULT '', owner TEXT NOT NULL,
    status TEXT NOT NULL DEFAULT 'PENDING', reason TEXT NOT NULL DEFAULT '',
    created_at TEXT NOT NULL, ended_at TEXT NOT NULL DEFAULT '',
    spec TEXT NOT NULL, plan TEXT NOT NULL, state TEXT NOT NULL DEFAULT '',
    UNIQUE (backend, key)
);
CREATE INDEX jobs_by_name ON jobs (name);
CREATE INDEX jobs_open ON jobs (status) WHERE status NOT IN ('SUCCEEDED', 'FAILED', 'STOPPED');
CREATE TABLE endpoints (
    id INTEGER PRIMARY KEY,
    backend TEXT NOT NULL, name TEXT NOT NULL, profile TEXT NOT NULL,
    ref TEXT NOT NULL DEFAULT '', owner TEXT NOT NULL,
    created_at TEXT NOT NULL, spec TEXT NOT NULL, job TEXT NOT NULL DEFAULT '',
    UNIQUE (backend, name)
);
INSERT INTO jobs VALUES (7, 'cloud', 'mine', 'mine', 'work', 'cloud://north/1', 'me', 'RUNNING', '',
    '2026-11-21T07:00:00+00:00', '', '{"name": "mine"}', '', '');
INSERT INTO endpoints VALUES (3, 'cloud', 'mine', 'work', 'cloud://north/e', 'me', '2026-11-21', '{}', '');
PRAGMA user_version = 1;
"""


def test_the_first_format(tmp_path: Path) -> None:
    """A journal of the first format is brought up to date with all that is in it, and goes on being used."""
    db = sqlite3.connect(tmp_path / "journal.sqlite3")
    db.executescript(FIRST_FORMAT)
    db.close()
    journal = Journal(tmp_path)
    (row,), (endpoint,) = journal.jobs(), journal.endpoints()

    assert (row.id, row.key, row.place, row.ref, row.status) == (7, "mine", "", "cloud://north/1", "RUNNING")
    assert journal.spec(row).name == "mine"
    assert (endpoint.name, endpoint.place, endpoint.ref) == ("mine", "", "cloud://north/e")
    journal.observed(JobRef("cloud", "north", "1"), JobState(status=Status.SUCCEEDED), "alice@north")
    assert journal.jobs()[0].status == "SUCCEEDED"
    journal.close()


def test_durable(tmp_path: Path) -> None:
    """What has to outlive a power failure is on the disk before it is over; all else need not wait for the disk."""
    file = JournalFile(str(tmp_path))
    levels = []
    for durable in (False, True, False):
        with file.use(durable=durable) as db:
            levels.append(db.execute("PRAGMA synchronous").fetchone()[0])
    file.close()

    assert levels == [1, 2, 1]


def test_intents_are_durable(tmp_path: Path) -> None:
    """An intent is on the disk before its request is sent."""
    journal = Journal(tmp_path)
    said: list[str] = []
    with journal._file.use() as db:
        db.set_trace_callback(said.append)
    journal.intend(plan_of("mine"), "", "")
    journal.close()

    words = [" ".join(text.split()[:2]) for text in said]
    assert words == ["PRAGMA synchronous", "BEGIN", "INSERT INTO", "COMMIT", "PRAGMA synchronous"]
    assert "FULL" in said[0]
