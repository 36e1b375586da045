"""Endpoints: services of the platform, and their life."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from anyfit.backend import (
    EndpointRef,
    EndpointState,
    EndpointStatus,
    LogLine,
    LogPage,
    ModelRef,
    Named,
    Point,
    Series,
)
from anyfit.cloud.numbers import number, whole
from anyfit.errors import AnyfitError, Conflict, NotFound, ServiceError, UsageError
from anyfit.http import RetryPolicy
from anyfit.spec import EndpointSpec, Variant
from anyfit_modelarts.client import Client, Raw
from anyfit_modelarts.paging import one, pages
from anyfit_modelarts.service_bodies import VARIABLES
from anyfit_modelarts.settings import Settings
from anyfit_modelarts.states import ENDPOINT_STATUS
from anyfit_modelarts.wire import moment, rows, table, text

__all__ = ["Services"]

_PATH = "/v1/{project}/services"
_STOP_SECONDS = 60.0  # so long starting waits for a service that is stopping
_CURSOR = re.compile(r"(\d+)\.(\d+)", re.ASCII)
_FIGURES = (
    ("invocation_times", ""),
    ("failed_times", ""),
    ("cpu_core_usage", "cores"),
    ("cpu_memory_usage", "MB"),
    ("gpu_usage", ""),
    ("gpu_memory_usage", "MB"),
    ("npu_usage", ""),
    ("npu_memory_usage", "MB"),
    ("model_running_instance_count", ""),
)


class Services:
    """The real-time services of one project.

    Args:
        client: Makes the calls.
        settings: The backend's.
        policy: How to wait.
    """

    def __init__(self, client: Client, settings: Settings, policy: RetryPolicy) -> None:
        self._client = client
        self._settings = settings
        self._policy = policy

    def deploy(self, body: Raw) -> EndpointRef:
        """Make a service; an answer that was lost is looked up by name, and another one's service is a conflict."""
        what = f"endpoint {body['service_name']}"
        try:
            id = text(table(self._client.post(_PATH, body, what)).get("service_id"))
            if not id:
                raise ServiceError(f"{what}: ModelArts answers without an id", backend="modelarts")
            return self._ref(id)
        except ServiceError:
            found = self.find(body["service_name"])
            if found is None:
                raise
            if _parts(self.detail(found)) != _parts(body):
                raise _conflict(body["service_name"]) from None
            return found

    def detail(self, ref: EndpointRef) -> Raw:
        """All that the platform says; `NotFound` where there is no such service."""
        return table(self._client.get(_path(ref), f"endpoint {ref.id}"))

    def state(self, ref: EndpointRef) -> EndpointState:
        """How the service is."""
        return self.state_of(self.detail(ref))

    def state_of(self, detail: Raw) -> EndpointState:
        """How a service is, by what the platform says."""
        native, url = text(detail.get("status")), text(detail.get("access_address"))
        status = ENDPOINT_STATUS.get(native, EndpointStatus.UNKNOWN)
        if status == EndpointStatus.CREATING and url:
            status = EndpointStatus.UPDATING
        return EndpointState(
            status=status,
            native=native,
            reason=text(detail.get("error_msg")) or _reason(native),
            url=url,
            spec=self._spec(detail),
            created_at=moment(detail.get("publish_at")),
        )

    def every(self) -> list[Named[EndpointRef]]:
        """All services but those that are about to go, newest first."""
        return [Named(text(row.get("service_name")), self._ref(text(row.get("service_id")))) for row in self._rows()]

    def find(self, name: str) -> EndpointRef | None:
        """The service of that name; the platform's own search finds parts of names too."""
        for row in self._rows(service_name=name):
            if row.get("service_name") == name:
                return self._ref(text(row.get("service_id")))
        return None

    def update(self, ref: EndpointRef, body: Raw) -> None:
        """Serve something else."""
        self._client.put(_path(ref), body, f"change of endpoint {ref.id}")

    def start(self, ref: EndpointRef) -> None:
        """Serve again, as soon as an earlier request to stop is done with."""
        self._await_stop(ref)
        self._turn(ref, "running", (EndpointStatus.READY, EndpointStatus.CREATING, EndpointStatus.UPDATING))

    def stop(self, ref: EndpointRef) -> None:
        """Stop serving."""
        self._turn(ref, "stopped", (EndpointStatus.STOPPED, EndpointStatus.STOPPING))

    def delete(self, ref: EndpointRef) -> None:
        """Remove the service; one that is gone is fine."""
        try:
            self._client.delete(_path(ref), f"deletion of endpoint {ref.id}")
        except NotFound:
            return

    def logs(self, ref: EndpointRef, cursor: str) -> LogPage:
        """What happened to the service after `cursor`: the platform keeps no word of what its servers print.

        The cursor is the time of the last event in milliseconds, and how many events of that time were told.
        """
        since, told = _event(cursor)
        asked = {"sort_by": "occur_time", "order": "asc", "start_time": since}
        found = list(pages(self._client, f"{_path(ref)}/events", "events", asked, f"events of endpoint {ref.id}"))
        events = sorted(found, key=lambda row: number(row.get("occur_time")))
        new = [row for row in events if (whole(row.get("occur_time")) or 0) >= since][told:]
        if not new:
            return LogPage((), cursor)
        last = whole(new[-1].get("occur_time")) or 0
        count = sum(whole(row.get("occur_time")) == last for row in events)
        return LogPage(tuple(_line(row) for row in new), f"{last}.{count}")

    def metrics(self, ref: EndpointRef) -> list[Series]:
        """What the service does and uses at the moment, for each model, and the requests of the last minute."""
        answer = table(self._client.get(f"{_path(ref)}/monitor", f"figures of endpoint {ref.id}"))
        found = []
        for row in rows(answer.get("monitors")):
            model = f"{text(row.get('model_name'))}:{text(row.get('model_version'))}"
            found += [
                Series(f"{model} {name}", _one(row[name]), unit) for name, unit in _FIGURES if _is_told(name, row)
            ]
        if "req_count_per_min" in answer:
            found.append(Series("requests", _one(answer["req_count_per_min"]), "per minute"))
        return found

    def _turn(self, ref: EndpointRef, status: str, there: Sequence[EndpointStatus]) -> None:
        if self.state(ref).status in there:
            return
        try:
            self._client.put(_path(ref), {"status": status}, f"change of endpoint {ref.id}")
        except AnyfitError:
            if self.state(ref).status not in there:  # another call may have been faster
                raise

    def _await_stop(self, ref: EndpointRef) -> None:
        """Wait while the service is stopping, for the platform starts none then."""
        waited = 0.0
        while waited < _STOP_SECONDS and text(self.detail(ref).get("status")) == "stopping":
            self._policy.sleep(self._settings.poll_seconds)
            waited += self._settings.poll_seconds

    def _rows(self, **asked: str) -> list[Raw]:
        if self._settings.workspace:
            asked["workspace_id"] = self._settings.workspace
        found = pages(self._client, _PATH, "services", {"infer_type": "real-time", **asked}, "endpoints")
        return [row for row in found if row.get("status") != "deleting"]

    def _spec(self, detail: Raw) -> EndpointSpec | None:
        variants = tuple(self._variant(part) for part in rows(detail.get("config")))
        if not variants:
            return None
        description = text(detail.get("description"))
        return EndpointSpec(name=text(detail.get("service_name")), variants=variants, description=description)

    def _variant(self, part: Raw) -> Variant:
        environment = {name: text(value) for name, value in table(part.get("envs")).items() if name != VARIABLES}
        return Variant(
            model=str(ModelRef("modelarts", self._settings.region, text(part.get("model_id")))),
            weight=number(part.get("weight")),
            instance_type=text(part.get("specification")),
            instance_count=_instances(part),
            environment=environment,
        )

    def _ref(self, id: str) -> EndpointRef:
        return EndpointRef("modelarts", self._settings.region, id)


