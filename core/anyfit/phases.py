"""The phases of a job as everybody sees them, from the states that its backend reports."""

from __future__ import annotations

from datetime import datetime, timezone

from anyfit.backend import JobState, Status, Transition

__all__ = ["Phases"]

_PHASE = {
    Status.PENDING: "queue",
    Status.PREPARING: "prepare",
    Status.RUNNING: "train",
    Status.UPLOADING: "save",
}


class Phases:
    """Turns states into phases that are over; each is told once."""

    def __init__(self) -> None:
        self._seen: list[Transition] = []
        self._told = 0
        self._reached = 0

    @property
    def current(self) -> str:
        """The phase that the job is in, or "" before the first and after the last."""
        return _PHASE.get(self._seen[-1].status, "") if self._seen else ""

    @property
    def since(self) -> datetime | None:
        """When the current phase began."""
        return self._seen[-1].at if self._seen else None

    def feed(self, state: JobState) -> list[tuple[str, float | None]]:
        """The phases that are over by now and were not told yet, with their seconds.

        A phase that came and went between two looks has None.
        """
        if len(state.history) >= len(self._seen) and state.history:
            self._seen = list(state.history)
        elif self._goes_on(steps := _by_times(state)):
            self._seen = steps
        elif not self._seen or self._seen[-1].status != state.status:
            self._seen.append(Transition(state.status, datetime.now(timezone.utc)))
        over: list[tuple[str, float | None]] = []
        for here, after in zip(self._seen[self._told :], self._seen[self._told + 1 :], strict=False):
            over += self._skipped(before=here.status)
            if here.status in _PHASE:
                over.append((_PHASE[here.status], (after.at - here.at).total_seconds()))
        self._told = max(self._told, len(self._seen) - 1)
        return over + self._skipped(before=self._seen[-1].status)

    def _goes_on(self, steps: list[Transition]) -> bool:
        """Whether the steps are more than was seen so far, and begin with the same."""
        seen = [step.status for step in self._seen]
        return len(steps) > len(seen) and [step.status for step in steps[: len(seen)]] == seen

    def _skipped(self, *, before: Status) -> list[tuple[str, float | None]]:
        """The phases that must lie between what was told and `before`; only success has passed them all."""
        way = [*_PHASE, Status.SUCCEEDED]
        if before not in way:
            return []
        start, self._reached = self._reached, max(self._reached, way.index(before) + 1)
        return [(_PHASE[status], None) for status in way[start : way.index(before)]]


def _by_times(state: JobState) -> list[Transition]:
    """The steps to a state that no history leads to, by its own times; none where they do not tell all of them."""
    times = [(Status.PENDING, state.created_at), (Status.RUNNING, state.started_at)]
    if state.status.finished:
        times.append((state.status, state.ended_at))
    elif state.status != Status.RUNNING:
        return []
    steps = [Transition(status, at) for status, at in times if at is not None]
    whole = len(steps) == len(times) and steps == sorted(steps, key=lambda step: step.at)
    return steps if whole else []
