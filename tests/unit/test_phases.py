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