def _path(ref: EndpointRef) -> str:
    return one(_PATH, ref.id, "endpoint")


def _event(cursor: str) -> tuple[int, int]:
    """The time of the last event that was told, and how many of that time were."""
    found = _CURSOR.fullmatch(cursor or "0.0")
    if found is None:
        raise UsageError(f"{cursor!r} is no place among events of ModelArts", hint="follow them from their beginning")
    return int(found[1]), int(found[2])


def _parts(service: Raw) -> list[tuple[str, float, str, int]]:
    """What a service serves, and on what, as it was asked for or as the platform tells."""
    return sorted(
        (text(part.get("model_id")), number(part.get("weight")), text(part.get("specification")), _instances(part))
        for part in rows(service.get("config"))
    )


def _instances(part: Raw) -> int:
    return whole(part.get("instance_count")) or 1


def _conflict(name: str) -> Conflict:
    return Conflict(
        f"endpoint_name: there is already an endpoint {name!r} on ModelArts",
        hint="choose another name, or delete the endpoint",
        backend="modelarts",
    )


def _is_told(name: str, row: Raw) -> bool:
    """Whether a figure is there, and is one of what the instances have at all."""
    card = name.partition("_")[0]
    return name in row and (card not in ("gpu", "npu") or number(row.get(f"{card}_total")) > 0)


def _one(value: object) -> tuple[Point, ...]:
    return (Point(0, number(value)),)


def _line(row: Mapping[str, Any]) -> LogLine:
    word = "" if text(row.get("event_type")) in ("", "normal") else f"{row['event_type']}: "
    return LogLine(word + text(row.get("event_info")), moment(row.get("occur_time")))


def _reason(native: str) -> str:
    """What a word means that says more than its neutral one."""
    return {"concerning": "some of its instances do not answer", "deleting": "it is being removed"}.get(native, "")
