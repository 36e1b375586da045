"""TI-EMS: configurations, runtimes, and services that are really served, exposed, scaled, updated, stopped."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import requests

VERSION = "2019-04-16"
MODEL = """
import os
import tiinfer

class Echo(tiinfer.Model):
    def predict(self, request):
        name = open(os.path.join(self.model_dir, "name")).read()
        return {"predictions": [[name, row] for row in request["instances"]], "pid": os.getpid()}
"""


def ems(rig: Any, action: str, **parameters: Any) -> dict[str, Any]:
    """One action."""
    found: dict[str, Any] = rig.call(action, parameters, VERSION, service="tiems")
    return found


def refusal(rig: Any, action: str, **parameters: Any) -> str:
    """The code with which an action is refused."""
    code: str = rig.refusal(action, parameters, VERSION, service="tiems")
    return code


def put(rig: Any, name: str, **files: str) -> str:
    """A folder with a model in it; answers its URI. Dots are written as `__`."""
    for key, content in {"name": name, **files}.items():
        file = Path(rig.room.storage.store.directory, rig.bucket, "ems", name, key.replace("__", "."))
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(content)
    rig.room.storage.store.adopt(rig.bucket, f"ems/{name}")
    return f"cos://{rig.bucket}.cos.ap-guangzhou.myqcloud.com/ems/{name}/"


def config(rig: Any, name: str = "", **members: Any) -> dict[str, Any]:
    """A configuration whose model knows its name."""
    name = name or rig.name("config")
    body = {"Name": name, "Runtime": "tfserving", "ModelUri": put(rig, name, model_service__py=MODEL)} | members
    found: dict[str, Any] = ems(rig, "CreateServiceConfig", **body)["ServiceConfig"]
    return found


def order(rig: Any, config_id: str, **members: Any) -> dict[str, Any]:
    """The body of a service."""
    return {
        "Name": rig.name("service"),
        "ServiceConfigId": config_id,
        "ResourceGroupId": "ap-guangzhou",
        "ScaleMode": "MANUAL",
        "Scaler": {"StartReplicas": 1},
        "Cpu": 1000,
        "Memory": 2000,
    } | members


def describe(rig: Any, service_id: str) -> dict[str, Any]:
    """A service as it is now."""
    answer = ems(rig, "DescribeServices", Filters=[{"Name": "id", "Values": [service_id]}])
    assert answer["TotalCount"] == 1
    found: dict[str, Any] = answer["Services"][0]
    return found


def settled(rig: Any, service_id: str) -> dict[str, Any]:
    """A service that is not on its way any more."""
    moving = ("Waiting", "Updating", "Resuming", "Stopping")
    found: dict[str, Any] = rig.until(
        lambda: describe(rig, service_id), lambda seen: seen["Status"]["Status"] not in moving
    )
    return found


def serving(rig: Any, **members: Any) -> dict[str, Any]:
    """A service that can be called from outside."""
    made = ems(rig, "CreateService", **order(rig, config(rig)["Id"], **members))["Service"]
    assert made["Status"]["Status"] == "Waiting"
    first = ems(rig, "ExposeService", ServiceId=made["Id"], ExposeType="EXTERNAL")["Expose"]
    assert (first["ExposeType"], first["Ip"]) == ("EXTERNAL", "pending")
    seen = settled(rig, made["Id"])
    assert seen["Status"]["Status"] == "Normal", seen
    return seen


def predict(rig: Any, service: dict[str, Any], *rows: Any, **headers: str) -> requests.Response:
    """One prediction."""
    url = f"http://{service['Exposes'][0]['Ip']}/v1/models/m:predict"
    answer: requests.Response = rig.http.post(url, json={"instances": list(rows)}, headers=headers, timeout=30)
    return answer


@pytest.fixture(scope="module")
def echo(rig: Any) -> dict[str, Any]:
    """A service without authentication."""
    return serving(rig)


def test_a_configuration(rig: Any) -> None:
    """Its name gets versions; a page may hold all of a name."""
    first, second = config(rig, "twice"), config(rig, "twice", Description="better")
    other = config(rig)
    named = {"Filters": [{"Name": "name", "Values": ["twice", other["Name"]]}]}
    listed = ems(rig, "DescribeServiceConfigs", **named)
    by_name = ems(rig, "DescribeServiceConfigs", **named, PageByName=True, OrderField="NAME", Limit=1, Offset=0)

    assert re.fullmatch(r"[a-z0-9]{16}", first["Id"])
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+08:00", first["CreateTime"])
    assert (first["Version"], second["Version"], second["Description"]) == ("1.0", "2.0", "better")
    assert [one["Id"] for one in listed["ServiceConfigs"]] == [other["Id"], second["Id"], first["Id"]]
    assert by_name["TotalCount"] == 2
    assert {one["Name"] for one in by_name["ServiceConfigs"]} == {"twice"}

    ems(rig, "DeleteServiceConfig", ServiceConfigName="twice")
    ems(rig, "DeleteServiceConfig", ServiceConfigId=other["Id"])
    assert ems(rig, "DescribeServiceConfigs", **named)["TotalCount"] == 0


def test_runtimes(rig: Any) -> None:
    """Public ones, and images of the account's own."""
    ems(rig, "CreateRuntime", Name="mine", Image="ccr.ccs.tencentyun.com/me/mine:1", Framework="sklearn")
    runtimes = {one["Name"]: one for one in ems(rig, "DescribeRuntimes")["Runtimes"]}
    again = {"Name": "mine", "Image": "x"}

    assert runtimes["tfserving"]["Public"] is True
    assert runtimes["mine"]["Image"] == "ccr.ccs.tencentyun.com/me/mine:1"
    assert refusal(rig, "CreateRuntime", **again) == "FailedOperation.AlreadyExists"

    used = config(rig, Runtime="mine")
    assert refusal(rig, "DeleteRuntime", Runtime="mine") == "FailedOperation"
    ems(rig, "DeleteServiceConfig", ServiceConfigId=used["Id"])
    ems(rig, "DeleteRuntime", Runtime="mine")
    assert refusal(rig, "DeleteRuntime", Runtime="tfserving") == "ResourceNotFound"


