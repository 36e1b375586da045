"""The model repository: imported from COS, versioned, listed, deleted."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest


def put(rig: Any, prefix: str, **files: str) -> dict[str, Any]:
    """Objects below a prefix; answers the place as requests name it."""
    for name, content in files.items():
        file = Path(rig.room.storage.store.directory, rig.bucket, prefix, name)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(content)
    rig.room.storage.store.adopt(rig.bucket, prefix)
    return {"Bucket": rig.bucket, "Region": "ap-guangzhou", "Paths": [prefix + "/"]}


def objects(rig: Any, prefix: str) -> list[str]:
    """The keys below a prefix."""
    page = rig.room.storage.store.page(rig.bucket, prefix, "", "", 1000)
    return [entry[0].decode() for entry in page.entries]


def order(rig: Any, **members: Any) -> dict[str, Any]:
    """The body of a new model that lies in COS."""
    name = rig.name("model")
    return {
        "ImportMethod": "MODEL",
        "ReasoningEnvironmentSource": "SYSTEM",
        "TrainingModelName": name,
        "TrainingModelSource": "COS",
        "TrainingModelCosPath": put(rig, f"src/{name}", model="1"),
        "AlgorithmFramework": "PYTORCH",
        "ModelFormat": "PYTORCH",
    } | members


def imported(rig: Any, **members: Any) -> dict[str, Any]:
    """A version, once it is imported."""
    made = rig.call("CreateTrainingModel", order(rig, **members))
    return version(rig, made["TrainingModelVersionId"])


def version(rig: Any, version_id: str) -> dict[str, Any]:
    """A version that is not being imported any more."""
    found: dict[str, Any] = rig.until(
        lambda: rig.call("DescribeTrainingModelVersion", {"TrainingModelVersionId": version_id})[
            "TrainingModelVersion"
        ],
        lambda seen: seen["TrainingModelStatus"] != "STATUS_RUNNING",
    )
    return found


def test_a_model_that_stays_where_it_is(rig: Any) -> None:
    """Without a folder to copy it to, the source is the model's place."""
    body = order(rig)
    made = rig.call("CreateTrainingModel", body)
    seen = version(rig, made["TrainingModelVersionId"])

    assert re.fullmatch(r"m-\d{19}", made["Id"])
    assert re.fullmatch(r"mv-v1-\d{19}", made["TrainingModelVersionId"])
    assert seen["TrainingModelId"] == made["Id"]
    assert seen["TrainingModelVersion"] == "v1"
    assert seen["TrainingModelStatus"] == "STATUS_SUCCESS"
    assert seen["TrainingModelProgress"] == 100
    assert seen["TrainingModelCosPath"] == body["TrainingModelCosPath"]
    assert seen["TrainingModelFormat"] == "PYTORCH"
    assert seen["VersionType"] == "NORMAL"
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", seen["CreateTime"])


@pytest.mark.parametrize("mode", ["COPY", "CUT"])
def test_a_model_is_copied_into_the_repository(rig: Any, mode: str) -> None:
    """To the output path; CUT takes it away where it was."""
    target = {"Bucket": rig.bucket, "Region": "ap-guangzhou", "Paths": [f"repo/{mode}/"]}
    body = order(rig, ModelOutputPath=target, ModelMoveMode=mode)
    source = body["TrainingModelCosPath"]["Paths"][0]
    seen = version(rig, rig.call("CreateTrainingModel", body)["TrainingModelVersionId"])

    assert seen["TrainingModelStatus"] == "STATUS_SUCCESS"
    assert seen["TrainingModelCosPath"] == target
    assert objects(rig, f"repo/{mode}/") == [f"repo/{mode}/model"]
    assert bool(objects(rig, source)) is (mode == "COPY")


def test_an_import_that_fails_says_why(rig: Any) -> None:
    """A bucket that is not there."""
    seen = imported(rig, ModelOutputPath={"Bucket": "other-1250000000", "Region": "", "Paths": ["a/"]})

    assert seen["TrainingModelStatus"] == "STATUS_FAILED"
    assert "other-1250000000" in seen["TrainingModelErrorMsg"]


def test_versions_of_a_model(rig: Any) -> None:
    """They are counted; the newest comes first; the model goes with the last one."""
    first = imported(rig)
    model = {"TrainingModelId": first["TrainingModelId"]}
    second = imported(rig, ImportMethod="VERSION", ModelFormat="ONNX", **model)
    listed = rig.call("DescribeTrainingModelVersions", model)["TrainingModelVersions"]
    filtered = rig.call(
        "DescribeTrainingModelVersions", model | {"Filters": [{"Name": "ModelFormat", "Values": ["ONNX"]}]}
    )["TrainingModelVersions"]

    assert [one["TrainingModelVersion"] for one in listed] == ["v2", "v1"]
    assert [one["TrainingModelVersionId"] for one in filtered] == [second["TrainingModelVersionId"]]

    for one in listed:
        rig.call("DeleteTrainingModelVersion", {"TrainingModelVersionId": one["TrainingModelVersionId"]})
    assert rig.refusal("DescribeTrainingModelVersions", model) == "ResourceNotFound.NoModel"


def test_more_files_for_a_version_that_there_is(rig: Any) -> None:
    """EXIST adds them to the version's place."""
    target = {"Bucket": rig.bucket, "Region": "", "Paths": [f"repo/{rig.name()}/"]}
    first = imported(rig, ModelOutputPath=target)
    body = order(
        rig,
        ImportMethod="EXIST",
        TrainingModelId=first["TrainingModelId"],
        TrainingModelVersion="v1",
        TrainingModelCosPath=put(rig, f"src/{rig.name()}", more="2"),
    )
    made = rig.call("CreateTrainingModel", body)
    version(rig, made["TrainingModelVersionId"])

    assert made["TrainingModelVersionId"] == first["TrainingModelVersionId"]
    assert [key.rpartition("/")[2] for key in objects(rig, target["Paths"][0])] == ["model", "more"]


