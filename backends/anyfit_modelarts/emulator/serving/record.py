"""What is remembered of a service (reference, sections 5.5 and 5.6)."""

from __future__ import annotations

import time
from typing import Any

from attrs import define, field

from anyfit_modelarts.emulator.wire import milliseconds

__all__ = ["Service"]

_REMEMBERED = 1000  # events and updates; of more, the oldest are forgotten
_SECONDS = {"MINUTES": 60, "HOURS": 3600, "DAYS": 86400}


@define
class Service:
    """A service; all its times are in milliseconds.

    Attributes:
        name: What people call it.
        asked: What was asked for, under the wire's names.
        status: A word of section 5.5.
        published: When it was made.
        changed: When its status changed last.
        updated: When its configuration changed last.
        due: When it stops by itself; 0 for never.
        round: How often it was deployed.
        reachable: Whether it ever was running, so that it has an address.
        events: What happened, oldest first.
        updates: Its configurations, oldest first, and what became of them.
    """

    id: str
    name: str
    asked: dict[str, Any]
    status: str
    published: int
    changed: int
    updated: int
    owner: str = ""
    tenant: str = ""
    project: str = ""
    due: int = 0
    round: int = 0
    reachable: bool = False
    message: str = ""
    events: list[dict[str, Any]] = field(factory=list)
    updates: list[dict[str, Any]] = field(factory=list)

    def note(self, text: str, *, bad: bool = False) -> None:
        """Remember an event."""
        kind = "abnormal" if bad else "normal"
        self.events.append({"event_type": kind, "event_info": text, "occur_time": milliseconds(time.time())})
        del self.events[:-_REMEMBERED]

    def begin_update(self) -> None:
        """Remember that the configuration is being put to work."""
        self.updated = milliseconds(time.time())
        self.updates.append({"update_time": self.updated, "result": "RUNNING", "config": self.asked["config"]})
        del self.updates[:-_REMEMBERED]

    def end_update(self, result: str) -> None:
        """Remember what became of the latest configuration."""
        if self.updates and self.updates[-1]["result"] == "RUNNING":
            self.updates[-1]["result"] = result

    def schedule_stop(self) -> None:
        """Work out from now on when it stops by itself."""
        stops = [item["duration"] * _SECONDS[item["time_unit"]] for item in self.asked.get("schedule", [])]
        self.due = milliseconds(time.time() + min(stops)) if stops else 0
