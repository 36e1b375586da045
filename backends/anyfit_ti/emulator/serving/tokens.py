"""Tokens that let callers in to service groups (reference, section 3.13)."""

from __future__ import annotations

from typing import Any

from anyfit_ti.emulator.desk import TIONE_2021, Call, Tables
from anyfit_ti.emulator.errors import ApiError
from anyfit_ti.emulator.fields import Fields
from anyfit_ti.emulator.serving.register import Group, Register, new_token

__all__ = ["Tokens"]


class Tokens:
    """Makes them, changes them, takes them away; safe from any thread."""

    def __init__(self, register: Register) -> None:
        self._register = register
        self._lock = register.lock

    def tables(self) -> Tables:
        """What it answers."""
        return {
            TIONE_2021: {
                "ModifyModelServiceAuthorization": self.authorize,
                "CreateModelServiceAuthToken": self.create,
                "ModifyModelServiceAuthToken": self.modify,
                "DeleteModelServiceAuthToken": self.delete,
            }
        }

    def authorize(self, call: Call) -> dict[str, Any]:
        """Ask callers for a token, or no longer."""
        with self._lock:
            group = self._group(call.fields)
            group.authorized = call.fields.flag("AuthorizationEnable")
            if group.authorized and not group.tokens:
                group.tokens = [new_token()]
            self._register.touch(group)
        return {}

    def create(self, call: Call) -> dict[str, Any]:
        """A further token."""
        fields = call.fields
        with self._lock:
            group = self._group(fields)
            name = fields.text("Name", longest=60) or f"token-{len(group.tokens) + 1}"
            group.tokens.append(new_token(name, fields.text("Description", longest=1024)))
            self._register.touch(group)
        return {}

    def modify(self, call: Call) -> dict[str, Any]:
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

    def delete(self, call: Call) -> dict[str, Any]:
        """A token that lets nobody in any more."""
        fields = call.fields
        with self._lock:
            group = self._group(fields)
            group.tokens.remove(self._token(group, fields.text("AuthTokenValue", required=True), ""))
            self._register.touch(group)
        return {}

    def _group(self, fields: Fields) -> Group:
        return self._register.group(fields.text("ServiceGroupId", required=True))

    @staticmethod
    def _token(group: Group, value: str, identifier: str) -> dict[str, Any]:
        for token in group.tokens:
            base = token["Base"]
            if (value and base["Value"] == value) or (not value and identifier and base["Id"] == identifier):
                return token
        raise ApiError("FailedOperation.InvalidAuthToken", f"The service group {group.id} has no such token.")
