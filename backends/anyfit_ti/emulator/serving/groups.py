"""Service groups: weights and addresses (reference, sections 3.13 and 3.14)."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from anyfit_ti.emulator.desk import TIONE_2021, Call, Site, Tables
from anyfit_ti.emulator.fields import Fields
from anyfit_ti.emulator.selecting import page, select, tagged
from anyfit_ti.emulator.serving.register import Group, Register
from anyfit_ti.emulator.serving.services import Services
from anyfit_ti.emulator.serving.views import group_view

__all__ = ["Groups"]

_TURBO = ("HUGGING_FACE_STABLE_DIFFUSION", "HUGGING_FACE_STABLE_DIFFUSION_LORA", "WEB_UI_STABLE_DIFFUSION")


class Groups:
    """What is said and changed of groups; safe from any thread.

    Args:
        address: Where a group is called.
    """

    def __init__(
        self,
        site: Site,
        register: Register,
        services: Services,
        address: Callable[[str], str],
    ) -> None:
        self._site = site
        self._register = register
        self._services = services
        self._address = address
        self._lock = register.lock

    def tables(self) -> Tables:
        """What it answers."""
        return {
            TIONE_2021: {
                "DescribeModelServiceGroup": self.describe,
                "DescribeModelServiceGroups": self.describe_all,
                "ModifyServiceGroupWeights": self.weigh,
                "DescribeModelServiceCallInfo": self.call_info,
                "DescribeModelServiceHotUpdated": self.hot_updated,
                "DescribeAPIConfigs": self.api_configs,
                "DescribeInferTemplates": lambda call: {"FrameworkTemplates": None},
            }
        }

    def describe(self, call: Call) -> dict[str, Any]:
        """One group."""
        with self._lock:
            return {"ServiceGroup": self._view(self._group(call.fields))}

    def describe_all(self, call: Call) -> dict[str, Any]:
        """Groups, newest first."""
        fields = call.fields
        ascending = fields.text("Order", "DESC", one_of=("ASC", "DESC")) == "ASC"
        by_update = fields.text("OrderField", "CreateTime", one_of=("CreateTime", "UpdateTime")) == "UpdateTime"
        with self._lock:
            groups = list(self._register.groups.values())
            groups.sort(key=lambda one: one.updated if by_update else one.created, reverse=not ascending)
            found = tagged(select(groups, fields, self._filters()), fields, lambda one: one.tags)
            shown = page(found, fields, default=20, most=100)
            views = [self._view(group) for group in shown]
            return {"TotalCount": len(found), "ServiceGroups": views, "GlobalTotalCount": len(groups)}

    def weigh(self, call: Call) -> dict[str, Any]:
        """Share the requests out anew; versions that are not named keep their part."""
        fields = call.fields
        with self._lock:
            group = self._group(fields)
            services = {service.id: service for service in self._register.services_of(group)}
            weights = {service.id: service.weight for service in services.values()}
            for item in fields.parts("Weights", required=True):
                service_id = item.text("ServiceId", required=True)
                if service_id not in services:
                    raise item.bad("ServiceId", f"is none of the group's: {', '.join(services)}")
                weights[service_id] = item.integer("Weight", required=True, most=100)
            if sum(weights.values()) != 100:
                raise fields.bad("Weights", f"must come to 100 in sum, not to {sum(weights.values())}")
            for service_id, weight in weights.items():
                services[service_id].weight = weight
            group.weighted = time.time()
            self._register.keep(*services.values())
            self._register.touch(group)
        return {"ServiceGroup": None}

    def call_info(self, call: Call) -> dict[str, Any]:
        """Where the group is called, and with what."""
        with self._lock:
            group = self._group(call.fields)
            info = {
                "ServiceGroupId": group.id,
                "InternetEndpoint": self._address(group.id),
                "AuthorizationEnable": group.authorized,
                "AuthToken": group.tokens[0]["Base"]["Value"] if group.authorized and group.tokens else "",
                "AuthTokens": group.tokens if group.authorized else [],
                "EnableLimit": False,
                "GrpcHost": "",
                "GatewayConfig": group.extra.get("GatewayConfig"),
            }
            return {
                "ServiceCallInfo": None,
                "ServiceCallInfoV2": info,
                "InferGatewayCallInfo": None,
                "IntranetCallInfo": None,
                "DefaultNginxGatewayCallInfo": None,
                "TJCallInfo": None,
            }

    def hot_updated(self, call: Call) -> dict[str, Any]:
        """Whether a model can be accelerated while it is served."""
        fields = call.fields
        fields.part("ImageInfo", required=True)
        model = fields.part("ModelInfo")
        allowed = model is not None and model.text("ModelFormat") in _TURBO
        return {"ModelTurboFlag": "Allowed" if allowed else "Forbidden"}

    def api_configs(self, call: Call) -> dict[str, Any]:
        """The interfaces of all groups: each has the one of the built-in images."""
        fields = call.fields
        with self._lock:
            groups = list(self._register.groups.values())
            found = select(groups, fields, {"ServiceGroupId": lambda one: [one.id]})
            details = [
                {
                    "Id": group.id,
                    "ServiceGroupId": group.id,
                    "Description": "",
                    "RelativeUrl": "/v1/models/m:predict",
                    "ServiceType": "HTTP",
                    "HttpMethod": "POST",
                    "Uin": self._site.account.uin,
                    "SubUin": self._site.account.uin,
                }
                for group in page(found, fields, default=20, most=100)
            ]
            return {"TotalCount": len(found), "Details": details}

    def _group(self, fields: Fields) -> Group:
        return self._register.group(fields.text("ServiceGroupId", required=True))

    def _view(self, group: Group) -> dict[str, Any]:
        views = [self._services.view(service) for service in self._register.services_of(group)]
        return group_view(group, views, self._site.account)

    def _filters(self) -> dict[str, Callable[[Group], list[str]]]:
        def each(name: str) -> Callable[[Group], list[str]]:
            return lambda group: [self._services.view(one)[name] for one in self._register.services_of(group)]

        def versions(group: Group) -> list[str]:
            infos = [one.config.get("ModelInfo") or {} for one in self._register.services_of(group)]
            return [info.get("ModelVersionId", "") for info in infos]

        return {
            "ClusterId": lambda group: [""],
            "ServiceId": each("ServiceId"),
            "ServiceGroupName": lambda group: [group.name],
            "ServiceGroupId": lambda group: [group.id],
            "Status": each("Status"),
            "CreatedBy": lambda group: [self._site.account.uin],
            "ModelVersionId": versions,
        }
