"""Training jobs, as they are kept and shown (reference, sections 2.2, 2.3 and 2.5)."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from attrs import define, field

from anyfit_emulator.running.ports import own_address
from anyfit_ti.emulator.jobs.hyperparameters import HyperParameters
from anyfit_ti.emulator.times import beijing

__all__ = ["ENDED", "Job"]

ENDED = frozenset({"Completed", "Failed", "Stopped"})
_CONSOLE = "https://console.cloud.tencent.com"
_HIDDEN = ("EnvConfig", "RetryWhenResourceInsufficient")


@define
class Job:
    """One job.

    Attributes:
        number: The order in which jobs were made.
        config: What was asked for, see `bodies`.
        transitions: What was gone through: status, message and when, Unix seconds.
        started: When the user's process started, Unix seconds; 0 before. So is `ended`.
        failure: Why it failed.
        model: Where the model was put, as bucket and key.
    """

    name: str
    number: int
    instance_id: str
    region: str
    config: dict[str, Any]
    created: float
    modified: float
    status: str = "InProgress"
    transitions: list[dict[str, Any]] = field(factory=list)
    started: float = 0.0
    ended: float = 0.0
    failure: str = ""
    model: tuple[str, str] | None = None

    @property
    def instances(self) -> int:
        """How many machines run it."""
        return int(self.config["ResourceConfig"]["InstanceCount"])

    @property
    def hosts(self) -> list[str]:
        """The names of these machines, which are addresses of this one."""
        return [own_address(self.instance_id, index) for index in range(self.instances)]

    @property
    def hyperparameters(self) -> HyperParameters:
        """Decoded."""
        return HyperParameters.parse(self.config["HyperParameters"] or "")

    @property
    def logs(self) -> bool:
        """Whether what it writes goes to the log service."""
        return self.hyperparameters.values.get("ti_enable_cls_log") is not False

    def move(self, secondary: str, message: str, now: float, status: str = "") -> None:
        """Go on to a secondary status."""
        if self.transitions:
            self.transitions[-1]["EndTime"] = now
        self.transitions.append({"Status": secondary, "StatusMessage": message, "StartTime": now, "EndTime": 0.0})
        self.status = status or self.status
        self.modified = now

    def to_summary(self) -> dict[str, Any]:
        """As the list shows it."""
        return {
            "CreationTime": beijing(self.created),
            "LastModifiedTime": beijing(self.modified),
            "TrainingJobName": self.name,
            "TrainingJobStatus": self.status,
            "TrainingEndTime": beijing(self.ended) or None,
            "InstanceId": self.instance_id,
            "ResourceConfig": self.config["ResourceConfig"],
        }

    def to_detail(self) -> dict[str, Any]:
        """As `DescribeTrainingJob` shows it, which has no variables."""
        shown = {name: value for name, value in self.config.items() if name not in _HIDDEN}
        moments = ("StartTime", "EndTime")
        return {
            **shown,
            "FailureReason": self.failure or None,
            "LastModifiedTime": beijing(self.modified),
            "TrainingStartTime": beijing(self.started) or None,
            "TrainingEndTime": beijing(self.ended) or None,
            "ModelArtifacts": {"CosModelArtifacts": self._console(*self.model)} if self.model else None,
            "TrainingJobStatus": self.status,
            "SecondaryStatus": self.transitions[-1]["Status"],
            "SecondaryStatusTransitions": [
                {**one, **{name: beijing(one[name]) or None for name in moments}} for one in self.transitions
            ],
            "LogUrl": f"{_CONSOLE}/tione/job/log?name={self.name}" if self.logs else None,
            "InstanceId": self.instance_id,
        }

    def _console(self, bucket: str, key: str) -> str:
        path = quote(f"/{key}")
        place = f"type=objectDetail&bucketName={bucket}&path={path}&region={self.region}"
        return f"{_CONSOLE}/cos5/bucket/setting?{place}"
