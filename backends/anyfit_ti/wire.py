"""The platform's answers as values, and its ways to write times; what is missing or null is "" or empty."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime, timedelta, timezone
from typing import Any

from attrs import field, frozen

__all__ = ["Job2019", "Machine", "Step", "Task", "job_2019", "says", "task", "text", "time_of"]

Raw = Mapping[str, Any]

CHINA = timezone(timedelta(hours=8))
_TIME = re.compile(r"(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d:\d\d)(?:[.,](\d{1,9}))?\s*(Z|[+-]\d\d(?::?\d\d)?)?", re.IGNORECASE)


@frozen
class Step:
    """One secondary state that a job of 2019 passed through."""

    status: str
    message: str
    started: str


@frozen
class Job2019:
    """A training job of 2019; what a list tells of it is less, then `secondary` is "" and `raw` short."""

    name: str
    status: str
    secondary: str
    reason: str
    created: str
    started: str
    ended: str
    instance: str
    steps: tuple[Step, ...]
    raw: Raw = field(repr=False, factory=dict)


@frozen
class Task:
    """A training task of 2021, from a list or in full."""

    id: str
    name: str
    status: str
    reason: str
    created: str
    started: str
    ended: str
    instance: str
    raw: Raw = field(repr=False, factory=dict)


@frozen
class Machine:
    """A size of machine of 2021, with its price in fen for an hour, or None."""

    name: str
    alias: str
    gpu_model: str
    available: bool
    fen: int | None = None


def text(raw: Raw, name: str) -> str:
    """A member that is text, or ""."""
    value = raw.get(name)
    return value if isinstance(value, str) else ""


def table(raw: Raw, name: str) -> Raw:
    """A member that is an object, or an empty one."""
    value = raw.get(name)
    return value if isinstance(value, Mapping) else {}


def rows(raw: Raw, name: str) -> list[Raw]:
    """The objects in a member that is a list."""
    value = raw.get(name)
    return [row for row in value if isinstance(row, Mapping)] if isinstance(value, list) else []


def whole(value: object) -> int | None:
    """An integer, also where it came as digits."""
    if isinstance(value, bool):
        return None
    if isinstance(value, (int, float)):
        return int(value)
    return int(value) if isinstance(value, str) and value.isdigit() else None


def says(told: object, wanted: object) -> bool:
    """Whether what is told holds what is wanted; answers have more members than requests."""
    if isinstance(told, Mapping) and isinstance(wanted, Mapping):
        return all(says(told.get(name), value) for name, value in wanted.items())
    return told == wanted


def job_2019(raw: Raw) -> Job2019:
    """A job from DescribeTrainingJob, or an entry of a list."""
    steps = tuple(
        Step(text(row, "Status"), text(row, "StatusMessage"), text(row, "StartTime"))
        for row in rows(raw, "SecondaryStatusTransitions")
    )
    return Job2019(
        name=text(raw, "TrainingJobName"),
        status=text(raw, "TrainingJobStatus"),
        secondary=text(raw, "SecondaryStatus"),
        reason=text(raw, "FailureReason"),
        created=text(raw, "CreationTime") or (steps[0].started if steps else "") or text(raw, "TrainingStartTime"),
        started=text(raw, "TrainingStartTime"),
        ended=text(raw, "TrainingEndTime"),
        instance=text(raw, "InstanceId"),
        steps=steps,
        raw=raw,
    )


def task(raw: Raw) -> Task:
    """A task, or an entry of a list."""
    return Task(
        id=text(raw, "Id"),
        name=text(raw, "Name"),
        status=text(raw, "Status"),
        reason=text(raw, "FailureReason") or text(raw, "Message"),
        created=text(raw, "CreateTime"),
        started=text(raw, "StartTime"),
        ended=text(raw, "EndTime"),
        instance=text(raw, "LatestInstanceId"),
        raw=raw,
    )


def nanoseconds(written: str) -> int | None:
    """A moment in any of the platform's spellings as nanoseconds since 1970; without a zone it is Beijing's."""
    match = _TIME.match(written)
    if match is None:
        return None
    day, clock, fraction, zone = match.groups()
    try:
        moment = datetime.strptime(f"{day} {clock}", "%Y-%m-%d %H:%M:%S").replace(tzinfo=_zone(zone))
    except ValueError:
        return None
    return int(moment.timestamp()) * 10**9 + int((fraction or "").ljust(9, "0"))


def time_of(written: str) -> datetime | None:
    """A moment in any of the platform's spellings; "" and what cannot be read are None."""
    stamp = nanoseconds(written)
    return None if stamp is None else moment(stamp)


def moment(stamp: int) -> datetime:
    """A number of nanoseconds since 1970 as a time."""
    seconds, rest = divmod(stamp, 10**9)
    return datetime.fromtimestamp(seconds, timezone.utc) + timedelta(microseconds=rest // 1000)


def beijing(stamp: int) -> str:
    """A moment as the first generation writes it."""
    return moment(stamp).astimezone(CHINA).strftime("%Y-%m-%d %H:%M:%S")


def rfc3339(stamp: int) -> str:
    """A moment as the second generation's logs have it."""
    seconds, rest = divmod(stamp, 10**9)
    return f"{datetime.fromtimestamp(seconds, timezone.utc):%Y-%m-%dT%H:%M:%S}.{rest:09d}Z"


def _zone(written: str | None) -> timezone:
    if not written:
        return CHINA
    if written in "Zz":
        return timezone.utc
    digits = re.sub(r"\D", "", written).ljust(4, "0")
    offset = timedelta(hours=int(digits[:2]), minutes=int(digits[2:]))
    return timezone(-offset if written.startswith("-") else offset)
