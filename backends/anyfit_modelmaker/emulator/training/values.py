"""Jobs and their versions, as they are kept (reference, sections 7.4 and 7.5)."""

from __future__ import annotations

from typing import Any

from attrs import define, field

from anyfit_modelmaker.emulator.wire import timestamp

__all__ = ["ENDED", "Job", "Version"]

ENDED = frozenset({"FINISH", "STARTING_FAIL", "TRAINING_FAIL", "STOPPED"})


@define
class Job:
    """A name with versions.

    Attributes:
        made: How many versions there ever were; their labels count on.
    """

    id: int
    name: str
    type: str
    created: float
    made: int = 0


@define
class Version:
    """One run.

    Attributes:
        number: Its position among the job's versions, from 1.
        config: What was asked for, under the wire's names.
        status: A word of section 7.7.
        started: When the user's process started, Unix seconds; 0 before. So is `ended`.
        message: Why it failed.
    """

    id: int
    job_id: int
    number: int
    config: dict[str, Any]
    status: str
    created: float
    started: float = 0.0
    ended: float = 0.0
    message: str = ""
    deleted: bool = field(default=False, eq=False)

    @property
    def instances(self) -> int:
        """How many processes run it."""
        return int(self.config["instance"])

    def to_wire(self, now: float) -> dict[str, Any]:
        """As the service shows it."""
        document = {
            **self.config,
            "id": self.job_id,
            "versionId": self.id,
            "version": f"V{self.number:04d}",
            "status": self.status,
        }
        moments = {"createTime": self.created, "startTime": self.started, "endTime": self.ended}
        document |= {name: timestamp(moment) for name, moment in moments.items() if moment}
        if self.started:
            document["duration"] = round((self.ended or now) - self.started, 3)
        return {**document, "message": self.message} if self.message else document