def test_a_model_is_served(rig: Any, echo: dict[str, Any]) -> None:
    """At an address of its own, under the one name that models have."""
    answer = predict(rig, echo, 1, 2).json()

    assert answer["predictions"] == [[echo["ConfigName"], 1], [echo["ConfigName"], 2]]
    assert echo["Status"]["DesiredReplicas"] == echo["Status"]["CurrentReplicas"] == 1
    assert echo["Scaler"] == {"MaxReplicas": 1, "MinReplicas": 1, "StartReplicas": 1, "HpaMetrics": []}
    assert echo["AccessToken"] == ""
    assert [one["Status"] for one in echo["Status"]["ReplicaInfos"]] == ["Normal"]


def test_a_second_way_to_a_service(rig: Any, echo: dict[str, Any]) -> None:
    """Within a network; the same way twice is one."""
    network = {"ServiceId": echo["Id"], "ExposeType": "VPC", "VpcId": "vpc-1", "SubnetId": "subnet-1"}
    ems(rig, "ExposeService", **network)
    ems(rig, "ExposeService", **network)
    exposes = describe(rig, echo["Id"])["Exposes"]

    assert [one["ExposeType"] for one in exposes] == ["EXTERNAL", "VPC"]
    assert exposes[0]["Ip"] == exposes[1]["Ip"]
    assert refusal(rig, "ExposeService", ServiceId=echo["Id"], ExposeType="VPC") == "MissingParameter"


def test_a_token(rig: Any) -> None:
    """Where there is one, callers need it."""
    seen = serving(rig, Authentication="TOKEN")
    tokens = (seen["AccessToken"], "wrong")
    statuses = [predict(rig, seen, 1, **{"X-Auth-Token": token}).status_code for token in tokens]

    assert statuses == [200, 401]
    assert predict(rig, seen, 1).status_code == 401


def test_scaling(rig: Any) -> None:
    """By hand, and with the settings of a scaler."""
    seen = serving(rig)
    ems(rig, "UpdateService", ServiceId=seen["Id"], Scaler={"StartReplicas": 2})
    scaled = settled(rig, seen["Id"])
    pids = {predict(rig, seen, 1).json()["pid"] for _ in range(4)}

    assert scaled["Status"]["CurrentReplicas"] == len(pids) == 2

    metrics = [{"Name": "CPU-UTIL", "Value": 50}]
    scaler = {"MinReplicas": 1, "MaxReplicas": 3, "StartReplicas": 1, "HpaMetrics": metrics}
    changed = ems(rig, "UpdateService", ServiceId=seen["Id"], ScaleMode="AUTO", Scaler=scaler)["Service"]
    assert (changed["ScaleMode"], changed["Scaler"]) == ("AUTO", scaler)


