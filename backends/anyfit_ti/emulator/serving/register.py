"""Service groups and their versions, as they are kept (reference, section 3.12)."""

from __future__ import annotations

import threading
import time
from typing import Any

from attrs import asdict, define, field

from anyfit_emulator.records import Records
from anyfit_ti.emulator.errors import ApiError
from anyfit_ti.emulator.ids import letters
from anyfit_ti.emulator.times import utc

__all__ = ["Group", "Register", "Service", "new_token"]

CREATED = "CREATE_SUCCEED"  # this is what the platform gives as the reason of a failure when there is none


@define
class Group:
    """Versions of one service that are called at one address.

    Attributes:
        numbers: How many versions there ever were.
        authorized: Whether callers need a token.
        tokens: As answers show them.
        weighted: When weights were last changed; 0 for never.
    """

    id: str
    name: str
    region: str
    created: float
    updated: float
    tags: list[dict[str, Any]]
    charge: str
    authorized: bool = False
    tokens: list[dict[str, Any]] = field(factory=list)
    numbers: int = 0
    weighted: float = 0.0
    extra: dict[str, Any] = field(factory=dict)


@define
class Service:
    """One version.

    Attributes:
        number: Counted within the group, from 1.
        config: What it shall be, under the names of `orders.CHANGEABLE`.
        fixed: What else was asked for at its creation.
        wanted: How many instances shall run; 0 when it is stopped.
        before: How many ran before it was stopped.
        weight: Its part of the group's requests.
        business: The platform's word for its billing state.
        reason: Why it could not be created.
        operation: What was asked for at `asked` and has not come to an end, for the callback; "" for nothing.
    """

    id: str
    group_id: str
    number: int
    config: dict[str, Any]
    fixed: dict[str, Any]
    region: str
    created: float
    updated: float
    wanted: int
    weight: int
    before: int = 0
    business: str = "CREATING"
    reason: str = CREATED
    operation: str = ""
    asked: float = 0.0


class Register:
    """All groups and services of the account. Its users hold `lock`, which is that of the models."""

    def __init__(self, records: Records, lock: threading.RLock) -> None:
        self._records = records
        self.lock = lock
        self.groups = {key: Group(**document) for key, document in records.all("service-group")}
        self.services = {key: Service(**document) for key, document in records.all("model-service")}

    def group(self, group_id: str) -> Group:
        """A group.

        Raises:
            ApiError: There is none of that id.
        """
        try:
            return self.groups[group_id]
        except KeyError:
            raise ApiError("ResourceNotFound", f"The service group {group_id} does not exist.") from None

    def service(self, service_id: str) -> Service:
        """A service.

        Raises:
            ApiError: There is none of that id.
        """
        try:
            return self.services[service_id]
        except KeyError:
            raise ApiError("ResourceNotFound", f"The service {service_id} does not exist.") from None

    def services_of(self, group: Group) -> list[Service]:
        """The versions of a group, oldest first."""
        return sorted((one for one in self.services.values() if one.group_id == group.id), key=lambda one: one.number)

    def keep(self, *things: Group | Service) -> None:
        """Write down what was changed; what has been removed meanwhile stays so."""
        for thing in things:
            if isinstance(thing, Group) and thing.id in self.groups:
                self._records.put("service-group", thing.id, asdict(thing))
            elif isinstance(thing, Service) and thing.id in self.services:
                self._records.put("model-service", thing.id, asdict(thing))

    def touch(self, thing: Group | Service) -> None:
        """The same, when it was a user who changed it."""
        thing.updated = time.time()
        self.keep(thing)

    def remove(self, thing: Group | Service) -> None:
        """Forget it."""
        if isinstance(thing, Group):
            del self.groups[thing.id]
            self._records.remove("service-group", thing.id)
        else:
            del self.services[thing.id]
            self._records.remove("model-service", thing.id)


def new_token(name: str = "default", description: str = "") -> dict[str, Any]:
    """A token that lets callers in."""
    base = {
        "Value": letters(32),
        "Name": name,
        "Description": description,
        "CreateTime": utc(time.time()),
        "Status": "Enabled",
        "Id": f"token-{letters(8)}",
    }
    return {"Base": base, "Limits": []}
