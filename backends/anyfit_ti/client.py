"""Every call of the platform that training needs, as a method that answers a value; faults leave as anyfit's errors."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING
from urllib.parse import quote, urlencode

from attrs import Factory, frozen

from anyfit.errors import AnyfitError, NotFound, ServiceError, Unsupported
from anyfit.http import RetryPolicy, Transport
from anyfit_ti import wire
from anyfit_ti.answers import inside, object_of
from anyfit_ti.auth import Account
from anyfit_ti.errors import BUSY, EXPIRED, GONE, TRANSIENT, fault_of_code, fault_of_status, is_code
from anyfit_ti.pages import every_row
from anyfit_ti.settings import Settings
from anyfit_ti.signing import ClsAuth, Tc3Auth
from anyfit_ti.wire import Raw

if TYPE_CHECKING:
    from requests import Response

__all__ = ["Client"]

V2019, V2021 = "2019-10-22", "2021-11-11"
_VERSIONS = {"tiems": "2019-04-16", "monitor": "2018-07-24"}
LIST_2021, LIST_2019 = 50, 100
_PRICES, _IMAGES = 100, 100
_STALE = ("AuthFailure.TokenFailure", "AuthFailure.SecretIdNotFound", "AuthFailure.InvalidSecretId")


@frozen
class Client:
    """The calls of one account in one region.

    Attributes:
        settings: Where the services are.
        account: Whose calls they are.
        transport: Makes them.
        policy: How to wait when the service finds us too hasty.
    """

    settings: Settings
    account: Account
    transport: Transport
    policy: RetryPolicy = Factory(RetryPolicy)

    # training, 2021

    def create_task(self, body: Raw) -> str:
        """A new task; its id."""
        answer = self.tione("CreateTrainingTask", body, f"job {body['Name']}", repeatable=False)
        identity = wire.text(answer, "Id")
        if not identity:
            raise ServiceError(f"job {body['Name']}: TI answers without an id", backend="ti")
        return identity

    def task(self, task: str) -> wire.Task:
        """One task in full; `NotFound` where there is none."""
        answer = self.tione("DescribeTrainingTask", {"Id": task}, f"job {task}")
        found = wire.task(wire.table(answer, "TrainingTaskDetail"))
        if not found.id:
            raise NotFound(f"job {task}: TI knows no such task", backend="ti")
        return found

    def tasks(self, name: str = "", values: Sequence[str] = (), most: int | None = None) -> list[wire.Task]:
        """Tasks by a filter, or all, newest first; as many requests as there are pages, or as `most` of them take."""
        filters = [{"Name": name, "Values": list(values)}] if name else []
        asked = {"Filters": filters, "Order": "DESC", "OrderField": "CreateTime"}
        found = every_row(
            lambda page: self.tione("DescribeTrainingTasks", {**asked, **page}, "jobs"),
            "TrainingTaskSet",
            LIST_2021,
            "Id",
            most=most,
        )
        return [wire.task(row) for row in found]

    def stop_task(self, task: str) -> None:
        """Ask a task to end."""
        self.tione("StopTrainingTask", {"Id": task}, f"stop of job {task}")

    def delete_task(self, task: str) -> None:
        """Remove a task; one that is gone is fine."""
        try:
            self.tione("DeleteTrainingTask", {"Id": task}, f"deletion of job {task}")
        except AnyfitError as fault:
            if not is_code(fault.status, *GONE):
                raise

    def task_log(self, body: Raw) -> tuple[list[Raw], str]:
        """A page of a log: its entries, and the context of the next page, "" after the last."""
        answer = self.tione("DescribeLogs", {"Service": "TRAIN", **body}, "log")
        return wire.rows(answer, "Content"), wire.text(answer, "Context")

    def push_metrics(self, data: Sequence[Raw]) -> None:
        """Put points of a task's curves."""
        self.tione("PushTrainingMetrics", {"Data": list(data)}, "metrics")

    def pushed_metrics(self, task: str) -> Raw:
        """The curves that were pushed for a task; empty where the platform has this call no longer."""
        try:
            return self.tione("DescribeTrainingMetrics", {"TaskId": task}, f"metrics of job {task}")
        except Unsupported:
            return {}

    # what there is, 2021

    def machines(self, task_type: str) -> list[wire.Machine]:
        """Machines by the hour for TRAIN or INFERENCE, with their prices of the moment."""
        body = {"ChargeType": "POSTPAID_BY_HOUR", "TaskType": task_type}
        specs = wire.rows(self.tione("DescribeBillingSpecs", body, "machines"), "Specs")
        names = [name for spec in specs if (name := wire.text(spec, "SpecName"))]
        prices = self.prices(names)
        return [
            wire.Machine(
                wire.text(spec, "SpecName"),
                wire.text(spec, "SpecAlias"),
                wire.text(spec, "GpuType"),
                spec.get("Available") is not False,
                prices.get(wire.text(spec, "SpecName")),
            )
            for spec in specs
            if wire.text(spec, "SpecName")
        ]

    def prices(self, names: Sequence[str]) -> dict[str, int]:
        """What machines cost, in fen for an hour after discounts; 0 is the platform's word for "too large"."""
        found: dict[str, int] = {}
        for start in range(0, len(names), _PRICES):
            wanted = [{"SpecName": name, "SpecCount": 1} for name in names[start : start + _PRICES]]
            answer = self.tione("DescribeBillingSpecsPrice", {"SpecsParam": wanted}, "prices")
            for row in wire.rows(answer, "SpecsPrice"):
                fen = wire.whole(row.get("RealTotalCost"))
                if fen:
                    found[wire.text(row, "SpecName")] = fen
        return found

    def frameworks(self) -> list[Raw]:
        """The built-in frameworks by name; empty where the platform has this call no longer."""
        try:
            return wire.rows(self.tione("DescribeTrainingFrameworks", {}, "frameworks"), "FrameworkInfos")
        except Unsupported:
            return []

    def images(self, use: str) -> list[Raw]:
        """The platform's own images for Train or Inference."""
        asked = {"Filters": [{"Name": "ImageRange", "Values": [use]}]}
        return every_row(
            lambda page: self.tione("DescribePlatformImages", {**asked, **page}, "images"),
            "PlatformImageInfos",
            _IMAGES,
            "ImageId",
            "ImageName",
            "ImageUrl",
        )

    # training, 2019

    def create_job(self, body: Raw) -> None:
        """A new job under its own name."""
        self.tione("CreateTrainingJob", body, f"job {body['TrainingJobName']}", version=V2019, repeatable=False)

    def job(self, name: str) -> wire.Job2019:
        """One job in full; `NotFound` where there is none."""
        answer = self.tione("DescribeTrainingJob", {"TrainingJobName": name}, f"job {name}", version=V2019)
        return wire.job_2019(answer)

    def jobs(self, names: Sequence[str] = ()) -> list[wire.Job2019]:
        """Jobs of these names, or all, newest first; as many requests as there are pages."""
        filters = [{"Name": "instance-name", "Values": list(names)}] if names else []
        found = every_row(
            lambda page: self.tione("DescribeTrainingJobs", {"Filters": filters, **page}, "jobs", version=V2019),
            "TrainingJobSet",
            LIST_2019,
            "TrainingJobName",
        )
        return [wire.job_2019(row) for row in found]

    def stop_job(self, name: str) -> None:
        """Ask a job to end."""
        self.tione("StopTrainingJob", {"TrainingJobName": name}, f"stop of job {name}", version=V2019)

    def monitor(self, body: Raw) -> list[Raw]:
        """The points of a metric of the monitor."""
        answer = self.ask("monitor", "GetMonitorData", body, "machine use")
        return wire.rows(answer, "DataPoints")

    # the log service of 2019

    def log_sets(self) -> list[Raw]:
        """The log sets of the account."""
        return wire.rows(self.cls("logsets", {}), "logsets")

    def log_topics(self, log_set: str) -> list[Raw]:
        """The topics of a log set."""
        return wire.rows(self.cls("topics", {"logset_id": log_set}), "topics")

    def search_log(self, parameters: Mapping[str, str]) -> tuple[list[Raw], str]:
        """A page of a search: its rows, and the context of the next page, "" after the last."""
        answer = self.cls("searchlog", parameters)
        return wire.rows(answer, "results"), wire.text(answer, "context")

    # below

    def tione(self, action: str, body: Raw, what: str, *, version: str = V2021, repeatable: bool = True) -> Raw:
        """A call of TI-ONE; those of 2021 go to the workspace that is set."""
        if version == V2021 and self.settings.project:
            body = {**body, "TiProjectId": self.settings.project}
        return self.ask("tione", action, body, what, version=version, repeatable=repeatable)

    def ask(
        self, service: str, action: str, body: Raw, what: str, *, version: str = "", repeatable: bool = True
    ) -> Raw:
        """A call; where the clocks differ or temporary keys have ended, once more with what is right."""
        url = self.settings.service_url(service)
        headers = {
            "Content-Type": "application/json",
            "X-TC-Action": action,
            "X-TC-Version": version or _VERSIONS[service],
            "X-TC-Region": self.settings.region,
            "X-TC-Language": "en-US",
        }
        content = json.dumps(body).encode()
        attempt, mended = 0, False
        while True:
            attempt += 1
            credential = self.account.credential()
            signer = Tc3Auth(credential, service, self.account.now)
            response = self.transport.send(
                "POST", url, data=content, headers=headers, auth=signer, repeatable=repeatable
            )
            answer, fault = _read(response, what)
            if fault is None:
                return answer
            if not mended and (
                self._learn_offset(fault, response)
                or (is_code(fault.status, *_STALE) and self.account.refused(credential.secret_id))
            ):
                mended = True
                continue
            again = is_code(fault.status, BUSY) or (repeatable and is_code(fault.status, *TRANSIENT))
            if not again or attempt >= self.policy.attempts:
                raise fault
            self.policy.pause(attempt + 1, None)

    def cls(self, action: str, parameters: Mapping[str, str]) -> Raw:
        """A call of the older log service, which is signed as the object store's are."""
        query = urlencode(dict(parameters), quote_via=quote, safe="-_.~")
        url = f"{self.settings.cls_url}/{action}" + (f"?{query}" if query else "")
        credential = self.account.credential()
        response = self.transport.send("GET", url, auth=ClsAuth(credential, parameters, self.account.now))
        answer = object_of(response)
        if answer is not None and answer.get("errorcode"):
            raise fault_of_code(_cls_code(answer["errorcode"]), wire.text(answer, "errormessage"), "log")
        if answer is None or not response.ok:
            raise fault_of_status(response.status_code, "log")
        return answer

    def _learn_offset(self, fault: AnyfitError, response: Response) -> bool:
        """How far the service's clock is from ours, which it tells with every answer; it has done nothing yet."""
        if fault.status != EXPIRED:
            return False
        try:
            there = parsedate_to_datetime(response.headers.get("Date", ""))
        except (TypeError, ValueError):
            return False
        self.account.learn_time(there.timestamp())
        return True


def _read(response: Response, what: str) -> tuple[Raw, AnyfitError | None]:
    """What the envelope holds, or why not."""
    answer = inside(response)
    if answer is None:
        return {}, fault_of_status(response.status_code, what, "" if not response.ok else "no answer of the API's kind")
    error = answer.get("Error")
    if isinstance(error, Mapping):
        code, message = wire.text(error, "Code"), wire.text(error, "Message")
        return {}, fault_of_code(code, message, what, wire.text(answer, "RequestId"))
    return answer, None


def _cls_code(code: object) -> str:
    """The log service has codes of its own; those of refused keys are told as the API's."""
    told = str(code)
    refused = any(word in told for word in ("Auth", "Signature", "SecretId", "401", "403"))
    return "AuthFailure" if refused else told
