"""Jobs and their versions, as they are kept (reference, section 2.8)."""

from __future__ import annotations

from typing import Any

from attrs import asdict, define

from anyfit_modelarts.emulator.training import life as stages
from anyfit_modelarts.emulator.training.catalog import ENGINES, FLAVORS, Engine, Flavor
from anyfit_modelarts.emulator.training.life import Life

__all__ = ["STATUS", "Job", "Version"]

STATUS = {
    stages.CREATED: 1,
    stages.QUEUED: 7,
    stages.PREPARING: 8,
    stages.RUNNING: 8,
    stages.STOPPING: 9,
    stages.COMPLETED: 10,
    stages.FAILED: 11,
    stages.STOPPED: 12,
    stages.LOST: 14,
}


@define
class Job:
    """A name with versions.

    Attributes:
        made: How many versions there ever were; their names count on.
    """

    id: int
    name: str
    desc: str
    workspace: str
    created: float
    made: int = 0


@define
class Version:
    """One run.

    Attributes:
        number: Its position among the job's versions, from 1.
        config: What was asked for, under the wire's names.
        flavor: Code of its machines.
    """

    id: int
    job_id: int
    number: int
    config: dict[str, Any]
    flavor: str
    resource_id: str
    life: Life

    @classmethod
    def load(cls, document: dict[str, Any]) -> Version:
        """From what `dump` made of it."""
        return cls(**{**document, "life": Life.load(document["life"])})

    def dump(self) -> dict[str, Any]:
        """As a document."""
        return asdict(self)

    @property
    def name(self) -> str:
        """Such as `V0001`."""
        return f"V{self.number:04d}"

    @property
    def key(self) -> str:
        """Of its run."""
        return f"v1-{self.id}"

    @property
    def nodes(self) -> int:
        """How many machines it has."""
        return int(self.config["worker_server_num"])

    @property
    def machine(self) -> Flavor:
        """Its machines; those of a dedicated pool are taken for the smallest there are."""
        return next((flavor for flavor in FLAVORS if flavor.code == self.flavor), FLAVORS[0])

    @property
    def engine(self) -> Engine | None:
        """Its framework, if it has one."""
        return next((engine for engine in ENGINES if engine.id == self.config.get("engine_id")), None)

    @property
    def status(self) -> int:
        """The number of section 2.12."""
        return STATUS[self.life.stage]
