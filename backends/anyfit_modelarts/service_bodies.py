"""The bodies that deploy services and let them serve something else."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from anyfit.backend import ModelRef, Offering
from anyfit.catalog import choose, parse_wish
from anyfit.errors import NotFound, SpecError
from anyfit.shares import percents
from anyfit.spec import EndpointSpec, Variant
from anyfit_modelarts.client import Raw
from anyfit_modelarts.model_bodies import plain_text
from anyfit_modelarts.settings import Options, Settings
from anyfit_modelarts.translate.work import options_of
from anyfit_modelarts.wire import table

__all__ = ["VARIABLES", "service_body", "update_body"]

VARIABLES = "ANYFIT_SERVICE_VARIABLES"
"""Names of the variables that the service sets, for they go before the model's own."""

_CUSTOM = "custom"
_WHOLE = ("memory", "ascend_a310")
_NAME = re.compile(r"[A-Za-z0-9_一-龥-]{1,64}")
_MOST = 128
_SHARED = ("pool_name", "cluster_id", "vpc_id", "subnet_network_id", "security_group_id", "load_balancer_policy")


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
    if wanted and any(part.get("specification") == wanted for part in config):
        return {"specification": wanted}  # what it has already may be sold out for others
    return {"specification": choose(wanted, machines, task="serve").spec_id}
