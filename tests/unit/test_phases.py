"""States become phases, each told once, however the backend reports them."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from anyfit.backend import JobState, Status, Transition
from anyfit.phases import Phases

START = datetime(2026, 11, 21, 7, tzinfo=timezone.utc)
WAY = [Status.PENDING, Status.PREPARING, Status.RUNNING, Status.UPLOADING, Status.SUCCEEDED]


def after(*seconds: float) -> JobState:
    """A state whose history has a step at each of these seconds."""
    steps = [Transition(status, START + timedelta(seconds=at)) for status, at in zip(WAY, seconds, strict=False)]
    return JobState(status=steps[-1].status, history=tuple(steps))


def test_by_history() -> None:
    """With a history each phase has its own seconds, also those that nobody saw."""
    phases = Phases()

    assert phases.feed(after(0)) == []
    assert phases.current == "queue"
    assert phases.feed(after(0, 2, 5)) == [("queue", 2), ("prepare", 3)]
    assert (phases.current, phases.since) == ("train", START + timedelta(seconds=5))
    assert phases.feed(after(0, 2, 5)) == []
    assert phases.feed(after(0, 2, 5, 15, 16)) == [("train", 10), ("save", 1)]
    assert phases.current == ""


@given(st.lists(st.sampled_from(WAY), min_size=1))
def test_without_history(seen: list[Status]) -> None:
    """A backend that keeps no history is watched: a phase is over when another state is seen."""
    phases = Phases()
    told = [took for status in seen for _, took in phases.feed(JobState(status=status))]
    changes = [before for before, after in pairwise(seen) if before != after]

    assert sum(took is not None for took in told) == sum(status != Status.SUCCEEDED for status in changes)


def timed(status: Status, created: float, started: float | None = None, ended: float | None = None) -> JobState:
    """A state without history that has times, as far as these seconds are given."""
    times = [None if at is None else START + timedelta(seconds=at) for at in (created, started, ended)]
    return JobState(status=status, created_at=times[0], started_at=times[1], ended_at=times[2])


def test_by_times() -> None:
    """Who comes late to a backend that keeps no history learns from the state's own times how long phases took."""
    late, early = Phases(), Phases()

    assert late.feed(timed(Status.SUCCEEDED, 0, 3, 10)) == [
        ("queue", 3),
        ("prepare", None),
        ("train", 7),
        ("save", None),
    ]
    assert early.feed(timed(Status.RUNNING, 0, 3)) == [("queue", 3), ("prepare", None)]
    assert early.since == START + timedelta(seconds=3)
    assert early.feed(timed(Status.FAILED, 0, 3, 10)) == [("train", 7)]


def test_times_that_do_not_tell() -> None:
    """Without its beginning, or with times that contradict each other, a phase has no seconds."""
    for state in (
        timed(Status.SUCCEEDED, 0),
        timed(Status.SUCCEEDED, 0, None, 10),
        timed(Status.SUCCEEDED, 5, 3, 10),
    ):
        assert [seconds for _, seconds in Phases().feed(state)] == [None] * 4
    assert Phases().feed(timed(Status.FAILED, 0)) == []


def test_what_was_seen_goes_first() -> None:
    """Phases that were watched are not told again by the times of the end."""
    phases = Phases()
    phases.feed(timed(Status.PENDING, 0))
    phases.feed(timed(Status.PREPARING, 0))
    phases.feed(timed(Status.RUNNING, 0))

    assert [name for name, _ in phases.feed(timed(Status.SUCCEEDED, 0, 3, 10))] == ["train", "save"]


@given(st.sets(st.sampled_from(WAY[:-1])))
def test_unseen(seen: set[Status]) -> None:
    """A job that succeeded has passed every phase, in order, whichever of them were seen."""
    phases = Phases()
    told = [name for status in WAY if status in {*seen, WAY[-1]} for name, _ in phases.feed(JobState(status=status))]

    assert told == ["queue", "prepare", "train", "save"]


@given(st.lists(st.integers(1, len(WAY)), min_size=1).map(sorted))
def test_each_once(lengths: list[int]) -> None:
    """However often and in whatever portions a history is seen, every phase of it is told once."""
    phases = Phases()
    told = [name for length in lengths for name, _ in phases.feed(after(*range(length)))]
    names = ["queue", "prepare", "train", "save"]

    assert told == names[: max(lengths) - 1]
