"""Answers about models and services as values; tokens never show."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from attrs import field, frozen

from anyfit_ti.wire import Raw, rows, table, text, whole

__all__ = [
    "LEFT",
    "CallInfo",
    "Config",
    "Group",
    "ModelVersion",
    "OldService",
    "Service",
    "Told",
    "call_info",
    "config",
    "group",
    "model_version",
    "old_service",
    "service",
]

LEFT = "anyfit: no longer served, to be removed"
"""The description of a version that goes; the platform wants it to be stopped before."""

_NOT_A_REASON = ("", "CREATE_SUCCEED")  # the platform's text for a failure where there was none


@frozen
class Told:
    """What anyfit writes into a text that the platform keeps with a model.

    Attributes:
        job: The job's reference, or "".
        handler: Whether anyfit's program lies in the model's folder and has to be started.
        description: For people.
    """

    job: str = ""
    handler: bool = False
    description: str = ""

    def written(self, longest: int) -> str:
        """As text of so many characters at most."""
        told: dict[str, Any] = {"anyfit": 1, "handler": self.handler, "job": self.job}
        room = longest - len(json.dumps(told, ensure_ascii=False)) - len(', "description": ""')
        while self.description and room > 0:
            short = self.description[:room]
            written = json.dumps({**told, "description": short}, ensure_ascii=False)
            if len(written) <= longest:
                return written
            room -= len(written) - longest
        return json.dumps(told, ensure_ascii=False)

    @classmethod
    def read(cls, written: str) -> Told:
        """What stands there; nothing where somebody else wrote it."""
        try:
            told = json.loads(written)
        except ValueError:
            return cls()
        if not isinstance(told, Mapping) or "anyfit" not in told:
            return cls()
        return cls(text(told, "job"), told.get("handler") is True, text(told, "description"))


@frozen
class ModelVersion:
    """A model version of 2021."""

    id: str
    model: str
    name: str
    version: str
    status: str
    error: str
    created: str
    place: str
    told: Told
    raw: Raw = field(repr=False, factory=dict)


@frozen
class Service:
    """A version of a service group.

    Attributes:
        model: The id of the model version that it serves, or "".
        replicas: How many servers there shall be, also while it is stopped.
        available, updated: How many answer, and how many of them have the newest settings.
        info: What it was made of.
    """

    id: str
    status: str
    business: str
    reason: str
    weight: int
    created: str
    model: str
    replicas: int
    available: int
    updated: int | None
    info: Raw = field(repr=False)
    raw: Raw = field(repr=False)

    @property
    def left(self) -> bool:
        """Whether an update has done with it, so that it goes as soon as it has stopped."""
        return text(self.raw, "ServiceDescription") == LEFT

    @property
    def variables(self) -> dict[str, str]:
        """The variables of its servers."""
        return {text(row, "Name"): text(row, "Value") for row in rows(self.info, "Env")}


@frozen
class Group:
    """A service group with its versions, oldest first."""

    id: str
    name: str
    created: str
    description: str
    authorized: bool
    weights: str
    services: tuple[Service, ...]
    tags: Mapping[str, str]


@frozen
class CallInfo:
    """Where a group is called, and with what: "" where nobody has to show anything."""

    url: str
    authorized: bool
    token: str = field(repr=False)


@frozen
class Config:
    """A configuration of TI-EMS, which is a model with what serves it."""

    id: str
    name: str
    version: str
    runtime: str
    uri: str
    created: str
    told: Told


@frozen
class OldService:
    """A service of TI-EMS."""

    id: str
    name: str
    config: str
    status: str
    message: str
    created: str
    replicas: int
    address: str
    exposed: bool
    token: str = field(repr=False)
    raw: Raw = field(repr=False)


def model_version(raw: Raw) -> ModelVersion:
    """From a DTO."""
    place = table(raw, "TrainingModelCosPath")
    paths = place.get("Paths")
    path = paths[0] if isinstance(paths, list) and paths and isinstance(paths[0], str) else ""
    bucket = text(place, "Bucket")
    return ModelVersion(
        id=text(raw, "TrainingModelVersionId"),
        model=text(raw, "TrainingModelId"),
        name=text(raw, "TrainingModelName"),
        version=text(raw, "TrainingModelVersion"),
        status=text(raw, "TrainingModelStatus"),
        error=text(raw, "TrainingModelErrorMsg"),
        created=text(raw, "CreateTime") or text(raw, "TrainingModelCreateTime"),
        place=f"cos://{bucket}/{path.lstrip('/')}" if bucket else "",
        told=Told.read(text(raw, "TrainingModelIndex")),
        raw=raw,
    )


def service(raw: Raw) -> Service:
    """From a Service; the answer to its creation knows little of it."""
    info = table(raw, "ServiceInfo")
    work = table(info, "Status")
    reason = text(work, "Reason") or text(raw, "CreateFailedReason")
    return Service(
        id=text(raw, "ServiceId"),
        status=text(raw, "Status"),
        business=text(raw, "BusinessStatus"),
        reason="" if reason in _NOT_A_REASON else reason,
        weight=whole(raw.get("Weight")) or 0,
        created=text(raw, "CreateTime"),
        model=text(table(info, "ModelInfo"), "ModelVersionId"),
        replicas=whole(info.get("Replicas")) or whole(info.get("OldReplicas")) or 1,
        available=whole(work.get("AvailableReplicas")) or 0,
        updated=whole(work.get("UpdatedReplicas")),
        info=info,
        raw=raw,
    )


def group(raw: Raw) -> Group:
    """From a ServiceGroup."""
    services = sorted(map(service, rows(raw, "Services")), key=lambda one: _number(one.id))
    return Group(
        id=text(raw, "ServiceGroupId"),
        name=text(raw, "ServiceGroupName"),
        created=text(raw, "CreateTime"),
        description=next((text(one.raw, "ServiceDescription") for one in services if not one.left), ""),
        authorized=raw.get("AuthorizationEnable") is True,
        weights=text(raw, "WeightUpdateStatus"),
        services=tuple(services),
        tags={text(tag, "TagKey"): text(tag, "TagValue") for tag in rows(raw, "Tags")},
    )


def call_info(answer: Raw) -> CallInfo:
    """From DescribeModelServiceCallInfo."""
    info = table(answer, "ServiceCallInfoV2")
    bases = [table(row, "Base") for row in rows(info, "AuthTokens")]
    enabled = [text(base, "Value") for base in bases if text(base, "Status") in ("", "Enabled")]
    token = text(info, "AuthToken")
    if enabled and token not in enabled:
        token = enabled[0]
    return CallInfo(text(info, "InternetEndpoint"), info.get("AuthorizationEnable") is True, token)


def config(raw: Raw) -> Config:
    """From a ServiceConfig."""
    return Config(
        id=text(raw, "Id"),
        name=text(raw, "Name"),
        version=text(raw, "Version"),
        runtime=text(raw, "Runtime"),
        uri=text(raw, "ModelUri"),
        created=text(raw, "CreateTime"),
        told=Told.read(text(raw, "Description")),
    )


def old_service(raw: Raw) -> OldService:
    """From a ModelService of TI-EMS."""
    status = table(raw, "Status")
    exposes = rows(raw, "Exposes")
    addresses = [text(expose, "Ip") for expose in exposes]
    scaler = table(raw, "Scaler")
    return OldService(
        id=text(raw, "Id"),
        name=text(raw, "Name"),
        config=text(raw, "ConfigId"),
        status=text(status, "Status"),
        message=text(status, "Message"),
        created=text(raw, "CreateTime"),
        replicas=whole(scaler.get("StartReplicas")) or 1,
        address=next((address for address in addresses if address not in ("", "pending")), ""),
        exposed=bool(exposes),
        token=text(raw, "AccessToken"),
        raw=raw,
    )


def _number(service_id: str) -> int:
    """Services of a group are counted at the end of their ids."""
    return whole(service_id.rpartition("-")[2]) or 0
