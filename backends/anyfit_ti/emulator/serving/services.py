"""The versions of service groups: created, changed, stopped, started, deleted (reference, sections 3.11 and 3.13)."""

from __future__ import annotations

import re
import time
from typing import Any

from anyfit_emulator.running import LineLog
from anyfit_ti.emulator.desk import TIONE_2021, Call, Site, Tables
from anyfit_ti.emulator.errors import ApiError
from anyfit_ti.emulator.fields import Fields
from anyfit_ti.emulator.ids import letters
from anyfit_ti.emulator.selecting import page, select, tagged
from anyfit_ti.emulator.serving.life import Life
from anyfit_ti.emulator.serving.orders import (
    CHANGEABLE,
    CHARGES,
    SCALING,
    check_order,
    grace_of,
    replicas_of,
)
from anyfit_ti.emulator.serving.register import Group, Register, Service, new_token
from anyfit_ti.emulator.serving.views import new_view, service_view

__all__ = ["Services"]

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,59}")
_FIXED = ("TiProjectId", "DeployType", "CreateSource", "ServiceCategory", "CallbackUrl")
_EXTRA = ("GatewayConfig", "GatewayLogConfig")


class Services:
    """The services of the account; safe from any thread."""

    def __init__(self, site: Site, register: Register, life: Life) -> None:
        self._site = site
        self._register = register
        self._life = life
        self._fleet = life.fleet
        self._lock = register.lock

    def tables(self) -> Tables:
        """What it answers."""
        return {
            TIONE_2021: {
                "CreateModelService": self.create,
                "DescribeModelService": self.describe,
                "DescribeModelServices": self.describe_all,
                "ModifyModelService": self.modify,
                "DeleteModelService": self.delete,
                "DeleteModelServiceGroup": self.delete_group,
            }
        }

    # actions

    def create(self, call: Call) -> dict[str, Any]:
        """A group with its first version, or a further version."""
        fields = call.fields
        with self._lock:
            group = self._group_for(fields, call.region)
            config = {name: fields.values[name] for name in CHANGEABLE if fields.has(name)}
            check_order(Fields(config, loose=call.loose), group.charge, self._life.locate)
            fixed = {name: fields.values[name] for name in _FIXED if fields.has(name)}
            first = group.id not in self._register.groups
            self._register.groups[group.id] = group
            group.numbers += 1
            service = Service(
                id=f"{group.id}-{group.numbers}",
                group_id=group.id,
                number=group.numbers,
                config=config,
                fixed=fixed,
                region=call.region,
                created=time.time(),
                updated=time.time(),
                wanted=replicas_of(config),
                weight=100 if first else 0,
                operation="CreateModelService",
                asked=time.time(),
            )
            self._register.services[service.id] = service
            self._register.keep(service)
            self._register.touch(group)
            answer = new_view(service, group, self._site.account)
            self._life.deploy(service)
            return {"Service": answer}

    def describe(self, call: Call) -> dict[str, Any]:
        """One service."""
        with self._lock:
            return {"Service": self.view(self._register.service(call.fields.text("ServiceId", required=True)))}

    def describe_all(self, call: Call) -> dict[str, Any]:
        """Services, newest first."""
        fields = call.fields
        with self._lock:
            services = sorted(self._register.services.values(), key=lambda one: -one.created)
            found = select(services, fields, self._filters())
            found = tagged(found, fields, lambda one: self._register.group(one.group_id).tags)
            shown = page(found, fields, default=20, most=20)
            return {"TotalCount": len(found), "Services": [self.view(service) for service in shown]}

    def modify(self, call: Call) -> dict[str, Any]:
        """Another configuration, another number of instances, a stop or a start."""
        fields = call.fields
        with self._lock:
            service = self._register.service(fields.text("ServiceId", required=True))
            action = fields.text("ServiceAction", one_of=("STOP", "RESUME", "SCALE"))
            if service.business == "CREATE_FAILED":
                raise ApiError("FailedOperation.NotAllow", f"The service {service.id} could not be created.")
            if action == "STOP":
                self._life.stop(service)
                service.operation, service.asked = "Stop", time.time()
            elif action == "RESUME":
                self._life.resume(service)
                service.operation, service.asked = "Start", time.time()
            else:
                names = SCALING if action == "SCALE" else CHANGEABLE
                self._change(service, fields, [name for name in names if fields.has(name)])
            self._register.touch(service)
            return {"Service": self.view(service)}

    def delete(self, call: Call) -> dict[str, Any]:
        """A version that is stopped; the group goes with the last one."""
        with self._lock:
            service = self._register.service(call.fields.text("ServiceId", required=True))
            self._check_stopped(service)
            group = self._register.group(service.group_id)
            self._drop(service)
            if not self._register.services_of(group):
                self._register.remove(group)
        return {}

    def delete_group(self, call: Call) -> dict[str, Any]:
        """A group with all its versions, once they are stopped."""
        with self._lock:
            group = self._register.group(call.fields.text("ServiceGroupId", required=True))
            for service in self._register.services_of(group):
                self._check_stopped(service)
            for service in self._register.services_of(group):
                self._drop(service)
            self._register.remove(group)
        return {}

    # for others

    def view(self, service: Service) -> dict[str, Any]:
        """A service as answers show it."""
        group = self._register.group(service.group_id)
        return service_view(service, group, self._life.state(service), self._fleet.pods(service.id), self._site.account)

    def logs(self, service_id: str) -> dict[str, LineLog]:
        """By pod, what a service's instances wrote; with no id, those of all services."""
        with self._lock:
            wanted = [key for key in self._register.services if service_id in ("", key)]
        return {pod: log for key in wanted for pod, log in self._fleet.logs(key).items()}

    def events(self, service_id: str) -> list[dict[str, Any]]:
        """What happened to a service's instances that live, the oldest first."""
        found = [
            {
                "Id": f"{pod.name}-{number}",
                "Type": "Warning" if event.warning else "Normal",
                "ResourceName": pod.name,
                "Message": event.text,
                "At": event.at,
            }
            for pod in self._fleet.pods(service_id)
            for number, event in enumerate(pod.events)
        ]
        return sorted(found, key=lambda event: float(event["At"]))

    # rules

    def _group_for(self, fields: Fields, region: str) -> Group:
        """The group that a new service goes to, which may be a new one."""
        if fields.flag("NewVersion") or fields.text("ServiceGroupId"):
            return self._register.group(fields.text("ServiceGroupId", required=True))
        name = fields.text("ServiceGroupName", required=True)
        if not _NAME.fullmatch(name):
            what = "must be 1 to 60 letters, digits, `_` and `-`, a letter or digit first"
            raise fields.bad("ServiceGroupName", what, "InvalidParameterValue.BadName")
        if any(group.name == name for group in self._register.groups.values()):
            raise ApiError("FailedOperation.DuplicateName", f"There is a service group {name} already.")
        now = time.time()
        group = Group(
            id=f"ms-{letters(8)}",
            name=name,
            region=region,
            created=now,
            updated=now,
            tags=[
                {"TagKey": tag.text("TagKey", required=True), "TagValue": tag.text("TagValue")}
                for tag in fields.parts("Tags")
            ],
            charge=fields.text("ChargeType", required=True, one_of=CHARGES),
            authorized=fields.flag("AuthorizationEnable"),
            extra={name: fields.values[name] for name in _EXTRA if fields.has(name)},
        )
        group.tokens = [new_token()] if group.authorized else []
        return group

    def _change(self, service: Service, fields: Fields, names: list[str]) -> None:
        config = {**service.config, **{name: fields.values[name] for name in names}}
        if "Command" in names and "CommandBase64" not in names:
            config.pop("CommandBase64", None)
        check_order(Fields(config), self._register.group(service.group_id).charge, self._life.locate)
        self._life.change(service, config)

    def _check_stopped(self, service: Service) -> None:
        if service.business == "CREATE_FAILED":
            return
        status = self._life.state(service).status
        if service.wanted or status != "Stopped":
            word = "stopping" if status == "Stopping" else "running; stop it first"
            raise ApiError("OperationDenied.NotAllow", f"The service {service.id} is {word}.")

    def _drop(self, service: Service) -> None:
        self._register.remove(service)
        self._fleet.forget(service.id, grace_of(service.config))

    def _filters(self) -> dict[str, Any]:
        return {
            "ClusterId": lambda one: [""],
            "ServiceId": lambda one: [one.id],
            "ServiceGroupName": lambda one: [self._register.group(one.group_id).name],
            "ServiceGroupId": lambda one: [one.group_id],
            "Status": lambda one: [self.view(one)["Status"]],
            "CreatedBy": lambda one: [self._site.account.uin],
            "ModelId": lambda one: [(one.config.get("ModelInfo") or {}).get("ModelId", "")],
            "ModelVersionId": lambda one: [(one.config.get("ModelInfo") or {}).get("ModelVersionId", "")],
        }