def test_models_are_listed(rig: Any) -> None:
    """Newest first, by name, by tag, with their versions."""
    imported(rig)
    seen = imported(rig, Tags=[{"TagKey": "team", "TagValue": "red"}])
    wanted = {"Filters": [{"Name": "keyword", "Values": [seen["TrainingModelName"]]}], "WithModelVersions": True}
    found = rig.call("DescribeTrainingModels", wanted)
    by_tag = rig.call("DescribeTrainingModels", {"TagFilters": [{"TagKey": "team", "TagValues": ["red"]}]})
    everything = rig.call("DescribeTrainingModels", {"Limit": 1})

    assert found["TotalCount"] == 1
    assert found["TrainingModels"][0]["TrainingModelVersions"] == [seen]
    assert [one["TrainingModelId"] for one in by_tag["TrainingModels"]] == [seen["TrainingModelId"]]
    assert everything["TotalCount"] > 1
    assert [one["TrainingModelId"] for one in everything["TrainingModels"]] == [seen["TrainingModelId"]]


def test_deleting_a_model_with_its_files(rig: Any) -> None:
    """Only where that is asked for."""
    for erase in (False, True):
        body = order(rig)
        made = rig.call("CreateTrainingModel", body)
        rig.call("DeleteTrainingModel", {"TrainingModelId": made["Id"], "EnableDeleteCos": erase})

        assert bool(objects(rig, body["TrainingModelCosPath"]["Paths"][0])) is not erase
        gone = {"TrainingModelVersionId": made["TrainingModelVersionId"]}
        assert rig.refusal("DescribeTrainingModelVersion", gone) == "ResourceNotFound.NoModel"


def test_versions_of_one_type_are_deleted(rig: Any) -> None:
    """The others stay."""
    first = imported(rig)
    model = {"TrainingModelId": first["TrainingModelId"]}
    imported(rig, ImportMethod="VERSION", ModelVersionType="ACCELERATE", **model)
    rig.call("DeleteTrainingModel", model | {"ModelVersionType": "ACCELERATE"})
    listed = rig.call("DescribeTrainingModelVersions", model)["TrainingModelVersions"]

    assert [one["TrainingModelVersionId"] for one in listed] == [first["TrainingModelVersionId"]]


NOWHERE = {"Bucket": "anyfit-1250000000", "Region": "", "Paths": ["nothing/"]}


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"ImportMethod": None}, "MissingParameter"),
        ({"ImportMethod": "NEW"}, "InvalidParameterValue"),
        ({"ReasoningEnvironmentSource": "MINE"}, "InvalidParameterValue"),
        ({"TrainingModelName": None}, "MissingParameter"),
        ({"TrainingModelName": "-x"}, "InvalidParameterValue.BadName"),
        ({"TrainingModelName": 7}, "InvalidParameter"),
        ({"TrainingModelCosPath": None}, "MissingParameter"),
        ({"TrainingModelCosPath": NOWHERE}, "InvalidParameterValue.CosPathNotExist"),
        ({"TrainingModelCosPath": NOWHERE | {"Paths": ["a/", "b/"]}}, "InvalidParameterValue"),
        ({"TrainingModelCosPath": NOWHERE | {"Paths": ["../b/"]}}, "InvalidParameterValue.PathIllegal"),
        ({"TrainingModelSource": "JOB", "TrainingModelCosPath": None}, "MissingParameter"),
        (
            {"TrainingModelSource": "JOB", "TrainingModelCosPath": None, "TrainingJobId": "train-1"},
            "ResourceNotFound",
        ),
        ({"TrainingModelSource": "CFS"}, "InvalidParameterValue"),
        ({"ModelFormat": "PICKLE"}, "InvalidParameterValue"),
        ({"AutoClean": "true"}, "InvalidParameterValue"),
        ({"MaxReservedModels": 25}, "InvalidParameterValue"),
        ({"TrainingModelIndex": "x" * 1001}, "InvalidParameterValue.ParamLengthExceedLimit"),
        ({"ImportMethod": "VERSION"}, "MissingParameter"),
        ({"ImportMethod": "VERSION", "TrainingModelId": "m-1"}, "ResourceNotFound.NoModel"),
    ],
)
def test_what_is_refused(rig: Any, changes: dict[str, Any], code: str) -> None:
    """With the code that is documented for it."""
    assert rig.refusal("CreateTrainingModel", order(rig) | changes) == code


def test_a_name_is_taken_once(rig: Any) -> None:
    """By models; within a model, by versions."""
    seen = imported(rig)
    again = order(rig, TrainingModelName=seen["TrainingModelName"])
    version_again = order(
        rig, ImportMethod="VERSION", TrainingModelId=seen["TrainingModelId"], TrainingModelVersion="v1"
    )

    assert rig.refusal("CreateTrainingModel", again) == "FailedOperation.DuplicateName"
    assert rig.refusal("CreateTrainingModel", version_again) == "FailedOperation.DuplicateName"


def test_models_survive_a_restart(make_rig: Callable[..., Any]) -> None:
    """With everything that is known of them."""
    first = make_rig()
    seen = imported(first)
    first.close()

    assert version(make_rig(), seen["TrainingModelVersionId"]) == seen
