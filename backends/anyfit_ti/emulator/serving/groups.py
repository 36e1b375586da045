"""Service groups: weights, tokens, addresses (reference, sections 3.13 and 3.14)."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

from anyfit_emulator.http import Request, Response
from anyfit_ti.emulator.desk import TIONE_2021, Call, Site, Tables
from anyfit_ti.emulator.errors import ApiError
from anyfit_ti.emulator.fields import Fields
from anyfit_ti.emulator.ids import letters
from anyfit_ti.emulator.selecting import page, select, tagged
from anyfit_ti.emulator.serving.asking import json_request
from anyfit_ti.emulator.serving.register import Group, Register, new_token
from anyfit_ti.emulator.serving.services import Services
from anyfit_ti.emulator.serving.views import group_view

__all__ = ["Groups"]

_TURBO = ("HUGGING_FACE_STABLE_DIFFUSION", "HUGGING_FACE_STABLE_DIFFUSION_LORA", "WEB_UI_STABLE_DIFFUSION")


class Groups:
    """What is said and changed of groups; safe from any thread.

    Args:
        address: Where a group is called.
        ask: Passes a request of the platform's own to a group, as the gateway does with those of others.
    """

    def __init__(
        self,
        site: Site,
        register: Register,
        services: Services,
        address: Callable[[str], str],
        ask: Callable[[Group, Request, str], Response],
    ) -> None:
        self._site = site
        self._register = register
        self._services = services
        self._address = address
        self._ask = ask
        self._lock = register.lock

    def tables(self) -> Tables:
        """What it answers."""
        return {
            TIONE_2021: {
                "DescribeModelServiceGroup": self.describe,
                "DescribeModelServiceGroups": self.describe_all,
                "ModifyServiceGroupWeights": self.weigh,
                "ModifyModelServiceAuthorization": self.authorize,
                "CreateModelServiceAuthToken": self.create_token,
                "ModifyModelServiceAuthToken": self.modify_token,
                "DeleteModelServiceAuthToken": self.delete_token,
                "DescribeModelServiceCallInfo": self.call_info,
                "DescribeModelServiceHotUpdated": self.hot_updated,
                "DescribeAPIConfigs": self.api_configs,
                "DescribeInferTemplates": lambda call: {"FrameworkTemplates": None},
                "ChatCompletion": self.chat,
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

    def authorize(self, call: Call) -> dict[str, Any]:
        """Ask callers for a token, or no longer."""
        with self._lock:
            group = self._group(call.fields)
            group.authorized = call.fields.flag("AuthorizationEnable")
            if group.authorized and not group.tokens:
                group.tokens = [new_token()]
            self._register.touch(group)
        return {}

    def create_token(self, call: Call) -> dict[str, Any]:
        """A further token."""
        fields = call.fields
        with self._lock:
            group = self._group(fields)
            name = fields.text("Name", longest=60) or f"token-{len(group.tokens) + 1}"
            group.tokens.append(new_token(name, fields.text("Description", longest=1024)))
            self._register.touch(group)
        return {}

    def modify_token(self, call: Call) -> dict[str, Any]:
        """Another name or description for a token, or another value."""
        fields = call.fields
        with self._lock:
            group = self._group(fields)
            given = fields.part("AuthToken", required=True) or Fields({})
            base = given.part("Base", required=True) or Fields({})
            token = self._token(group, base.text("Value"), base.text("Id"))
            for name in ("Name", "Description"):
                if base.has(name):
                    token["Base"][name] = base.text(name)
            if given.has("Limits"):
                token["Limits"] = [
                    {
                        "Strategy": limit.text("Strategy", required=True, one_of=("PerMinute", "PerDay")),
                        "Max": limit.integer("Max", required=True),
                    }
                    for limit in given.parts("Limits")
                ]
            if fields.flag("NeedReset"):
                fresh = new_token()["Base"]
                token["Base"] |= {"Value": fresh["Value"], "Id": fresh["Id"]}
            self._register.touch(group)
        return {}

    def delete_token(self, call: Call) -> dict[str, Any]:
        """A token that lets nobody in any more."""
        fields = call.fields
        with self._lock:
            group = self._group(fields)
            group.tokens.remove(self._token(group, fields.text("AuthTokenValue", required=True), ""))
            self._register.touch(group)
        return {}

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

    def chat(self, call: Call) -> dict[str, Any]:
        """A conversation with a group that speaks OpenAI's protocol."""
        fields = call.fields
        with self._lock:
            group = self._register.group(fields.text("Model", required=True))
        messages = [
            {"role": item.text("Role", required=True), "content": _content(item)}
            for item in fields.parts("Messages", required=True)
        ]
        asked = {
            "model": group.id,
            "messages": messages,
            "temperature": fields.number("Temperature", 0.7),
            "top_p": fields.number("TopP", 1.0),
            "max_tokens": fields.integer("MaxTokens", 512, least=1),
        }
        return _completion(group, self._ask(group, json_request(asked), "/v1/chat/completions"))

    def _group(self, fields: Fields) -> Group:
        return self._register.group(fields.text("ServiceGroupId", required=True))

    def _view(self, group: Group) -> dict[str, Any]:
        views = [self._services.view(service) for service in self._register.services_of(group)]
        return group_view(group, views, self._site.account)

    @staticmethod
    def _token(group: Group, value: str, identifier: str) -> dict[str, Any]:
        for token in group.tokens:
            base = token["Base"]
            if (value and base["Value"] == value) or (not value and identifier and base["Id"] == identifier):
                return token
        raise ApiError("FailedOperation.InvalidAuthToken", f"The service group {group.id} has no such token.")

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


def _content(message: Fields) -> Any:
    parts = message.parts("MultiModalContents")
    if not parts:
        return message.text("Content")
    return [
        {"type": "text", "text": part.text("Text")}
        if part.text("Type", required=True) == "text"
        else {"type": "image_url", "image_url": {"url": (part.part("ImageUrl") or Fields({})).text("Url")}}
        for part in parts
    ]


def _completion(group: Group, response: Response) -> dict[str, Any]:
    content = response.body if isinstance(response.body, bytes) else b""
    try:
        answer: Any = json.loads(content) if response.status == 200 else None
        choices = [
            {
                "Message": {"Role": choice["message"]["role"], "Content": choice["message"]["content"]},
                "FinishReason": choice.get("finish_reason") or "",
                "Index": choice.get("index", index),
            }
            for index, choice in enumerate(answer["choices"])
        ]
    except (ValueError, KeyError, TypeError):
        text = content[:200].decode("utf-8", "replace")
        raise ApiError("FailedOperation", f"The service answered {response.status}: {text}") from None
    usage = answer.get("usage") or {}
    return {
        "Model": group.id,
        "Choices": choices,
        "Id": answer.get("id") or f"chatcmpl-{letters(16)}",
        "Usage": {
            "CompletionTokens": usage.get("completion_tokens", 0),
            "PromptTokens": usage.get("prompt_tokens", 0),
            "TotalTokens": usage.get("total_tokens", 0),
        },
    }