def test_another_configuration(rig: Any) -> None:
    """It is Updating, and answers without a pause."""
    seen, new = serving(rig), config(rig)
    changed = ems(rig, "UpdateService", ServiceId=seen["Id"], ServiceConfigId=new["Id"], Description="new")["Service"]
    assert (changed["Status"]["Status"], changed["ConfigId"], changed["Description"]) == ("Updating", new["Id"], "new")
    answers: list[dict[str, Any]] = []
    while not answers or answers[-1]["predictions"][0][0] != new["Name"]:
        response = predict(rig, seen, 1)
        assert response.status_code == 200
        answers.append(response.json())

    assert settled(rig, seen["Id"])["Status"]["Status"] == "Normal"
    assert refusal(rig, "DeleteServiceConfig", ServiceConfigId=new["Id"]) == "FailedOperation"


def test_stopping_resuming_deleting(rig: Any) -> None:
    """503 while it is stopped, 404 once it is gone."""
    seen = serving(rig)
    ems(rig, "UpdateService", ServiceId=seen["Id"], ServiceAction="STOP")
    assert settled(rig, seen["Id"])["Status"]["Status"] == "Stopped"
    assert predict(rig, seen, 1).status_code == 503

    resumed = ems(rig, "UpdateService", ServiceId=seen["Id"], ServiceAction="RESUME")["Service"]
    assert resumed["Status"]["Status"] == "Resuming"
    assert settled(rig, seen["Id"])["Status"]["Status"] == "Normal"
    assert predict(rig, seen, 1).status_code == 200

    ems(rig, "DeleteService", ServiceId=seen["Id"])
    assert refusal(rig, "UpdateService", ServiceId=seen["Id"]) == "ResourceNotFound"
    assert predict(rig, seen, 1).status_code == 404


def test_a_model_that_is_not_there(rig: Any) -> None:
    """The service is Abnormal and says why."""
    uri = f"cos://{rig.bucket}.cos.ap-guangzhou.myqcloud.com/nothing/"
    made = ems(rig, "CreateService", **order(rig, config(rig, ModelUri=uri)["Id"]))["Service"]
    seen = settled(rig, made["Id"])

    assert seen["Status"]["Status"] == "Abnormal"
    assert "nothing" in seen["Status"]["Message"]
    assert seen["Status"]["Conditions"] == [{"Reason": "Unfit", "Count": 1}]

    ems(rig, "DeleteService", ServiceId=made["Id"])


def batch(rig: Any, config_id: str, **members: Any) -> dict[str, Any]:
    """The body of a batch prediction over two files."""
    name = rig.name("batch")
    uri = put(rig, name, one__json="[1, 2, 3]", two__json="4\n5\n")
    (Path(rig.room.storage.store.directory, rig.bucket, "ems", name, "name")).write_text("[]")
    return {
        "Name": name,
        "ResourceGroupId": "ap-guangzhou",
        "Cpu": 1000,
        "Memory": 2000,
        "ConfigId": config_id,
        "PredictInput": {"InputPath": uri, "OutputPath": uri.replace("/ems/", "/out/"), "BatchSize": 2},
    } | members


def ended(rig: Any, job_id: str) -> dict[str, Any]:
    """A job that has ended; there is no other action that shows it."""
    found: dict[str, Any] = rig.until(
        lambda: ems(rig, "UpdateJob", JobId=job_id)["Job"],
        lambda seen: seen["Status"]["Status"] not in ("Waiting", "Running"),
    )
    return found


def test_a_batch_prediction(rig: Any) -> None:
    """Every file's rows are predicted, in batches, by as many workers as were asked for."""
    used = config(rig)
    body = batch(rig, used["Id"], WorkerCount=2)
    made = ems(rig, "CreateJob", **body)["Job"]
    assert made["Status"]["Status"] == "Waiting"
    seen = ended(rig, made["Id"])
    folder = Path(rig.room.storage.store.directory, rig.bucket, "out", body["Name"])
    found = {file.name: json.loads(file.read_text())["predictions"] for file in folder.iterdir()}

    assert seen["Status"]["Status"] == "Succeeded", seen
    assert found == {
        "one.json": [[used["Name"], row] for row in (1, 2, 3)],
        "two.json": [[used["Name"], row] for row in (4, 5)],
        "name": [],
    }
    assert refusal(rig, "UpdateJob", JobId=made["Id"], JobAction="Cancel") == "FailedOperation"
    ems(rig, "DeleteJob", JobId=made["Id"])
    assert refusal(rig, "DeleteJob", JobId=made["Id"]) == "ResourceNotFound"


