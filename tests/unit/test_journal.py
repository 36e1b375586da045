"""The journal keeps everything, also when many processes write at once."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import datetime, timezone
from pathlib import Path

import pytest
from attrs import evolve

from anyfit.backend import Cause, EndpointRef, JobRef, JobState, Offering, Plan, Request, Status
from anyfit.codec import dumps
from anyfit.errors import Conflict, StorageError
from anyfit.journal import Journal
from anyfit.spec import EndpointSpec, JobSpec, Variant

SPEC = JobSpec(name="mnist", hyperparameters={"epochs": 3, "layers": [1, None]}, tags={"名": "学习"})
PLAN = Plan(
    spec=SPEC,
    backend="cloud",
    region="north",
    offering=Offering(spec_id="small", cpus=2, memory_gib=8),
    requests=(Request("POST /jobs", {"body": {"nested": [1, 2]}}),),
)
REF = JobRef("cloud", "north", "id-1")
RUNNING = JobState(status=Status.RUNNING, native="Running")
FAILED = JobState(
    status=Status.FAILED,
    cause=Cause.OUT_OF_MEMORY,
    reason="killed",
    ended_at=datetime(2026, 11, 21, 7, tzinfo=timezone.utc),
)
ENDPOINT = EndpointSpec(name="mnist", variants=(Variant(model="cloud://north/m1"),))
ENDPOINT_REF = EndpointRef("cloud", "north", "e-1")

WORKER = """
import sys
from anyfit.backend import JobRef, JobState, Offering, Plan, Status
from anyfit.errors import Conflict
from anyfit.journal import Journal
from anyfit.spec import JobSpec

worker, offering = sys.argv[1], Offering(spec_id="s", cpus=1, memory_gib=1)
def plan(name):
    return Plan(spec=JobSpec(name=name), backend="cloud", region="r", offering=offering)
for line in sys.stdin:  # a line is the folder of a new journal, for all workers at the same moment
    journal, won = Journal(line.strip()), False
    for number in range(3):
        name = "job-%s-%d" % (worker, number)
        journal.intend(plan(name), "", "")
        ref = JobRef("cloud", "r", name)
        journal.submitted(plan(name), ref, "", "")
        journal.observed(ref, JobState(status=Status.SUCCEEDED), "")
        journal.jobs(limit=5)
    try:
        journal.intend(plan("contested"), "", "")
        won = True
    except Conflict:
        pass
    journal.close()
    print("won" if won else "lost", flush=True)
"""


ABANDON = """
import sys
from anyfit.backend import Plan
from anyfit.codec import loads
from anyfit.journal import Journal
from anyfit.spec import EndpointSpec

