"""A client that is killed at any moment loses no job and starts none twice."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest
from attrs import evolve

from anyfit.backend import Status
from anyfit.codec import dumps
from anyfit.errors import Conflict, JobFailed, NotFound
from anyfit.estimator import Estimator
from anyfit.job import find_job
from anyfit.session import Session
from anyfit.watch import wait_all

CLIENT = """
import os, signal, sys
from anyfit import Estimator
from anyfit.journal import Journal
from anyfit_local.backend import LocalBackend

moment, entry_point = sys.argv[1:]
submit, deploy = LocalBackend.submit, LocalBackend.deploy

def die(*_):
    os.kill(os.getpid(), signal.SIGKILL)

def late(*arguments):
    submit(*arguments)
    die()

if moment == "intent":
    LocalBackend.store = die
elif moment == "request":
    LocalBackend.submit = die
elif moment == "answer":
    LocalBackend.submit = late
elif moment == "deploy":
    LocalBackend.deploy = die
estimator = Estimator(entry_point=entry_point)
estimator.fit(job_name="mine", logs=False)
estimator.deploy(endpoint_name="served", wait=False)
"""
WRITE = """
import sys
from anyfit.backend import Plan
from anyfit.codec import loads
from anyfit.session import Session
Session.open().journal.intend(loads(Plan, sys.stdin.read()), "", "")
"""
SCRIPT = """
import os
print("ran")
open(os.path.join(os.environ["ANYFIT_MODEL_DIR"], "model.json"), "w").write("1")
"""


@pytest.fixture
def script(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A script, and a home of anyfit's own."""
    monkeypatch.setenv("ANYFIT_HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "train.py").write_text(SCRIPT)
    return str(tmp_path / "train.py")


def killed(moment: str, script: str) -> None:
    """A client that is killed at that moment."""
    done = subprocess.run([sys.executable, "-c", CLIENT, moment, script], capture_output=True, text=True)
    assert done.returncode == -signal.SIGKILL, done.stderr


@pytest.mark.parametrize("moment", ["intent", "request"])
def test_before_the_request(script: str, moment: str) -> None:
    """A job whose request was never sent is given up by the next client, and its name is free again."""
    killed(moment, script)
    session = Session.open()
    (row,) = session.journal.abandoned()

    assert row.key == "mine"
    (told,) = session.reconcile()
    assert told.startswith("job mine was never started")
    assert session.journal.jobs() == []
    assert session.reconcile() == []
    assert Estimator(entry_point=script).fit(job_name="mine", logs=False).state.status == Status.SUCCEEDED


def test_before_the_answer(script: str) -> None:
    """A job whose request was sent is found by its name, and goes on as if nothing had happened."""
    killed("answer", script)
    session = Session.open()
    (told,) = session.reconcile()
    job = find_job(session, "mine")

    assert told == f"job mine was started although its client ended; it is {job.ref}"
    assert session.reconcile() == []
    assert wait_all([job], timeout=30)[0].status == Status.SUCCEEDED
    assert [line.text for line in job.logs()] == ["ran"]
    with pytest.raises(Conflict):
        Estimator(entry_point=script).fit(job_name="mine", logs=False)
    assert len(job.backend.list()) == 1


def test_the_next_fit_reconciles(script: str, capfd: pytest.CaptureFixture[str]) -> None:
    """Whoever fits next is told what became of the job, before anything else happens."""
    killed("request", script)
    Estimator(entry_point=script).fit(job_name="mine")

    assert "job mine was never started" in capfd.readouterr().err


def test_an_endpoint(script: str) -> None:
    """An endpoint whose request was never sent is given up too."""
    killed("deploy", script)
    session = Session.open()
    (row,) = session.journal.abandoned_endpoints()

    assert row.name == "served"
    (told,) = session.reconcile()
    assert told.startswith("endpoint served was never made")
    assert session.journal.endpoints() == []


def test_a_living_client_is_left_alone(script: str) -> None:
    """What another client is about to submit is its own concern."""
    session = Session.open()
    plan = Estimator(entry_point=script).plan(job_name="mine")
    session.journal.intend(plan, "", "")

    assert session.reconcile() == []
    assert [row.key for row in session.journal.jobs()] == ["mine"]
    with pytest.raises(NotFound):
        find_job(session, "mine")


def test_a_backend_that_is_gone(script: str) -> None:
    """An intent whose backend cannot be asked stays open, and the sentence says why."""
    session = Session.open()
    plan = evolve(Estimator(entry_point=script).plan(job_name="mine"), backend="uninstalled")
    subprocess.run([sys.executable, "-c", WRITE], input=dumps(plan), text=True, check=True)

    (told,) = session.reconcile()
    assert told.startswith("could not find out whether job mine was started: there is no backend 'uninstalled'")
    assert [row.key for row in session.journal.abandoned()] == ["mine"]


def test_a_failing_job_is_no_reason_to_forget_it(script: str) -> None:
    """A job that fails stays in the journal with its end."""
    Path(script).write_text("raise SystemExit(3)")
    with pytest.raises(JobFailed):
        Estimator(entry_point=script).fit(job_name="mine", logs=False)
    (row,) = Session.open().journal.jobs()

    assert (row.key, row.status) == ("mine", "FAILED")
