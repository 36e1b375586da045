"""Lines, exports, metrics, prices and images of the newer generation."""

from __future__ import annotations

import contextlib
import json
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anyfit_ti.emulator.times import beijing, detail, nanos, parse, utc

MOMENTS = st.integers(min_value=1, max_value=4_000_000_000)


@pytest.fixture(scope="module")
def talk(rig: Any) -> Any:
    """A task that wrote 250 lines."""
    return rig.finish(rig.task("for i in $(seq 250); do echo line $i; done"))


def all_pages(rig: Any, asked: dict[str, Any]) -> list[list[dict[str, str]]]:
    """Every page, as the official tool asks for them."""
    pages, context = [], ""
    while True:
        answer = rig.call("DescribeLogs", {**asked, "Context": context})
        pages.append(answer["Content"])
        context = answer["Context"]
        if context == "":
            return pages


def test_pages(rig: Any, talk: dict[str, Any]) -> None:
    """Each line once, in either order, until the context is empty."""
    asked = {"Service": "TRAIN", "ServiceId": talk["LatestInstanceId"]}
    ascending = all_pages(rig, {**asked, "Order": "ASC"})
    descending = all_pages(rig, asked)
    messages = [line["Message"] for page in ascending for line in page]

    assert [len(page) for page in ascending] == [100, 100, 50]
    assert messages == [f"line {number}" for number in range(1, 251)]
    assert [line["Message"] for page in descending for line in page] == messages[::-1]
    first = ascending[0][0]
    assert first["PodName"] == f"{talk['LatestInstanceId']}-master-0"
    assert first["Timestamp"].endswith("Z")
    assert rig.call("DescribeLogs", {**asked, "Limit": 1, "Offset": 3})["Content"] == [descending[0][3]]
    assert rig.messages(talk, Filters=[{"Name": "Key", "Values": ["line", "7", "77"]}]) == ["line 77", "line 177"]


def test_selectors(rig: Any, talk: dict[str, Any]) -> None:
    """By instance, by task, by pod, by the beginning of pods' names, by time."""
    pod = f"{talk['LatestInstanceId']}-master-0"

    def count(**asked: Any) -> int:
        return len(rig.call("DescribeLogs", {"Service": "TRAIN", "Limit": 1000, **asked})["Content"])

    assert count(ServiceId=talk["Id"]) == count(PodName=pod) == count(PodName=f"{talk['Id']}*") == 250
    assert count(ServiceId=talk["Id"], PodName="other") == count(PodName=pod[:-1]) == 0
    assert count(ServiceId=talk["Id"], StartTime=utc(time.time() + 60), EndTime=utc(time.time() + 90)) == 0
    assert count(ServiceId=talk["Id"], EndTime=utc(time.time() - 3600), StartTime="2020-01-01T00:00:00Z") == 0
    assert count(Service="NOTEBOOK", PodName="x") == 0
    for change, code in (
        ({"ServiceId": ""}, "MissingParameter"),
        ({"Service": "DREAM"}, "InvalidParameterValue"),
        ({"Limit": 1001}, "InvalidParameterValue.LimitExceeded"),
        ({"Offset": 9901}, "FailedOperation.ContextLimitError"),
        ({"Context": "x"}, "InvalidParameterValue"),
        ({"StartTime": "soon"}, "InvalidParameterValue"),
        ({"Filters": [{"Name": "Value", "Values": []}]}, "InvalidParameterValue.InvalidFilter"),
    ):
        assert rig.refusal("DescribeLogs", {"Service": "TRAIN", "ServiceId": talk["Id"], **change}) == code


@pytest.mark.parametrize("kind", ["csv", "json"])
def test_exports(rig: Any, talk: dict[str, Any], kind: str) -> None:
    """A file behind a signed link, until it is deleted."""
    asked = {"Service": "TRAIN", "ServiceId": talk["LatestInstanceId"], "Format": kind}
    identifier = rig.call("CreateExport", asked)["ExportId"]
    found = rig.call("DescribeExport", {"ExportId": identifier})
    content = rig.http.get(found["CosPath"], timeout=30)

    assert (found["Status"], found["FileSize"]) == ("Completed", str(len(content.content)))
    assert len(content.text.splitlines()) == 250 + (kind == "csv")
    assert "line 250" in content.text.splitlines()[-1]
    rig.call("DeleteExport", {"ExportId": identifier})
    assert rig.http.get(found["CosPath"], timeout=30).status_code == 404
    assert rig.refusal("DescribeExport", {"ExportId": identifier}) == "ResourceNotFound"
    assert rig.refusal("CreateExport", {**asked, "StartTime": utc(time.time())}) == "InvalidParameterValue"


