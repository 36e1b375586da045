"""Watching: few questions, every line once, and patience with the network."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import pytest

from anyfit.backend import (
    Artifact,
    Backend,
    Capabilities,
    Catalog,
    JobRef,
    JobState,
    LogLine,
    LogPage,
    Named,
    Plan,
    Status,
)
from anyfit.config import Config
from anyfit.errors import AuthError, JobFailed, NotFinished, NotFound, Refused, ServiceError
from anyfit.job import Job
from anyfit.session import Session
from anyfit.spec import JobSpec
from anyfit.watch import LostContact, Tick, follow, wait_all
from waiting import within

if TYPE_CHECKING:
    from anyfit.storage import Store, Uri

RUNNING, DONE = JobState(status=Status.RUNNING), JobState(status=Status.SUCCEEDED)
FAULT = ServiceError("the line is dead")


class Played(Backend):
    """A backend that plays a script: one act, a state or a fault, for each look at its jobs."""

    name = "played"

    def __init__(self, *acts: JobState | Exception) -> None:
        self.acts = list(acts)
        self.looks: list[int] = []
        self.log: list[str] = []
        self.log_faults: list[Exception] = []

    @property
    def capabilities(self) -> Capabilities:
        return Capabilities(poll_seconds=0.001)

    def describe(self, refs: Sequence[JobRef]) -> Sequence[JobState]:
        self.looks.append(len(refs))
        act = self.acts.pop(0) if len(self.acts) > 1 else self.acts[0]
        if isinstance(act, Exception):
            raise act
        self.log.append(f"line {len(self.looks)}")
        return [act] * len(refs)

    def logs(self, ref: JobRef, cursor: str = "") -> LogPage:
        if self.log_faults:
            raise self.log_faults.pop()
        begin = int(cursor or 0)
        lines = tuple(map(LogLine, self.log[begin : begin + 2]))
        return LogPage(lines, str(begin + len(lines)), begin + len(lines) < len(self.log))

    def artifacts(self, ref: JobRef) -> Sequence[Artifact]:
        return []

    def _silent(self, *arguments: object) -> NoReturn:
        raise NotImplementedError

    def catalog(self) -> Catalog:
        self._silent()

    def plan(self, spec: JobSpec, catalog: Catalog) -> Plan:
        self._silent()

    def store(self, uri: Uri) -> Store:
        self._silent()

    def submit(self, plan: Plan) -> JobRef:
        self._silent()

    def job_spec(self, ref: JobRef) -> JobSpec:
        self._silent()

    def output_uri(self, ref: JobRef) -> str:
        self._silent()

    def stop(self, ref: JobRef) -> None:
        self._silent()

    def delete(self, ref: JobRef) -> None:
        self._silent()

    def find(self, key: str) -> JobRef | None:
        self._silent()

    def list(self, limit: int | None = None) -> Sequence[Named[JobRef]]:
        self._silent()


@pytest.fixture
def session(tmp_path: Path) -> Iterator[Session]:
    """A session with a journal of its own."""
    session = Session(Config(environ={"ANYFIT_HOME": str(tmp_path)}))
    yield session
    session.journal.close()


def job(session: Session, backend: Backend, name: str = "job") -> Job:
    """A job on the backend."""
    return Job(session, backend, JobRef("played", "here", name), JobSpec(name=name))


def lines(events: Sequence[object]) -> list[str]:
    """The log lines among the events."""
    return [event.text for event in events if isinstance(event, LogLine)]


def test_follow(session: Session) -> None:
    """States come when they change, every line comes once, and the last lines come after the end."""
    backend = Played(JobState(status=Status.PENDING), RUNNING, RUNNING, DONE)
    events = list(follow(job(session, backend)))

    assert [e.status.value for e in events if isinstance(e, JobState)] == ["PENDING", "RUNNING", "SUCCEEDED"]
    assert lines(events) == ["line 1", "line 2", "line 3", "line 4"]
    assert events[-1] == DONE, "the end is told after the last line"
    assert any(isinstance(event, Tick) for event in events)


def test_follow_from_a_cursor(session: Session) -> None:
    """Following goes on where a cursor says."""
    assert lines(list(follow(job(session, Played(RUNNING, RUNNING, DONE)), cursor="2"))) == ["line 3"]


def test_follow_without_logs(session: Session) -> None:
    """Who wants no lines gets none."""
    assert lines(list(follow(job(session, Played(RUNNING, DONE)), logs=False))) == []


def test_lost_contact(session: Session) -> None:
    """A dead line is told once, watching goes on, and no line is lost or told twice."""
    backend = Played(RUNNING, FAULT, FAULT, FAULT, RUNNING, DONE)
    events = list(follow(job(session, backend)))

    assert [event for event in events if isinstance(event, LostContact)] == [LostContact("the line is dead")]
    assert lines(events) == backend.log


def test_lost_contact_while_reading_logs(session: Session) -> None:
    """A fault between the end of the job and its last lines loses neither."""
    backend = Played(DONE)
    backend.log_faults = [FAULT]
    events = list(follow(job(session, backend)))

    assert [type(event).__name__ for event in events] == ["LostContact", *["LogLine"] * len(backend.log), "JobState"]
    assert lines(events) == backend.log != []


REFUSED = Refused("nobody listens")


def test_a_place_that_refuses_for_long(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    """A place where nobody listens is given up some day, and the error says how to go on."""
    monkeypatch.setattr("anyfit.contact._LONGEST_REFUSAL", 0.02)

    with pytest.raises(ServiceError, match="lost contact: nobody listens") as caught:
        list(follow(job(session, Played(RUNNING, REFUSED))))
    assert "anyfit attach job" in caught.value.hint
    with pytest.raises(ServiceError, match="lost contact: nobody listens"):
        wait_all([job(session, Played(REFUSED))])


def test_patience_begins_anew(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    """An answer, or a fault of the network, ends a refusal; the next one has its whole time again."""
    monkeypatch.setattr("anyfit.contact.time", Hours())
    acts: list[JobState | Exception] = [RUNNING, REFUSED, RUNNING, REFUSED, FAULT, REFUSED, DONE]

    assert list(follow(job(session, Played(*acts))))[-1] == DONE
    assert wait_all([job(session, Played(*acts))]) == [DONE]


class Hours:
    """A clock that goes on by an hour for each look."""

    def __init__(self) -> None:
        self._now = 0.0

    def monotonic(self) -> float:
        self._now += 3600
        return self._now


def test_a_configuration_that_leads_elsewhere(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    """Watching ends as soon as the configuration names another place, and only then."""
    places = ["", "", "me@elsewhere"]
    monkeypatch.setattr(session, "moved", lambda backend: places.pop(0))

    with pytest.raises(ServiceError, match="lost contact: the line is dead") as caught:
        list(follow(job(session, Played(RUNNING, FAULT))))

    assert not places
    assert caught.value.hint == "the configuration now leads to me@elsewhere; anyfit attach job asks there"


def test_logs_tell_that_contact_is_lost(session: Session) -> None:
    """Who follows a log is told why nothing comes."""
    told: list[str] = []
    found = job(session, Played(RUNNING, RUNNING, FAULT, DONE)).logs(follow=True, on_lost=told.append)

    assert len(list(found)) == 3
    assert told == ["the line is dead"]


def test_a_log_that_never_comes(session: Session) -> None:
    """A job that has ended is not followed for ever when its log cannot be had."""
    backend = Played(DONE)
    backend.log_faults = [FAULT] * 1000

    events = list(follow(job(session, backend)))

    assert events == [LostContact(FAULT.message), DONE]


def test_a_dead_backend_holds_no_other_up(session: Session) -> None:
    """While one backend cannot be reached, the jobs of another are still looked at."""
    dead, living = Played(FAULT), Played(DONE)
    jobs = [job(session, dead, "one"), job(session, living, "two")]

    with pytest.raises(NotFinished):
        wait_all(jobs, timeout=0.05)

    assert jobs[1].finished
    assert len(living.looks) == 1


def test_other_faults_end_it(session: Session) -> None:
    """What waiting cannot mend is not waited for."""
    with pytest.raises(AuthError):
        list(follow(job(session, Played(RUNNING, AuthError("expired")))))


def test_timeout(session: Session) -> None:
    """Who waits no longer than so many seconds hears that the job goes on."""
    with pytest.raises(NotFinished):
        list(follow(job(session, Played(RUNNING)), timeout=0.01))
    with pytest.raises(NotFinished):
        wait_all([job(session, Played(FAULT))], timeout=0.01)
    with pytest.raises(NotFinished, match="job job is still running") as caught:
        job(session, Played(RUNNING)).wait(timeout=0.01)
    assert "anyfit attach job" in caught.value.hint


def test_wait_for_many(session: Session) -> None:
    """Any number of jobs of a backend costs one question per look, and none for those that have ended."""
    backend, other = Played(RUNNING, FAULT, RUNNING, DONE), Played(DONE)
    jobs = [job(session, backend, f"job{number}") for number in range(50)] + [job(session, other)]
    states = wait_all(jobs)

    assert states == [DONE] * 51
    assert backend.looks == [50, 50, 50, 50]
    assert other.looks == [1]
    assert wait_all(jobs) == states
    assert len(backend.looks) == 4
    assert wait_all([]) == []


def test_the_journal_is_told(session: Session) -> None:
    """What is seen of a job is in the journal."""
    watched = job(session, Played(RUNNING, JobState(status=Status.FAILED, exit_code=3, reason="fell over")))
    session.journal.adopt(watched.spec, watched.ref, "", "")
    with pytest.raises(JobFailed):
        watched.wait()
    (row,) = session.journal.jobs()

    assert (row.status, row.reason) == ("FAILED", "fell over")


def test_unknown_is_no_news(session: Session) -> None:
    """A state that the platform cannot tell for a moment does not end a job, nor go into the journal."""
    watched = job(session, Played(RUNNING, JobState(status=Status.UNKNOWN), DONE))
    session.journal.adopt(watched.spec, watched.ref, "", "")
    list(follow(watched))

    assert watched.state == DONE
    assert session.journal.jobs()[0].status == "SUCCEEDED"


RIDDLE = JobState(status=Status.UNKNOWN, native="PONDERING", reason="nobody knows why")


def test_unknown_state_is_not_watched_for_ever(session: Session) -> None:
    """A job that stays in a state that nobody knows ends the watching, with the platform's own word."""
    with pytest.raises(NotFinished, match=r"'PONDERING'.*nobody knows why"):
        list(follow(job(session, Played(RUNNING, RIDDLE))))
    with pytest.raises(NotFinished, match="PONDERING"):
        wait_all([job(session, Played(RIDDLE))])


GONE = JobState(status=Status.UNKNOWN, reason="there is no such job", gone=True)


def test_job_that_is_gone_is_not_watched_for_ever(session: Session) -> None:
    """A job that its platform no longer has ends the watching as not found; one look may come too early."""
    with pytest.raises(NotFound, match="there is no such job"):
        list(follow(job(session, Played(RUNNING, GONE))))

    assert [s.status for s in wait_all([job(session, Played(GONE, RUNNING, DONE))])] == [Status.SUCCEEDED]


def test_unknown_state_that_passes(session: Session) -> None:
    """A look or two that tell nothing are borne."""
    backend = Played(RUNNING, RIDDLE, RIDDLE, RUNNING, RIDDLE, RIDDLE, DONE)

    assert [s.status for s in wait_all([job(session, backend)])] == [Status.SUCCEEDED]


def test_a_slow_reader_costs_no_time_of_its_own(session: Session) -> None:
    """A reader that takes its time with a line is not waited for again, in multiples, before the next look."""
    backend = Played(RUNNING, RUNNING, RUNNING, DONE)
    with within(0.9):
        for event in follow(job(session, backend)):
            if isinstance(event, LogLine):
                time.sleep(0.1)
