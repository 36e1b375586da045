"""How far a run is; both generations have words of their own for it."""

from __future__ import annotations

from typing import Any

from attrs import define, field

__all__ = [
    "COMPLETED",
    "CREATED",
    "ENDED",
    "FAILED",
    "LOST",
    "PREPARING",
    "QUEUED",
    "RUNNING",
    "STOPPED",
    "STOPPING",
    "Life",
]

CREATED = "created"
QUEUED = "queued"
PREPARING = "preparing"  # code and data are being fetched
RUNNING = "running"
STOPPING = "stopping"
COMPLETED = "completed"
FAILED = "failed"
STOPPED = "stopped"
LOST = "lost"  # the platform does not know what became of it

ENDED = frozenset({COMPLETED, FAILED, STOPPED, LOST})


@define
class Life:
    """One run's life.

    Attributes:
        nodes: How many machines it has.
        stage: One of the words above.
        created: Unix time; so are `queued`, `prepared` (fetching began), `started` and `ended`; 0 for not yet.
        message: Why it failed.
        codes: Exit codes by node, once it has ended.
        address: Of each node, once they are known.
        failures: Of attempts before the last: when each began and ended, and the code that ended it.
        deleted: Nobody may see it any more.
    """

    nodes: int
    created: float
    stage: str = CREATED
    queued: float = 0.0
    prepared: float = 0.0
    started: float = 0.0
    ended: float = 0.0
    message: str = ""
    codes: list[int] = field(factory=list)
    address: list[str] = field(factory=list)
    failures: list[list[float]] = field(factory=list)
    deleted: bool = False

    @classmethod
    def load(cls, document: dict[str, Any]) -> Life:
        """From what `attrs.asdict` made of it."""
        return cls(**document)

    @property
    def has_ended(self) -> bool:
        """Whether nothing more will happen."""
        return self.stage in ENDED

    def duration(self, now: float) -> float:
        """Seconds from when its machines were there to the end, or to now."""
        return (self.ended or now) - self.prepared if self.prepared else 0.0