plan, endpoint = sys.stdin.read().splitlines()
journal = Journal(sys.argv[1])
journal.intend(loads(Plan, plan), "work", "")
journal.intend_endpoint("cloud", loads(EndpointSpec, endpoint), "work", "", "")
"""


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    """An empty journal."""
    journal = Journal(tmp_path / "home")
    yield journal
    journal.close()


def test_the_way_of_a_job(journal: Journal) -> None:
    """A job is an intent, then has its reference, then its newest state; spec and plan come back as they were."""
    journal.intend(PLAN, "work", "")
    (row,) = journal.jobs()

    assert (row.backend, row.key, row.name, row.profile, row.ref, row.status) == (
        "cloud", "mnist", "mnist", "work", "", "PENDING",
    )  # fmt: skip
    assert journal.state(row) is None
    assert not row.finished

    journal.submitted(PLAN, REF, "", "")
    journal.observed(REF, RUNNING, "")
    journal.observed(REF, FAILED, "")
    (row,) = journal.jobs()
    assert (row.ref, row.status, row.reason) == (str(REF), "FAILED", "killed")
    assert row.ended_at == "2026-11-21T07:00:00+00:00"
    assert row.finished
    assert journal.spec(row) == SPEC
    assert journal.plan(row) == PLAN
    assert journal.state(row) == FAILED


def test_an_end_is_not_taken_back(journal: Journal) -> None:
    """A watcher that is late with an older state does not undo the end of a job."""
    journal.intend(PLAN, "", "")
    journal.submitted(PLAN, REF, "", "")
    journal.observed(REF, FAILED, "")
    journal.observed(REF, RUNNING, "")
    (row,) = journal.jobs()

    assert row.status == "FAILED"
    assert journal.state(row) == FAILED


def test_it_outlives_its_client(journal: Journal, tmp_path: Path) -> None:
    """Another object on the same folder knows what the first one wrote."""
    journal.intend(PLAN, "", "")
    journal.close()

    assert [row.key for row in journal.jobs()] == ["mnist"]
    other = Journal(tmp_path / "home")
    assert [row.to_json() for row in other.jobs()] == [row.to_json() for row in journal.jobs()]
    other.close()


def test_names_are_taken(journal: Journal) -> None:
    """A name is taken per backend and version, until it is withdrawn or forgotten."""
    journal.intend(PLAN, "", "")
    with pytest.raises(Conflict, match=r"^job_name: there is already a job 'mnist' on cloud") as caught:
        journal.intend(PLAN, "", "")

    assert caught.value.hint.startswith("choose another job_name")
    journal.intend(evolve(PLAN, backend="other"), "", "")
    journal.intend(evolve(PLAN, spec=evolve(SPEC, version=2)), "", "")
    journal.withdraw("cloud", "mnist", "")
    journal.intend(PLAN, "", "")
    journal.submitted(PLAN, REF, "", "")
    journal.withdraw("cloud", "mnist", "")  # only an intent can be withdrawn
    with pytest.raises(Conflict):
        journal.intend(PLAN, "", "")
    journal.forget(REF, "")
    journal.intend(PLAN, "", "")


def test_places_are_apart(journal: Journal) -> None:
    """Two accounts of one backend may use one name, and even one reference, without meeting."""
    for place in ("alice@north", "bob@north"):
        journal.intend(PLAN, "", place)
        journal.submitted(PLAN, REF, "", place)
        journal.intend_endpoint("cloud", ENDPOINT, "", "", place)
        journal.deployed(ENDPOINT, ENDPOINT_REF, "", "", place)
    journal.observed(REF, FAILED, "bob@north")
    journal.forget_endpoint(ENDPOINT_REF, "alice@north")

    assert [(row.place, row.status) for row in journal.jobs()] == [("bob@north", "FAILED"), ("alice@north", "PENDING")]
    assert [row.place for row in journal.endpoints()] == ["bob@north"]
    with pytest.raises(Conflict):
        journal.intend(PLAN, "", "bob@north")
    journal.forget(REF, "bob@north")
    assert [row.place for row in journal.jobs()] == ["alice@north"]


def test_queries(journal: Journal) -> None:
    """Jobs come newest first, by backend, by name, key or reference, unfinished ones alone, and so many."""
    for number, backend in enumerate(["cloud", "other", "cloud"]):
        spec = evolve(SPEC, name=f"job{number}", version=1 + number)
        plan = evolve(PLAN, backend=backend, spec=spec)
        journal.intend(plan, "", "")
        journal.submitted(plan, JobRef(backend, "r", f"id{number}"), "", "")
    journal.observed(JobRef("other", "r", "id1"), FAILED, "")

    def names(**query: object) -> list[str]:
        return [row.name for row in journal.jobs(**query)]  # type: ignore[arg-type]

    assert names() == ["job2", "job1", "job0"]
    assert names(backend="cloud") == ["job2", "job0"]
    assert names(unfinished=True) == ["job2", "job0"]
    assert names(limit=2) == ["job2", "job1"]
    assert names(name="job2") == names(name="job2.v3") == names(name="cloud://r/id2") == ["job2"]
    assert names(name="job") == []


def test_adopted_jobs(journal: Journal) -> None:
    """A job of another machine has no plan, and adopting it twice or over an own job changes nothing."""
    journal.adopt(SPEC, REF, "work", "")
    journal.adopt(SPEC, REF, "play", "")
    (row,) = journal.jobs()

    assert (row.ref, row.profile) == (str(REF), "work")
    assert journal.spec(row) == SPEC
    assert journal.plan(row) is None


def test_abandoned_intents(journal: Journal, tmp_path: Path) -> None:
    """Intents of clients that are gone are known; those of living ones and submitted jobs are nobody's concern."""
    abandon(tmp_path / "home")
    journal.intend(evolve(PLAN, spec=evolve(SPEC, name="alive")), "", "")
    (row,) = journal.abandoned()

    assert (row.key, row.profile) == ("mnist", "work")
    journal.submitted(PLAN, REF, "", "")
    assert journal.abandoned() == []


