"""The platform's field names, and its answers as values.

Only a few members of the answers are documented: the ids, names, `status`, and the parts of log lines. Everything
else is read where it is there and missed where it is not.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta, timezone
from typing import Any

from attrs import field, frozen

from anyfit.cloud.numbers import number, whole

__all__ = [
    "Created",
    "Entry",
    "Log",
    "Machine",
    "Service",
    "ServiceModel",
    "Version",
    "entries",
    "log_page",
    "machines",
    "service",
    "version",
    "versions",
]

_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*(?:c\b|cores?|核|vcpus?)?[^\d]*?(\d+(?:\.\d+)?)\s*g", re.IGNORECASE)


@frozen
class Created:
    """What creating answers: the parent's id and the version's, 0 where there is none."""

    id: int
    version_id: int = 0


@frozen
class Entry:
    """One thing in a list: a job, a model, a framework, an algorithm; `raw` is all that the platform says of it."""

    id: int
    name: str
    raw: Mapping[str, Any] = field(repr=False, factory=dict)


@frozen
class Machine:
    """A size of machine; what the platform does not say is 0 or ""."""

    id: int
    name: str = ""
    cpu: float = 0
    memory: float = 0
    gpu_model: str = ""
    gpu_count: int = 0


@frozen
class Version:
    """A version of a job or a model, with the members that it was made with in `raw`."""

    id: int
    version_id: int
    label: str
    status: str
    message: str
    created: str
    started: str
    ended: str
    duration: float | None
    raw: Mapping[str, Any] = field(repr=False, factory=dict)

    def text(self, name: str) -> str:
        """A member that is text, or ""."""
        value = self.raw.get(name)
        return value if isinstance(value, str) else ""

    def number(self, name: str) -> float | None:
        """A member that is a number, or None."""
        value = self.raw.get(name)
        return float(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else None


@frozen
class Log:
    """One entry of a log; `time` and `nan` are None where the platform gives no time."""

    id: int
    content: str
    time: int | None = None
    nan: int | None = None


@frozen
class ServiceModel:
    """One model version behind a service."""

    model_version_id: int
    weight: float
    resource_id: int | None
    instance_count: int
    envs: Mapping[str, str]


@frozen
class Service:
    """A service."""

    id: int
    name: str
    status: str
    message: str
    address: str
    created: str
    models: tuple[ServiceModel, ...]


def rows(answer: Mapping[str, Any], name: str) -> list[Mapping[str, Any]]:
    """The list under its name, or the only list that there is."""
    found = answer.get(name)
    if not isinstance(found, list):
        lists = [value for value in answer.values() if isinstance(value, list)]
        found = lists[0] if len(lists) == 1 else []
    return [row for row in found if isinstance(row, dict)]


def entries(answer: Mapping[str, Any], name: str) -> list[Entry]:
    """What a list of the platform holds, as far as it has an id."""
    found = []
    for row in rows(answer, name):
        identity = whole(row.get("id"))
        if identity is not None:
            found.append(Entry(identity, str(row.get("name") or ""), row))
    return found


def machines(answer: Mapping[str, Any]) -> list[Machine]:
    """Sizes; where numbers are missing they are read from names such as `4C8G`."""
    found = []
    for entry in entries(answer, "resources"):
        raw = entry.raw
        cpu, memory = number(raw.get("cpu")), number(raw.get("memory"))
        if not (cpu and memory) and (size := _SIZE.search(entry.name)):
            cpu, memory = cpu or float(size[1]), memory or float(size[2])
        count = int(number(raw.get("gpuCount")))
        found.append(Machine(entry.id, entry.name, cpu, memory, str(raw.get("gpuModel") or ""), count))
    return found


def version(raw: Mapping[str, Any], asked: int = 0) -> Version:
    """A version of a job or model; the id is the one asked for where the answer has none, or else 0."""
    return Version(
        id=whole(raw.get("id")) or 0,
        version_id=whole(raw.get("versionId")) or asked or whole(raw.get("id")) or 0,
        label=str(raw.get("version") or ""),
        status=str(raw.get("status") or ""),
        message=str(raw.get("message") or ""),
        created=str(raw.get("createTime") or ""),
        started=str(raw.get("startTime") or ""),
        ended=str(raw.get("endTime") or ""),
        duration=number(raw["duration"]) if "duration" in raw else None,
        raw=raw,
    )


def versions(answer: Mapping[str, Any]) -> list[Version]:
    """The versions in the detail of a job or model, the oldest first."""
    found = [each for each in map(version, rows(answer, "versions")) if each.version_id]
    return sorted(found, key=lambda each: each.version_id)


def log_page(answer: Mapping[str, Any]) -> list[Log]:
    """Log entries in their order."""
    found = []
    for row in rows(answer, "logs"):
        identity = whole(row.get("id"))
        content = row.get("content")
        text = content if isinstance(content, str) else ""
        found.append(Log(-1 if identity is None else identity, text, whole(row.get("time")), whole(row.get("nanTime"))))
    return found


def service(raw: Mapping[str, Any]) -> Service:
    """A service; its address has no documented name, so any URL that ends as one is taken."""
    return Service(
        id=whole(raw.get("id")) or 0,
        name=str(raw.get("name") or ""),
        status=str(raw.get("status") or ""),
        message=str(raw.get("message") or ""),
        address=_address(raw.values()),
        created=str(raw.get("createTime") or ""),
        models=tuple(_service_model(row) for row in rows({"": raw.get("serviceModels")}, "")),
    )


def pairs(values: Mapping[str, str]) -> list[dict[str, str]]:
    """Names and values as the platform lists them."""
    return [{"name": name, "value": value} for name, value in values.items()]


def time_of(text: str, offset_hours: float) -> datetime | None:
    """A moment as the console writes it, in the service's own zone."""
    try:
        naive = datetime.strptime(text, "%Y-%m-%d %H:%M:%S")
    except ValueError:
        return None
    return naive.replace(tzinfo=timezone(timedelta(hours=offset_hours))).astimezone(timezone.utc)


def moment(stamp: int | float) -> datetime:
    """A time in milliseconds, or in seconds where the number is small."""
    return datetime.fromtimestamp(stamp / 1000 if stamp > 1e11 else stamp, timezone.utc)


def _address(values: Iterable[object]) -> str:
    urls = [value for value in values if isinstance(value, str) and value.startswith(("http://", "https://"))]
    ours = [url for url in urls if "/ModelMaker/predict" in url]
    return (ours or urls or [""])[0]


def _service_model(row: Mapping[str, Any]) -> ServiceModel:
    envs: Sequence[Any] = row.get("envs") or []
    return ServiceModel(
        model_version_id=whole(row.get("modelVersionId")) or 0,
        weight=number(row.get("weight")),
        resource_id=whole(row.get("resourceId")),
        instance_count=int(number(row.get("instanceCount"), 1)),
        envs={str(env.get("name")): str(env.get("value", "")) for env in envs if isinstance(env, dict)},
    )
