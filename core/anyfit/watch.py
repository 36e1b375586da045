"""Looking after running jobs without asking too often.

One loop looks at any number of jobs of a backend with one `describe`, pauses longer while nothing happens, and
goes on through faults of the network for as long as its caller likes to wait.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from attrs import frozen

from anyfit.backend import JobState, LogLine, Status
from anyfit.contact import Contact
from anyfit.errors import NotFinished, NotFound, ServiceError, SpecError

if TYPE_CHECKING:
    from anyfit.job import Job

_T = TypeVar("_T")

__all__ = ["LostContact", "Tick", "follow", "wait_all"]

_SLOWEST = 8  # times the backend's shortest pause
_SLOWEST_READER = 1.5  # who reads a log wants its lines soon
_OFFLINE_PAUSE = 60.0
_LONGEST_PAUSE = 30.0
_LAST_LOOKS = 4  # for the log of a job that has ended
_UNKNOWN_LOOKS = 3  # so often may a job be in a state that nobody knows before watching ends


@frozen
class LostContact:
    """The backend cannot be reached for now; watching goes on."""

    reason: str


@frozen
class Tick:
    """Nothing happened; time passed."""


class _Pauses:
    """How long to wait before the next look: short after news, longer in silence, never most of the time asking.

    The time that whoever reads the events takes for them is no time of asking, and is not waited for again.
    """

    def __init__(self, shortest: float, deadline: float | None) -> None:
        self._shortest = shortest
        self._deadline = deadline
        self._pause = shortest
        self._asked = 0.0

    def look(self, ask: Callable[[], _T]) -> _T:
        """Ask something, and count the time that it takes."""
        began = time.monotonic()
        try:
            return ask()
        finally:
            self._asked += time.monotonic() - began

    def sleep(self, *, news: bool, slowest: float = _SLOWEST) -> None:
        """Wait; `NotFinished` when the deadline has passed."""
        self._pause = self._shortest if news else min(self._pause * 1.3, self._shortest * slowest)
        self._wait(max(self._pause, min(4 * self._asked, _LONGEST_PAUSE)))

    def sleep_offline(self) -> None:
        """Wait after a fault, twice as long each time."""
        self._pause = min(max(self._pause, self._shortest) * 2, _OFFLINE_PAUSE)
        self._wait(self._pause)

    def _wait(self, seconds: float) -> None:
        if self._deadline is not None:
            left = self._deadline - time.monotonic()
            if left <= 0:
                raise NotFinished("still running after the time to wait", hint="the job goes on; wait again")
            seconds = min(seconds, left)
        time.sleep(seconds)
        self._asked = 0.0


class _Riddles:
    """Notices when every job that has not ended stays gone, or in a state that nobody knows."""

    def __init__(self) -> None:
        self._looks = 0

    def look(self, states: Sequence[JobState]) -> None:
        """Count a look; `NotFound` or `NotFinished` when enough of them told nothing: one may come too early."""
        unknown = [state for state in states if state.status == Status.UNKNOWN]
        running = [state for state in states if not state.status.finished]
        self._looks = self._looks + 1 if unknown and len(unknown) == len(running) else 0
        if self._looks >= _UNKNOWN_LOOKS:
            if all(state.gone for state in unknown):
                raise NotFound(f"the job is gone: {unknown[0].reason}", hint="anyfit jobs shows what is known of it")
            what = f"in the state {unknown[0].native!r}" if unknown[0].native else "in no state that could be told"
            why = f": {unknown[0].reason}" if unknown[0].reason else ""
            raise NotFinished(f"{what}, which anyfit does not know{why}", hint="see what the platform's console says")


def follow(
    job: Job, *, logs: bool = True, cursor: str = "", timeout: float | None = None
) -> Iterator[JobState | LogLine | LostContact | Tick]:
    """Changes of a job's state and its log lines as they come, until the job has ended and all lines were seen.

    When the job has ended and its log cannot be had, that is said and waited for a few times only. Raises
    `ServiceError` when the backend is lost for good, as `Contact` tells.
    """
    pauses = _Pauses(job.poll_seconds, _deadline(timeout))
    told: JobState | None = None
    contact = Contact([job])
    offline = False
    missed_ends = 0
    riddles = _Riddles()
    while True:
        try:
            state = pauses.look(job.refresh)
            news = state != told
            if news and not state.status.finished:
                told = state
                yield state
            if logs and state.status != Status.PENDING:
                more = True
                while more:
                    page = pauses.look(partial(job.backend.logs, job.ref, cursor))
                    cursor, more = page.cursor, page.more
                    news = news or bool(page.lines)
                    yield from page.lines
            if state.status.finished:
                yield state  # after its last lines
                return
            riddles.look([state])
            contact.made()
            offline = False
        except ServiceError as fault:
            if not offline:
                yield LostContact(fault.message)
            offline = True
            missed_ends += job.ended
            if missed_ends > _LAST_LOOKS:
                yield job.state
                return
            contact.lost(fault)
            pauses.sleep_offline()
            continue
        yield Tick()
        pauses.sleep(news=news, slowest=_SLOWEST_READER if logs else _SLOWEST)


def wait_all(jobs: Sequence[Job], *, timeout: float | None = None) -> list[JobState]:
    """Wait until every job has ended; answers their states in the order of `jobs`.

    Raises `NotFinished` when `timeout` seconds have passed; the jobs go on. Raises `ServiceError` when a backend is
    lost for good, as `Contact` tells.
    """
    from anyfit.job import Job, refresh_all

    if not isinstance(jobs, Sequence) or not all(isinstance(job, Job) for job in jobs):
        raise SpecError(f"jobs: expected a list of Job, got {jobs!r}", hint="Estimator.attach(name).latest_job is one")
    if timeout is not None and not isinstance(timeout, (int, float)):
        raise SpecError(f"timeout: expected seconds, got {timeout!r}")
    if not jobs:
        return []
    pauses = _Pauses(min(job.poll_seconds for job in jobs), _deadline(timeout))
    contact = Contact(jobs)
    ended = 0
    riddles = _Riddles()
    while True:
        try:
            states = pauses.look(partial(refresh_all, jobs))
        except ServiceError as fault:
            contact.lost(fault)
            pauses.sleep_offline()
            continue
        contact.made()
        finished = sum(state.status.finished for state in states)
        if finished == len(jobs):
            return states
        riddles.look(states)
        pauses.sleep(news=finished != ended)
        ended = finished


def _deadline(timeout: float | None) -> float | None:
    return None if timeout is None else time.monotonic() + timeout
