"""Endpoints: services of the platform, their bodies and their life."""

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
    Offering,
    Point,
    Series,
)
from anyfit.catalog import choose, parse_wish
from anyfit.errors import NotFound, ServiceError, SpecError
from anyfit.shares import percents
from anyfit.spec import EndpointSpec, Variant
from anyfit_modelarts.client import Client, Raw
from anyfit_modelarts.models import plain_text
from anyfit_modelarts.paging import one, pages
from anyfit_modelarts.settings import Options, Settings
from anyfit_modelarts.states import ENDPOINT_STATUS
from anyfit_modelarts.translate.work import options_of
from anyfit_modelarts.wire import moment, number, rows, table, text, whole

__all__ = ["Services", "service_body", "update_body"]

_PATH = "/v1/{project}/services"
_CUSTOM = "custom"
_WHOLE = ("memory", "ascend_a310")
_NAME = re.compile(r"[A-Za-z0-9_一-龥-]{1,64}")
_MOST = 128
_SHARED = ("pool_name", "cluster_id", "vpc_id", "subnet_network_id", "security_group_id", "load_balancer_policy")
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
VARIABLES = "ANYFIT_SERVICE_VARIABLES"
"""Names of the variables that the service sets, for they go before the model's own."""


def service_body(spec: EndpointSpec, machines: Sequence[Offering], settings: Settings) -> dict[str, Any]:
    """The body that deploys a service; pure."""
    options = options_of(spec.options)
    if not _NAME.fullmatch(spec.name):
        raise SpecError(f"endpoint_name: {spec.name!r} is no name here", hint="1 to 64 letters, digits, - and _")
    body: dict[str, Any] = {
        "service_name": spec.name,
        "infer_type": "real-time",
        **_changeable(spec, options, machines),
        **{name: getattr(options, name) for name in _SHARED if getattr(options, name)},
    }
    if workspace := options.workspace or settings.workspace:
        body["workspace_id"] = workspace
    return {**body, "priority": options.priority} if options.priority is not None else body


def update_body(spec: EndpointSpec, machines: Sequence[Offering], config: Sequence[Raw]) -> dict[str, Any]:
    """The body that lets a service serve something else; `config` is what it has."""
    return _changeable(spec, options_of(spec.options), machines, config)


def _changeable(
    spec: EndpointSpec, options: Options, machines: Sequence[Offering], config: Sequence[Raw] = ()
) -> dict[str, Any]:
    if not spec.variants:
        raise SpecError("variants: there is nothing to serve")
    models = [variant.model for variant in spec.variants]
    if twice := next((model for model in models if models.count(model) > 1), ""):
        raise SpecError(f"models: {twice} is there twice", hint="a service has a model version once")
    shares = percents([variant.weight for variant in spec.variants])
    parts = [
        _part(variant, share, options, machines, config) for variant, share in zip(spec.variants, shares, strict=True)
    ]
    body: dict[str, Any] = {"config": parts}
    if spec.description:
        body["description"] = plain_text("description", spec.description)
    if options.schedule:
        body["schedule"] = [dict(stop) for stop in options.schedule]
    if options.additional_properties:
        body["additional_properties"] = dict(options.additional_properties)
    return body


def _part(
    variant: Variant, share: int, options: Options, machines: Sequence[Offering], config: Sequence[Raw]
) -> dict[str, Any]:
    ref = ModelRef.parse(variant.model)
    if ref.backend != "modelarts":
        raise NotFound(
            f"there is no model {variant.model!r} on ModelArts", hint="anyfit models lists them", backend="modelarts"
        )
    if variant.instance_count > _MOST:
        raise SpecError(f"initial_instance_count: {variant.instance_count} are too many", hint=f"{_MOST} at most")
    item: dict[str, Any] = {
        "model_id": ref.id,
        "weight": share,
        "instance_count": variant.instance_count,
        **_machine(variant.instance_type, ref.id, options, machines, config),
    }
    if variant.environment:
        item["envs"] = {**variant.environment, VARIABLES: ",".join(variant.environment)}
    if options.deploy_timeout_in_seconds is not None:
        item["deploy_timeout_in_seconds"] = options.deploy_timeout_in_seconds
    return item


def _machine(
    wanted: str, model: str, options: Options, machines: Sequence[Offering], config: Sequence[Raw]
) -> dict[str, Any]:
    """What an instance runs on: one of the platform's machines, or a part of a dedicated pool's."""
    if options.custom_spec:
        spec = {name: int(value) if name in _WHOLE else value for name, value in options.custom_spec.items()}
        return {"specification": _CUSTOM, "custom_spec": spec}
    if wanted == _CUSTOM:
        kept = next((part for part in config if part.get("model_id") == model), config[0] if config else {})
        if not table(kept.get("custom_spec")):
            raise SpecError("options.modelarts.custom_spec: missing", hint="write how much cpu and memory it has")
        pools = {name: kept[name] for name in ("pool_name", "cluster_id") if kept.get(name)}
        return {"specification": _CUSTOM, "custom_spec": dict(table(kept.get("custom_spec"))), **pools}
    if (options.pool_name or options.cluster_id) and "=" in wanted:
        wish = parse_wish(wanted)
        if wish.cpus is None or wish.memory_gib is None or wish.gpu_count is not None:
            raise SpecError(
                f"instance_type: {wanted!r} says not enough, or too much, for a dedicated pool",
                hint='write "cpu=2 mem=4GB", a machine\'s name, or options.modelarts.custom_spec for accelerators',
            )
        memory = round(wish.memory_gib.value * 1024)
        return {"specification": _CUSTOM, "custom_spec": {"cpu": wish.cpus.value, "memory": memory}}
    return {"specification": choose(wanted, machines, task="serve").spec_id}


class Services:
    """The real-time services of one project.

    Args:
        client: Makes the calls.
        settings: The backend's.
    """

    def __init__(self, client: Client, settings: Settings) -> None:
        self._client = client
        self._settings = settings

    def deploy(self, body: Raw) -> EndpointRef:
        """Make a service; an answer that was lost is looked up by name."""
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
        """Serve again."""
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
        since, told = (int(part) for part in cursor.split(".")) if cursor else (0, 0)
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
                Series(f"{model} {name}", (Point(0, number(row[name])),), unit)
                for name, unit in _FIGURES
                if name in row
            ]
        if "req_count_per_min" in answer:
            found.append(Series("requests", _one(answer["req_count_per_min"]), "per minute"))
        return found

    def _turn(self, ref: EndpointRef, status: str, there: Sequence[EndpointStatus]) -> None:
        if self.state(ref).status not in there:
            self._client.put(_path(ref), {"status": status}, f"change of endpoint {ref.id}")

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
            instance_count=whole(part.get("instance_count")) or 1,
            environment=environment,
        )

    def _ref(self, id: str) -> EndpointRef:
        return EndpointRef("modelarts", self._settings.region, id)


def _path(ref: EndpointRef) -> str:
    return one(_PATH, ref.id, "endpoint")


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
