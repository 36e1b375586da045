"""How the parts of the platform plug into it: a desk answers some actions and may keep things running.

A further part is one more line in `platform`. It gets the `Site` that all share:

    class Models:
        def __init__(self, site: Site) -> None: ...
        def tables(self) -> Tables:
            return {TIONE_2021: {"CreateTrainingModel": self.create}}

An action gets a `Call` and answers the members of `Response`; it refuses with `ApiError`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Protocol

from attrs import field, frozen

from anyfit_emulator.http import App
from anyfit_emulator.records import Records
from anyfit_emulator.storage import ObjectStore
from anyfit_ti.emulator.account import Account
from anyfit_ti.emulator.fields import Fields
from anyfit_ti.emulator.machines import Machines

__all__ = [
    "MONITOR",
    "REGIONS",
    "STS",
    "TIEMS",
    "TIONE_2019",
    "TIONE_2021",
    "Call",
    "Desk",
    "Do",
    "QuietDesk",
    "Site",
    "Tables",
]

TIONE_2019 = ("tione", "2019-10-22")
TIONE_2021 = ("tione", "2021-11-11")
TIEMS = ("tiems", "2019-04-16")
MONITOR = ("monitor", "2018-07-24")
STS = ("sts", "2018-08-13")
REGIONS = ("ap-guangzhou", "ap-shanghai", "ap-beijing", "ap-nanjing")


@frozen
class Call:
    """One request that was let in.

    Attributes:
        action: Such as `CreateTrainingTask`.
        region: What `X-TC-Region` says.
        parameters: What is asked for, without the common parameters.
        loose: Whether numbers and flags came as text, as they do in a query or a form.
    """

    action: str
    region: str
    parameters: dict[str, Any] = field(repr=False)  # may hold passwords
    loose: bool = False

    @property
    def fields(self) -> Fields:
        """The parameters, for reading them by rule."""
        return Fields(self.parameters, loose=self.loose)


Do = Callable[[Call], dict[str, Any]]
Tables = Mapping[tuple[str, str], Mapping[str, Do]]


@frozen
class Site:
    """What the desks share.

    Attributes:
        account: Whose everything is.
        records: What must not be forgotten.
        store: The object store, which is COS here.
        folder: Where sandboxes and logs lie.
        listen: Serves an application on a further port; answers the port.
        endpoint: Where the API is, once it is.
        cos_endpoint: Where the object store is, for links.
        pause: Seconds that a job or task stays in each state before its program runs, so that clients get to see these.
        machines: Where jobs and tasks take machines from.
    """

    account: Account
    records: Records
    store: ObjectStore
    folder: Path
    listen: Callable[[App], int]
    endpoint: Callable[[], str]
    cos_endpoint: str
    pause: float
    machines: Machines


class Desk(Protocol):
    """A part of the platform."""

    def tables(self) -> Tables:
        """What it answers, by service and version, then by action."""
        ...

    def start(self) -> None:
        """Go on where an earlier emulator of this directory ended."""
        ...

    def end(self, grace: float) -> None:
        """Ask all processes to end, because the emulator ends; does not wait."""
        ...

    def join(self, deadline: float) -> None:
        """Wait for the end of it, until a moment of the monotonic clock."""
        ...


class QuietDesk:
    """What desks are alike in where nothing runs and nothing has to be gone on with."""

    def start(self) -> None:
        """Nothing to do."""

    def end(self, grace: float) -> None:
        """Nothing runs."""

    def join(self, deadline: float) -> None:
        """Nothing runs."""