def test_batch_predictions_that_do_not_succeed(rig: Any) -> None:
    """One without input says so; one that hangs can be cancelled."""
    body = batch(rig, config(rig)["Id"])
    missing = body["PredictInput"] | {"InputPath": body["PredictInput"]["InputPath"] + "not/"}
    failed = ended(rig, ems(rig, "CreateJob", **body | {"PredictInput": missing})["Job"]["Id"])
    slow = config(rig, ModelUri=put(rig, rig.name("slow"), model_service__py="import time; time.sleep(60)"))
    hanging = ems(rig, "CreateJob", **batch(rig, slow["Id"]))["Job"]
    ems(rig, "UpdateJob", JobId=hanging["Id"], JobAction="Cancel", Description="enough")
    canceled = ended(rig, hanging["Id"])

    assert failed["Status"]["Status"] == "Failed"
    assert "there is no such object" in failed["Status"]["Message"]
    assert (canceled["Status"]["Status"], canceled["Description"]) == ("Canceled", "enough")
    assert canceled["CancelTime"]
    quantized = batch(rig, slow["Id"], QuantizationInput={"InputPath": "x"})
    assert refusal(rig, "CreateJob", **quantized) == "UnsupportedOperation"


def test_resource_groups(rig: Any, echo: dict[str, Any]) -> None:
    """The public one of each region."""
    found = ems(rig, "DescribeResourceGroups", Filters=[{"Name": "id", "Values": ["ap-guangzhou"]}])
    (group,) = found["ResourceGroups"]

    assert (found["TotalCount"], group["Id"], group["Public"]) == (1, "ap-guangzhou", True)
    assert group["ServiceCount"] >= 1
    assert refusal(rig, "DeleteResourceGroup", ResourceGroupId="ap-guangzhou") == "UnsupportedOperation"


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"Name": None}, "MissingParameter"),
        ({"Runtime": "caffe"}, "ResourceNotFound"),
        ({"ModelUri": "cos://bucket-1/key"}, "InvalidParameter"),
        ({"ModelUri": "cos://b-1.cos.ap-guangzhou.myqcloud.com/a/../b/"}, "InvalidParameter"),
    ],
)
def test_configurations_that_are_refused(rig: Any, changes: dict[str, Any], code: str) -> None:
    """With the code that is documented for it."""
    body = {"Name": "x", "Runtime": "tfserving", "ModelUri": "cos://b-1.cos.ap-guangzhou.myqcloud.com/a/"} | changes
    assert refusal(rig, "CreateServiceConfig", **body) == code


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"ServiceConfigId": "none"}, "ResourceNotFound"),
        ({"ResourceGroupId": "rsg-1"}, "ResourceNotFound"),
        ({"ScaleMode": "SOME"}, "InvalidParameterValue"),
        ({"Scaler": {}}, "MissingParameter"),
        ({"ScaleMode": "AUTO"}, "MissingParameter"),
        ({"Cpu": 99}, "InvalidParameterValue"),
        ({"Memory": None}, "MissingParameter"),
        ({"Authentication": "BASIC"}, "InvalidParameterValue"),
    ],
)
def test_services_that_are_refused(rig: Any, echo: dict[str, Any], changes: dict[str, Any], code: str) -> None:
    """With the code that is documented for it."""
    assert refusal(rig, "CreateService", **order(rig, echo["ConfigId"], **changes)) == code


def test_a_name_is_taken_once(rig: Any, echo: dict[str, Any]) -> None:
    """By services."""
    again = order(rig, echo["ConfigId"], Name=echo["Name"])
    assert refusal(rig, "CreateService", **again) == "FailedOperation.AlreadyExists"


def test_services_survive_a_restart(make_rig: Callable[..., Any]) -> None:
    """They run again, exposed at new addresses, with the same token."""
    first = make_rig()
    seen = serving(first, Authentication="TOKEN")
    first.close()

    second = make_rig()
    again = settled(second, seen["Id"])
    assert again["AccessToken"] == seen["AccessToken"]
    assert predict(second, again, 1, **{"X-Auth-Token": seen["AccessToken"]}).status_code == 200
