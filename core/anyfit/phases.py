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

    @property
    def current(self) -> str:
        """The phase that the job is in, or "" before the first and after the last."""
        return _PHASE.get(self._seen[-1].status, "") if self._seen else ""

    @property
    def since(self) -> datetime | None:
        """When the current phase began."""
        return self._seen[-1].at if self._seen else None

    def feed(self, state: JobState) -> list[tuple[str, float]]:
        """The phases that are over by now and were not told yet, with their seconds."""
        if len(state.history) >= len(self._seen) and state.history:
            self._seen = list(state.history)
        elif not self._seen or self._seen[-1].status != state.status:
            self._seen.append(Transition(state.status, datetime.now(timezone.utc)))
        over = []
        for here, after in zip(self._seen[self._told :], self._seen[self._told + 1 :], strict=False):
            if here.status in _PHASE:
                over.append((_PHASE[here.status], (after.at - here.at).total_seconds()))
        self._told = max(self._told, len(self._seen) - 1)
        return over
