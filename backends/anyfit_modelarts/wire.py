"""Answers of the platform as values that do not know their generation."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime, timezone
from typing import Any

from attrs import field, frozen

from anyfit.backend import Status
from anyfit.cloud.numbers import number

__all__ = ["Engine", "Flavor", "Input", "Run", "moment", "rows", "table", "text"]


@frozen
class Input:
    """One input of a job: a place in OBS, or a dataset."""

    name: str
    uri: str = ""
    dataset_id: str = ""
    dataset_version_id: str = ""


@frozen(kw_only=True)
class Run:
    """One training job (v2), or one version of one (v1).

    Attributes:
        id: As a reference has it: the job's id, or `job/version`.
        name: The job's name.
        label: The version's name, such as V0001, or "".
        native, status: The platform's word, and the neutral one.
        message: Its explanation, or "".
        description: What is said about it.
        created, started: Aware times, or None.
        ended: When it ended, None while it runs.
        exit_code: Of the script, where the platform tells.
        limit_seconds: How long the platform lets it run, or None.
        nodes: How many.
        tasks: The platform's names of the nodes, in order.
        code: The folder of its code in OBS, or "".
        boot_file: The script that the platform starts, or "".
        output: The folder in OBS that it writes to, or "".
        raw: All that the platform says.
    """

    id: str
    name: str
    label: str = ""
    native: str = ""
    status: Status = Status.UNKNOWN
    message: str = ""
    description: str = ""
    created: datetime | None = None
    started: datetime | None = None
    ended: datetime | None = None
    exit_code: int | None = None
    limit_seconds: float | None = None
    nodes: int = 1
    tasks: tuple[str, ...] = ()
    code: str = ""
    boot_file: str = ""
    output: str = ""
    raw: Mapping[str, Any] = field(factory=dict, repr=False)


@frozen(kw_only=True)
class Flavor:
    """A size of machine."""

    code: str
    cpus: float
    memory_gib: float
    gpu_model: str = ""
    gpu_count: int = 0
    gpu_memory_gib: float = 0
    max_nodes: int | None = None
    in_stock: bool = True


@frozen
class Engine:
    """An image of the platform: its id, the family and the version as the platform writes them."""

    id: str
    name: str
    version: str


def table(value: object) -> Mapping[str, Any]:
    """The object, also where it came as text; an empty one for anything else."""
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except ValueError:
            return {}
    return value if isinstance(value, Mapping) else {}


def rows(value: object) -> list[Mapping[str, Any]]:
    """The objects of a list."""
    return [row for row in value if isinstance(row, Mapping)] if isinstance(value, list) else []


def text(value: object) -> str:
    """Text, "" for null."""
    return "" if value is None else str(value)


def moment(stamp: object) -> datetime | None:
    """A time in milliseconds; None for 0 and for what is none."""
    value = number(stamp)
    return datetime.fromtimestamp(value / 1000, timezone.utc) if value > 0 else None
