"""Every call of the platform that models and services need; faults leave as anyfit's errors."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

from attrs import frozen

from anyfit.errors import AnyfitError, NotFound, ServiceError
from anyfit_ti import wire
from anyfit_ti.client import Client
from anyfit_ti.errors import GONE, NOT_NOW, is_code
from anyfit_ti.pages import every_row
from anyfit_ti.serving import wire as serving_wire
from anyfit_ti.wire import Raw

__all__ = ["ServingClient"]

_MODELS, _GROUPS, _EMS = 100, 100, 100
_CONFIGS = 1000
_LIST_MODELS, _LIST_ENDPOINTS = "anyfit models lists them", "anyfit endpoints lists them"
_USED = "remove the endpoint that serves it first: anyfit endpoints delete NAME"


@frozen
class ServingClient:
    """The calls of one account in one region, on top of the client that signs and sends them."""

    client: Client

    # models, 2021

    def create_model(self, body: Raw) -> str:
        """A new model or a new version; the version's id."""
        with _hinted(_LIST_MODELS):
            what = f"model {body.get('TrainingModelName') or body.get('TrainingModelId')}"
            answer = self.client.tione("CreateTrainingModel", body, what, repeatable=False)
        made = wire.text(answer, "TrainingModelVersionId")
        if not made:
            raise ServiceError(f"{what}: TI answers without the id of a version", backend="ti")
        return made

    def models(self, name: str = "") -> list[Raw]:
        """Models whose names hold this, or all, newest first, with their versions."""
        filters = [{"Name": "keyword", "Values": [name]}] if name else []
        asked = {"Filters": filters, "OrderField": "CreateTime", "Order": "DESC", "WithModelVersions": True}
        return every_row(
            lambda page: self.client.tione("DescribeTrainingModels", {**asked, **page}, "models"),
            "TrainingModels",
            _MODELS,
            "TrainingModelId",
        )

    def model_version(self, version: str) -> serving_wire.ModelVersion:
        """One version; `NotFound` where there is none."""
        with _hinted(_LIST_MODELS):
            body = {"TrainingModelVersionId": version}
            answer = self.client.tione("DescribeTrainingModelVersion", body, f"model {version}")
        found = serving_wire.model_version(wire.table(answer, "TrainingModelVersion"))
        if not found.id:
            raise NotFound(f"model {version}: TI knows no such version", hint=_LIST_MODELS, backend="ti")
        return found

    def model_versions(self, model: str) -> list[serving_wire.ModelVersion]:
        """All versions of a model."""
        with _hinted(_LIST_MODELS):
            answer = self.client.tione("DescribeTrainingModelVersions", {"TrainingModelId": model}, f"model {model}")
        return [serving_wire.model_version(row) for row in wire.rows(answer, "TrainingModelVersions")]

    def delete_model_version(self, version: str) -> None:
        """Remove a version, and leave its files; one that is gone is fine."""
        self._delete_model_version({"TrainingModelVersionId": version, "EnableDeleteCos": False})

    def delete_model_version_and_files(self, version: str) -> None:
        """Remove a version with the files that it is made of; one that is gone is fine."""
        self._delete_model_version({"TrainingModelVersionId": version, "EnableDeleteCos": True})

    # services, 2021

    def create_service(self, body: Raw) -> serving_wire.Service:
        """A new group with its first version, or a further version of a group."""
        what = f"endpoint {body.get('ServiceGroupName') or body.get('ServiceGroupId')}"
        answer = self.client.tione("CreateModelService", body, what, repeatable=False)
        return serving_wire.service(wire.table(answer, "Service"))

    def group(self, group: str) -> serving_wire.Group:
        """One group; `NotFound` where there is none."""
        with _hinted(_LIST_ENDPOINTS):
            answer = self.client.tione("DescribeModelServiceGroup", {"ServiceGroupId": group}, f"endpoint {group}")
        found = serving_wire.group(wire.table(answer, "ServiceGroup"))
        if not found.id:
            raise NotFound(f"endpoint {group}: TI knows no such service group", hint=_LIST_ENDPOINTS, backend="ti")
        return found

    def groups(self, name: str = "") -> list[serving_wire.Group]:
        """Groups of this name, or all, newest first."""
        filters = [{"Name": "ServiceGroupName", "Values": [name]}] if name else []
        asked = {"Filters": filters, "Order": "DESC", "OrderField": "CreateTime"}
        found = every_row(
            lambda page: self.client.tione("DescribeModelServiceGroups", {**asked, **page}, "endpoints"),
            "ServiceGroups",
            _GROUPS,
            "ServiceGroupId",
        )
        groups = map(serving_wire.group, found)
        return [group for group in groups if name in ("", group.name)]

    def modify_service(self, service: str, body: Raw) -> None:
        """Change, scale, stop or start one version."""
        with _hinted(_LIST_ENDPOINTS):
            asked = {"ServiceId": service, **body}
            self.client.tione("ModifyModelService", asked, f"change of endpoint {service}")

    def delete_service(self, service: str) -> bool:
        """Remove a version; whether it is gone, for one that has not stopped stays."""
        body = {"ServiceId": service}
        return _is_gone(lambda: self.client.tione("DeleteModelService", body, f"deletion of endpoint {service}"))

    def delete_group(self, group: str) -> bool:
        """Remove a group with its versions; whether it is gone, for one of which some have not stopped stays."""
        body = {"ServiceGroupId": group}
        return _is_gone(lambda: self.client.tione("DeleteModelServiceGroup", body, f"deletion of endpoint {group}"))

    def weigh(self, group: str, weights: Mapping[str, int]) -> None:
        """Share out the traffic of a group, in percents."""
        body = {"ServiceGroupId": group, "Weights": [{"ServiceId": one, "Weight": n} for one, n in weights.items()]}
        self.client.tione("ModifyServiceGroupWeights", body, f"weights of endpoint {group}")

    def ask_for_token(self, group: str) -> None:
        """Let callers in who show a token, and nobody else."""
        self._authorize({"ServiceGroupId": group, "AuthorizationEnable": True})

    def admit_everybody(self, group: str) -> None:
        """Ask callers for no token."""
        self._authorize({"ServiceGroupId": group, "AuthorizationEnable": False})

    def call_info(self, group: str) -> serving_wire.CallInfo:
        """Where a group is called, and with what."""
        with _hinted(_LIST_ENDPOINTS):
            body = {"ServiceGroupId": group}
            answer = self.client.tione("DescribeModelServiceCallInfo", body, f"address of endpoint {group}")
        return serving_wire.call_info(answer)

    def create_token(self, group: str, name: str) -> None:
        """A further token."""
        body = {"ServiceGroupId": group, "Name": name}
        self.client.tione("CreateModelServiceAuthToken", body, f"token of endpoint {group}", repeatable=False)

    def reset_token(self, group: str, token: str) -> None:
        """Another value in place of a token."""
        body = {"ServiceGroupId": group, "NeedReset": True, "AuthToken": {"Base": {"Value": token}}}
        self.client.tione("ModifyModelServiceAuthToken", body, f"token of endpoint {group}", repeatable=False)

    def service_log(self, body: Raw) -> tuple[list[Raw], str]:
        """A page of what the servers of a service said; the context of the next page, "" after the last."""
        return self.client.task_log({"Service": "INFER", **body})

    # TI-EMS

    def create_config(self, body: Raw) -> serving_wire.Config:
        """A new configuration, or a new version of the one of that name."""
        answer = self._ems("CreateServiceConfig", body, f"model {body['Name']}", repeatable=False)
        return serving_wire.config(wire.table(answer, "ServiceConfig"))

    def configs(self) -> list[serving_wire.Config]:
        """All configurations."""
        found = every_row(
            lambda page: self._ems("DescribeServiceConfigs", {**page, "Order": "DESC"}, "models"),
            "ServiceConfigs",
            _CONFIGS,
            "Id",
        )
        return [serving_wire.config(row) for row in found]

    def delete_config(self, config: str) -> None:
        """Remove a configuration; one that is gone is fine."""
        body = {"ServiceConfigId": config}
        with _used():
            _unless_gone(lambda: self._ems("DeleteServiceConfig", body, f"deletion of model {config}"))

    def runtimes(self) -> list[str]:
        """The names of all runtimes."""
        return [wire.text(row, "Name") for row in wire.rows(self._ems("DescribeRuntimes", {}, "runtimes"), "Runtimes")]

    def create_runtime(self, body: Raw) -> None:
        """A runtime of one's own; one of that name is fine."""
        try:
            self._ems("CreateRuntime", body, f"runtime {body['Name']}", repeatable=False)
        except AnyfitError as fault:
            if not is_code(fault.status, "FailedOperation.AlreadyExists"):
                raise

    def create_old_service(self, body: Raw) -> serving_wire.OldService:
        """A service of a configuration."""
        with _hinted(_LIST_MODELS):
            answer = self._ems("CreateService", body, f"endpoint {body['Name']}", repeatable=False)
        return serving_wire.old_service(wire.table(answer, "Service"))

    def old_service(self, service: str) -> serving_wire.OldService:
        """One service; `NotFound` where there is none."""
        body = {"Filters": [{"Name": "id", "Values": [service]}], "Offset": 0, "Limit": 1}
        answer = self._ems("DescribeServices", body, f"endpoint {service}")
        for row in wire.rows(answer, "Services"):
            if wire.text(row, "Id") == service:
                return serving_wire.old_service(row)
        raise NotFound(f"endpoint {service}: TI-EMS knows no such service", hint=_LIST_ENDPOINTS, backend="ti")

    def old_services(self) -> list[serving_wire.OldService]:
        """All services, newest first."""
        asked = {"Order": "DESC", "OrderField": "CREATE_TIME"}
        found = every_row(
            lambda page: self._ems("DescribeServices", {**asked, **page}, "endpoints"), "Services", _EMS, "Id"
        )
        return [serving_wire.old_service(row) for row in found]

    def update_old_service(self, service: str, body: Raw) -> None:
        """Change, stop or start a service."""
        with _hinted(_LIST_ENDPOINTS):
            self._ems("UpdateService", {"ServiceId": service, **body}, f"change of endpoint {service}")

    def expose(self, service: str, body: Raw) -> None:
        """Let a service be called."""
        with _hinted(_LIST_ENDPOINTS):
            self._ems("ExposeService", {"ServiceId": service, **body}, f"address of endpoint {service}")

    def delete_old_service(self, service: str) -> None:
        """Remove a service; one that is gone is fine."""
        _unless_gone(lambda: self._ems("DeleteService", {"ServiceId": service}, f"deletion of endpoint {service}"))

    # below

    def _delete_model_version(self, body: Raw) -> None:
        what = f"deletion of model {body['TrainingModelVersionId']}"
        with _used():
            _unless_gone(lambda: self.client.tione("DeleteTrainingModelVersion", body, what))

    def _authorize(self, body: Raw) -> None:
        what = f"authorization of endpoint {body['ServiceGroupId']}"
        self.client.tione("ModifyModelServiceAuthorization", body, what)

    def _ems(self, action: str, body: Raw, what: str, *, repeatable: bool = True) -> Raw:
        return self.client.ask("tiems", action, body, what, repeatable=repeatable)


@contextmanager
def _hinted(hint: str) -> Iterator[None]:
    """Let what is not there be looked for in the right list."""
    try:
        yield
    except NotFound as fault:
        fault.hint = hint
        raise


@contextmanager
def _used() -> Iterator[None]:
    """Say what keeps a model from being removed."""
    try:
        yield
    except AnyfitError as fault:
        if is_code(fault.status, *NOT_NOW, "FailedOperation"):
            fault.hint = _USED
        raise


def _unless_gone(ask: Callable[[], object]) -> None:
    try:
        ask()
    except AnyfitError as fault:
        if not is_code(fault.status, *GONE):
            raise


def _is_gone(ask: Callable[[], object]) -> bool:
    """Whether it is, after this was asked; False where the platform says that it may not go yet."""
    try:
        _unless_gone(ask)
    except AnyfitError as fault:
        if not is_code(fault.status, *NOT_NOW):
            raise
        return False
    return True