def test_intents_of_others(journal: Journal, tmp_path: Path) -> None:
    """What another client intends is its own: it can neither be withdrawn nor left by this one."""
    abandon(tmp_path / "home")
    journal.withdraw("cloud", "mnist", "")
    journal.leave("cloud", "mnist", "")
    journal.withdraw_endpoint("cloud", "mnist", "")
    journal.leave_endpoint("cloud", "mnist", "")

    assert [row.owner != "" for row in journal.abandoned()] == [True]
    assert [row.owner != "" for row in journal.abandoned_endpoints()] == [True]


def test_claims(journal: Journal, tmp_path: Path) -> None:
    """Of several clients that find an abandoned intent one alone gets it, and then may withdraw or leave it."""
    abandon(tmp_path / "home")
    (row,), (endpoint,) = journal.abandoned(), journal.abandoned_endpoints()

    assert [journal.claim(row), journal.claim(row)] == [True, False]
    assert [journal.claim(endpoint), journal.claim(endpoint)] == [True, False]
    assert journal.abandoned() == []
    assert journal.abandoned_endpoints() == []
    journal.leave("cloud", "mnist", "")
    (row,) = journal.abandoned()
    assert row.owner == ""
    assert journal.claim(row)
    journal.withdraw("cloud", "mnist", "")
    journal.withdraw_endpoint("cloud", "mnist", "")
    assert journal.jobs() == []
    assert journal.endpoints() == []


def test_claims_that_are_settled(journal: Journal, tmp_path: Path) -> None:
    """What was found to exist is no longer anybody's intent."""
    abandon(tmp_path / "home")
    (row,), (endpoint,) = journal.abandoned(), journal.abandoned_endpoints()
    journal.claim(row)
    journal.claim(endpoint)
    journal.found(row, REF)
    journal.found(endpoint, ENDPOINT_REF)

    assert not journal.claim(row)
    assert not journal.claim(endpoint)
    assert [row.ref for row in journal.jobs()] == [str(REF)]
    assert [row.ref for row in journal.endpoints()] == [str(ENDPOINT_REF)]


def test_an_intent_that_somebody_removed(journal: Journal) -> None:
    """A job or endpoint that was made is in the journal, even if its intent has gone while the request was sent."""
    journal.intend(PLAN, "work", "")
    journal.withdraw("cloud", "mnist", "")
    journal.submitted(PLAN, REF, "work", "")
    journal.deployed(ENDPOINT, ENDPOINT_REF, "work", str(REF), "")
    (row,), (endpoint,) = journal.jobs(), journal.endpoints()

    assert (row.ref, row.profile, row.status) == (str(REF), "work", "PENDING")
    assert journal.plan(row) == PLAN
    assert (endpoint.ref, endpoint.profile, endpoint.job) == (str(ENDPOINT_REF), "work", str(REF))


def abandon(home: Path) -> None:
    """Let a client die over its intents of a job and an endpoint."""
    given = f"{dumps(PLAN)}\n{dumps(ENDPOINT)}"
    subprocess.run([sys.executable, "-c", ABANDON, str(home)], input=given, text=True, check=True)


