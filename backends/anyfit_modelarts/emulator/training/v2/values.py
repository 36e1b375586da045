"""Jobs as they are kept, and the words for how far they are (reference, sections 3.4 and 3.6)."""

from __future__ import annotations

from typing import Any

from attrs import asdict, define, field

from anyfit_modelarts.emulator.training import life as stages
from anyfit_modelarts.emulator.training.catalog import FLAVORS, PRESETS, Flavor, Preset
from anyfit_modelarts.emulator.training.life import Life

__all__ = ["PHASES", "Job", "preset_of"]

PHASES = {
    stages.CREATED: ("Creating", "Creating"),
    stages.QUEUED: ("Pending", "Queuing"),
    stages.PREPARING: ("Running", "Running"),
    stages.RUNNING: ("Running", "Running"),
    stages.STOPPING: ("Terminating", "Terminating"),
    stages.COMPLETED: ("Completed", "Completed"),
    stages.FAILED: ("Failed", "Failed"),
    stages.STOPPED: ("Terminated", "Terminated"),
    stages.LOST: ("Abnormal", "Lost"),
}


@define
class Job:
    """One job.

    Attributes:
        metadata: Name, description, workspace, annotations, as the API shows them.
        algorithm: What runs, as the API shows it: with everything that an algorithm of its own brought along.
        spec: What it runs on, as it was asked for.
        more: Further members of the request that are only shown.
        flavor: Code of its machines, or "" for a dedicated pool's own.
        experiment: The id of the experiment that it belongs to, or "".
    """

    id: str
    metadata: dict[str, Any]
    algorithm: dict[str, Any]
    spec: dict[str, Any]
    more: dict[str, Any]
    flavor: str
    life: Life
    experiment: str = ""
    tags: dict[str, str] = field(factory=dict)

    @classmethod
    def load(cls, document: dict[str, Any]) -> Job:
        """From what `dump` made of it."""
        return cls(**{**document, "life": Life.load(document["life"])})

    def dump(self) -> dict[str, Any]:
        """As a document."""
        return asdict(self)

    @property
    def key(self) -> str:
        """Of its run."""
        return self.id

    @property
    def name(self) -> str:
        """Its name."""
        return str(self.metadata["name"])

    @property
    def phase(self) -> str:
        """The first word for how far it is."""
        return PHASES[self.life.stage][0]

    @property
    def tasks(self) -> list[str]:
        """One a machine."""
        return [f"worker-{index}" for index in range(self.life.nodes)]

    @property
    def machine(self) -> Flavor:
        """Its machines; those of a dedicated pool are taken for the smallest there are."""
        return next((flavor for flavor in FLAVORS if flavor.code == self.flavor), FLAVORS[0])

    @property
    def preset(self) -> Preset | None:
        """The platform's engine that starts its boot file; None for a command of the user's own."""
        engine = self.algorithm.get("engine", {})
        return preset_of(engine) if self.algorithm.get("boot_file") else None


def preset_of(engine: dict[str, Any]) -> Preset | None:
    """The engine that is named by its id, or by name and version."""
    for preset in PRESETS:
        if engine.get("engine_id"):
            if engine["engine_id"] == preset.id:
                return preset
        elif (engine.get("engine_name"), engine.get("engine_version")) == (preset.name, preset.version):
            return preset
    return None