def test_metrics(rig: Any, talk: dict[str, Any]) -> None:
    """What scripts push comes back by series and axis."""
    for step in (1, 2):
        point = {"Name": "loss", "Value": 1 / step}
        data = {"TaskId": talk["Id"], "Timestamp": 1700000000 + step, "Step": step, "TotalSteps": 2, "Points": [point]}
        rig.call("PushTrainingMetrics", {"Data": [data]})
    found = rig.call("DescribeTrainingMetrics", {"TaskId": talk["Id"]})
    latest = rig.call("DescribeLatestTrainingMetrics", {"TaskId": talk["Id"]})["Metrics"]

    stamps = [{"XValue": 1700000001.0, "YValue": 1.0}, {"XValue": 1700000002.0, "YValue": 0.5}]
    steps = [{"XValue": 1.0, "YValue": 1.0}, {"XValue": 2.0, "YValue": 0.5}]
    axes = [{"XType": "TIMESTAMP", "Points": stamps}, {"XType": "STEP", "Points": steps}]
    assert found["Data"] == [{"MetricName": "loss", "Metrics": axes}]
    assert latest == [
        {
            "MetricName": "loss",
            "Values": [{"Timestamp": 1700000002, "Value": 0.5}],
            "Epochs": [],
            "Steps": [{"Timestamp": 1700000002, "Value": 2.0}],
            "TotalSteps": [{"Timestamp": 1700000002, "Value": 2.0}],
        }
    ]
    many = [{"Name": str(number), "Value": 0.0} for number in range(11)]
    pushed = {"Data": [{"TaskId": talk["Id"], "Points": many}]}
    assert rig.refusal("PushTrainingMetrics", pushed) == "InvalidParameterValue.LimitExceeded"
    assert rig.refusal("DescribeTrainingMetrics", {"TaskId": "train-1"}) == "ResourceNotFound"


def test_metrics_by_get(rig: Any, talk: dict[str, Any], sign: Any, answer: Any) -> None:
    """As the documentation's sample sends them, everything being text."""
    host = rig.keys["endpoint"].partition("://")[2]
    query = f"Data.0.TaskId={talk['Id']}&Data.0.Epoch=3&Data.0.Points.0.Name=acc&Data.0.Points.0.Value=0.5"
    kind = "application/x-www-form-urlencoded"
    headers = sign(rig.keys["secret_id"], rig.keys["secret_key"], host, b"", method="GET", query=query, kind=kind)
    headers |= {"X-TC-Action": "PushTrainingMetrics", "X-TC-Version": "2021-11-11", "X-TC-Region": "ap-guangzhou"}
    answer(rig.http.get(f"{rig.keys['endpoint']}/?{query}", headers=headers, timeout=30))
    found = {one["MetricName"]: one for one in rig.call("DescribeTrainingMetrics", {"TaskId": talk["Id"]})["Data"]}

    epochs = next(axis for axis in found["acc"]["Metrics"] if axis["XType"] == "EPOCH")
    assert epochs["Points"] == [{"XValue": 3.0, "YValue": 0.5}]


def test_prices(rig: Any) -> None:
    """In the order of the question, in fen."""
    specs = rig.call("DescribeBillingSpecs", {"ChargeType": "POSTPAID_BY_HOUR", "TaskType": "TRAIN"})["Specs"]
    names = [spec["SpecName"] for spec in specs]
    asked = [{"SpecName": name, "SpecCount": count} for count, name in enumerate(reversed(names), 1)]
    prices = rig.call("DescribeBillingSpecsPrice", {"SpecsParam": asked})["SpecsPrice"]

    assert [{name: price[name] for name in ("SpecName", "SpecCount")} for price in prices] == asked
    cost = {"TotalCost": 70 * 21, "RealTotalCost": 70 * 21}
    assert prices[-1] == {"SpecName": "TI.S.MEDIUM.POST", **cost, "SpecCount": 21}
    gpus = rig.call("DescribeBillingSpecs", {"ChargeType": "POSTPAID_BY_HOUR", "ResourceType": "GPU"})["Specs"]
    assert {spec["GpuType"] for spec in gpus} == {"T4", "V100"}
    alias = {spec["SpecName"]: spec["SpecAlias"] for spec in specs}
    assert alias["TI.GN7.LARGE20.POST"] == "4C20G 0.25*T4"
    assert rig.refusal("DescribeBillingSpecs", {}) == "MissingParameter"
    unknown = {"SpecsParam": [{"SpecName": "x", "SpecCount": 1}]}
    assert rig.refusal("DescribeBillingSpecsPrice", unknown) == "InvalidParameterValue.InvalidResourceSpec"


