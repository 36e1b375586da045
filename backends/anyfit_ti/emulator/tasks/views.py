"""Tasks, pods and events as answers show them (reference, sections 3.3 and 3.6)."""

from __future__ import annotations

from typing import Any

from anyfit_ti.emulator.account import Account
from anyfit_ti.emulator.specs import SPECS
from anyfit_ti.emulator.tasks.values import ENDED, Instance, Task
from anyfit_ti.emulator.times import beijing, detail, utc

__all__ = ["pod_state", "to_detail", "to_event", "to_item", "to_pods"]

_COMMON = (
    *("Name", "FrameworkName", "FrameworkVersion", "FrameworkEnvironment", "ChargeType", "ResourceGroupId"),
    *("ResourceConfigInfos", "TrainingMode", "Output", "ImageInfo", "Tags", "CallbackUrl"),
)
_DETAILS = (
    *("CodePackagePath", "CodeRepos", "StartCmdInfo", "TuningParameters", "DataSource", "DataConfigs"),
    *("LogEnable", "LogConfig", "VpcId", "SubnetId", "Remark"),
)
_NO_NETWORK = {"SSHConfig": {"Enable": False}, "ExposePortConfig": {"Enable": False}}
_POD_STATES = {"STOPPED": "TERMINATED", "FAILED": "FAILED", "SUCCEED": "SUCCEEDED", "SUBMIT_FAILED": "FAILED"}


def to_detail(task: Task, account: Account) -> dict[str, Any]:
    """As `DescribeTrainingTask` shows it, without variables."""
    return {
        **_common(task, account),
        **{name: task.config[name] for name in _DETAILS},
        "Uin": account.uin,
        "Region": task.region,
        "LatestInstanceId": task.latest.id,
        "TensorBoardId": "",
        "CreateTime": detail(task.created),
        "UpdateTime": detail(task.updated),
        "StartTime": detail(task.latest.started),
        "EndTime": detail(task.latest.ended),
        "ExposeNetworkConfig": task.config["ExposeNetworkConfig"] or _NO_NETWORK,
        "OperatorInfo": _operator(task, account),
    }


def to_item(task: Task, account: Account) -> dict[str, Any]:
    """As a list shows it, with variables."""
    return {
        **_common(task, account),
        "AppId": account.app_id,
        "Envs": task.config["Envs"],
        "CreateTime": beijing(task.created),
        "UpdateTime": beijing(task.updated),
        "StartTime": beijing(task.latest.started),
        "EndTime": beijing(task.latest.ended),
        "LatestOperatorInfo": _operator(task, account),
    }


def to_pods(task: Task, account: Account) -> list[dict[str, Any]]:
    """The pods of the latest run."""
    run = task.latest
    resources = {one["Role"]: one for one in task.config["ResourceConfigInfos"]}
    return [
        {
            "Name": name,
            "IP": run.address_of(max(pod.rank, 0)),
            "Status": run.pods,
            "StartTime": detail(run.started),
            "EndTime": detail(run.ended),
            "ResourceConfigInfo": resources[pod.role],
            "SubUin": account.uin,
        }
        for name, pod in zip(task.pod_names(run), task.pods, strict=True)
    ]


def to_event(event: dict[str, Any]) -> dict[str, Any]:
    """One event."""
    moment = utc(event["At"])
    times = {"FirstTimestamp": moment, "LastTimestamp": moment}
    shown = {name: value for name, value in event.items() if name != "At"}
    return {**shown, **times, "Count": 1, "ResourceKind": "Pod"}


def pod_state(status: str, run: Instance) -> str:
    """What pods are when their task is in a state."""
    if status == "STOPPING":
        return "TERMINATING"
    if status in ENDED:
        return _POD_STATES[status]
    return {"STARTING": "PENDING", "RUNNING": "RUNNING", "PENDING": "PENDING"}.get(status, run.pods)


def _common(task: Task, account: Account) -> dict[str, Any]:
    return {
        **{name: task.config[name] for name in _COMMON},
        "Id": task.id,
        "Status": task.status,
        "FailureReason": task.failure,
        "Message": task.failure,
        "RuntimeInSeconds": task.runtime,
        "ChargeStatus": "NOT_BILLING" if task.status in ENDED else "BILLING",
        "BillingInfo": _price(task),
        "ResourceGroupName": task.config["ResourceGroupId"],
        "SubUin": account.uin,
        "SubUinName": account.name,
    }


def _price(task: Task) -> str:
    """Such as `2.00元/小时`; nothing where a resource group has been paid for."""
    fen = 0
    for one in task.config["ResourceConfigInfos"]:
        spec = SPECS.get(one["InstanceType"])
        fen += spec.price * int(one["InstanceNum"]) if spec else 0
    return f"{fen / 100:.2f}元/小时" if fen else ""


def _operator(task: Task, account: Account) -> dict[str, Any]:
    return {
        "SubUin": account.uin,
        "SubUinName": account.name,
        "IsPlatformOperator": False,
        "OperationType": task.operation,
    }