def test_endpoints(journal: Journal) -> None:
    """Endpoints have the same way: an intent, a reference, and an end."""
    journal.intend_endpoint("cloud", ENDPOINT, "work", "cloud://north/id-1", "")
    with pytest.raises(Conflict, match=r"^endpoint_name: "):
        journal.intend_endpoint("cloud", ENDPOINT, "", "", "")
    journal.deployed(ENDPOINT, ENDPOINT_REF, "work", "", "")
    journal.withdraw_endpoint("cloud", "mnist", "")
    (row,) = journal.endpoints(name="mnist")

    assert (row.ref, row.profile, row.job) == (str(ENDPOINT_REF), "work", "cloud://north/id-1")
    assert [found.name for found in journal.endpoints(name=str(ENDPOINT_REF))] == ["mnist"]
    assert [found.name for found in journal.endpoints(backend="cloud")] == ["mnist"]
    assert journal.endpoints(backend="other") == []
    assert journal.abandoned_endpoints() == []
    journal.forget_endpoint(ENDPOINT_REF, "")
    assert journal.endpoints() == []


def test_many_processes_at_once(tmp_path: Path) -> None:
    """Processes that open a new journal at the same moment and hammer it lose nothing, and one alone wins a name."""
    with ExitStack() as running:
        workers = [running.enter_context(_worker(number)) for number in range(8)]
        for number in range(8):
            home = tmp_path / f"home{number}"
            answers = _each(workers, f"{home}\n")

            assert sorted(answers) == ["lost"] * 7 + ["won"]
            journal = Journal(home)
            rows = journal.jobs()
            journal.close()
            assert len(rows) == 25
            assert sum(row.finished for row in rows) == 24


def _worker(number: int) -> subprocess.Popen[str]:
    command = [sys.executable, "-W", "error", "-c", WORKER, str(number)]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def _each(workers: list[subprocess.Popen[str]], line: str) -> list[str]:
    """Send all workers a line at the same moment; their answers."""
    for worker in workers:
        assert worker.stdin is not None
        worker.stdin.write(line)
        worker.stdin.flush()
    return [worker.stdout.readline().strip() for worker in workers if worker.stdout]


def test_threads(journal: Journal) -> None:
    """Several threads may use one journal."""
    from concurrent.futures import ThreadPoolExecutor

    def submit(number: int) -> None:
        plan = evolve(PLAN, spec=evolve(SPEC, name=f"job{number}"))
        journal.intend(plan, "", "")
        journal.submitted(plan, JobRef("cloud", "r", str(number)), "", "")

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(submit, range(40)))

    assert sum(bool(row.ref) for row in journal.jobs()) == 40


def test_waiting_for_another(journal: Journal, tmp_path: Path) -> None:
    """While another process writes, readers go on and see what was there before."""
    journal.intend(PLAN, "", "")
    other = sqlite3.connect(tmp_path / "home" / "journal.sqlite3", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    other.execute("DELETE FROM jobs")

    assert [row.key for row in journal.jobs()] == ["mnist"]
    other.execute("ROLLBACK")
    other.close()


def test_a_journal_that_nobody_holds(tmp_path: Path) -> None:
    """A journal that is let go closes its file, without a word."""
    script = f"from anyfit.journal import Journal; Journal({str(tmp_path)!r}).jobs(); import gc; gc.collect()"
    done = subprocess.run([sys.executable, "-W", "always", "-c", script], capture_output=True, text=True, check=True)

    assert done.stderr == ""
    assert [path.name for path in tmp_path.iterdir()] == ["journal.sqlite3"]


def test_unusable_files(tmp_path: Path) -> None:
    """A journal that cannot be opened is an error that names the folder and says what to do."""
    (tmp_path / "file").write_text("")
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "journal.sqlite3").write_text("this is not a database" * 100)
    for folder in ("file", "home"):
        with pytest.raises(StorageError, match=rf"^the journal in .*{folder} cannot be used: ") as caught:
            Journal(tmp_path / folder).jobs()

        assert "ANYFIT_HOME" in caught.value.hint