def test_groups_and_workspaces(rig: Any) -> None:
    """There is one of each."""
    filters = [{"Name": "ResourceGroupId", "Values": ["rsg-emulated"]}]
    groups = rig.call("DescribeBillingResourceGroups", {"Filters": filters})

    assert groups["ResourceGroupSet"][0]["FreeInstance"] > 0
    assert rig.call("DescribeBillingResourceGroups", {"SearchWord": "nothing"})["TotalCount"] == 0
    assert rig.call("DescribeWorkspaces")["Workspaces"][0]["TiProjectId"] == "0"


def test_images(rig: Any) -> None:
    """The lists agree on what there is for training and for services."""
    train = {"Filters": [{"Name": "ImageRange", "Values": ["Train"]}]}
    platform = rig.call("DescribePlatformImages", train)["PlatformImageInfos"]
    frameworks = rig.call("DescribeTrainingFrameworks")["FrameworkInfos"]
    built_in = rig.call("DescribeBuildInImages", {"ImageFilters": [{"Name": "Framework", "Values": ["ONNX"]}]})
    preset = rig.call("DescribePresetImageList", {"Limit": 2, "OrderField": ["CreateTime"], "Order": ["DESC"]})

    environments = {version["Environment"] for one in frameworks for version in one["VersionInfos"]}
    assert {image["ImageName"] for image in platform} == environments
    assert "torch1.9-py3.8-cuda11.1-gpu" in environments
    modes = {attribute["Key"]: attribute["Values"] for attribute in platform[0]["ExtraAttributes"]}
    assert "PS_WORKER" in modes["TrainingModes"]
    assert [image["ImageType"] for image in built_in["BuildInImageInfos"]] == ["SYSTEM"]
    assert (len(preset["PresetImageList"]), preset["TotalCount"] > 2) == (2, True)


def test_the_key_for_passwords(rig: Any) -> None:
    """It is one that can be used."""
    from cryptography.hazmat.primitives.serialization import load_pem_public_key

    found = rig.call("DescribePublicKey", {"EncryptAlgorithm": "RSA_2048"})
    key: Any = load_pem_public_key(found["PublicKeyPem"].encode())

    assert key.key_size == 2048


@given(MOMENTS)
def test_every_form_of_a_moment_is_read(seconds: int) -> None:
    """What answers say can be asked for."""
    for write in (utc, beijing, detail):
        assert parse(write(seconds)) == seconds
    assert abs(parse(nanos(seconds * 1_000_000_000 + 123_456_789)) - seconds - 0.123456) < 1e-3


@given(st.text(max_size=40))
def test_what_is_no_moment(text: str) -> None:
    """It is refused, and nothing else happens."""
    with contextlib.suppress(ValueError):
        assert isinstance(parse(text), float)


def test_a_task_of_a_model(rig: Any) -> None:
    """The model repository finds a task's output."""
    task = rig.finish(rig.task("echo m > /opt/ml/output/model.bin"))
    model = {
        "ImportMethod": "MODEL",
        "ReasoningEnvironmentSource": "CUSTOM",
        "TrainingModelName": rig.name("model"),
        "TrainingModelSource": "JOB",
        "TrainingJobId": task["Id"],
        "TrainingModelVersion": "v1",
        "ModelOutputPath": rig.place("models/"),
        "ReasoningImageInfo": {"ImageType": "CCR", "ImageUrl": "a/b:1"},
        "AlgorithmFramework": "PYTORCH",
        "ModelFormat": "PYTORCH",
    }
    made = rig.call("CreateTrainingModel", model)

    def version() -> Any:
        asked = {"TrainingModelVersionId": made["TrainingModelVersionId"]}
        return rig.call("DescribeTrainingModelVersion", asked)["TrainingModelVersion"]

    done = rig.until(version, lambda one: one["TrainingModelStatus"] != "STATUS_RUNNING")
    assert done["TrainingModelStatus"] == "STATUS_SUCCESS", json.dumps(done)
    assert any(name.endswith("model.bin") for name in rig.objects("models"))
