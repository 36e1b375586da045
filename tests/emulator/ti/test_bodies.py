"""Bodies of nonsense: they are refused with a code, and never make the emulator fail."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from anyfit_ti.emulator.errors import ApiError
from anyfit_ti.emulator.fields import Fields
from anyfit_ti.emulator.jobs.bodies import check_job
from anyfit_ti.emulator.jobs.hyperparameters import HyperParameters
from anyfit_ti.emulator.tasks.bodies import check_task

NONSENSE = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=12)
    | st.sampled_from(["cos://", "cos://b/../x", "http://[", "/", "/opt/ml/../..", "a=b", "{", "[[[[", "\0"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
SLOW = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Where something can be put in place of what is there."""
    found = [path] if path else []
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, member in items:
        found += places(member, (*path, name))
    return found


def spoiled(body: dict[str, Any], path: tuple[Any, ...], value: Any) -> dict[str, Any]:
    """The body with something else in one place."""
    whole = copy.deepcopy(body)
    inner: Any = whole
    for step in path[:-1]:
        inner = inner[step]
    inner[path[-1]] = value
    return whole


@pytest.fixture(scope="module")
def job_body(rig: Any) -> Any:
    """A job with everything in it."""
    source = {"CosDataSource": {"Bucket": rig.bucket, "KeyPrefix": "d/", "DataType": "COSPrefix"}}
    return rig.job(
        "",
        "whole",
        InputDataConfig=[{"ChannelName": "train", "DataSource": source, "InputMode": "File", "ContentType": "x"}],
        EnvConfig=[{"Name": "A", "Value": "1"}],
        VpcConfig={"SubnetId": "subnet-1", "SecurityGroupIds": ["sg-1"]},
        StoppingCondition={"MaxRuntimeInSeconds": 1, "MaxWaitTimeInSeconds": 2},
    )


@pytest.fixture(scope="module")
def task_body(rig: Any) -> Any:
    """A task with everything in it."""
    rig.put("whole/x", "x")
    return rig.task(
        "true",
        "whole",
        CodePackagePath=rig.place("whole/"),
        DataConfigs=[
            {"DataSourceType": "COS", "MappingPath": "/d", "COSSource": rig.place("whole/")},
            {"DataSourceType": "CFS", "MappingPath": "/c", "CFSSource": {"Id": "cfs-1", "Path": "/"}},
        ],
        Envs=[{"Name": "A", "Value": "1", "IsPrivate": True}],
        Tags=[{"TagKey": "a", "TagValue": "b"}],
        TuningParameters="{}",
        CallbackUrl="http://127.0.0.1:1/",
        LogConfig={"LogsetId": "l", "TopicId": "t"},
        EncodedStartCmdInfo={"StartCmdInfo": "e30="},
        SchedulePolicy={"BackOffLimit": 1},
        ImageInfo={"ImageType": "CCR", "ImageUrl": "a/b:1"},
    )


@given(st.data())
@SLOW
def test_jobs(rig: Any, job_body: dict[str, Any], data: st.DataObject) -> None:
    """One field that is something else, whichever."""
    check_job(Fields(job_body), rig.room.storage.store)
    body = spoiled(job_body, data.draw(st.sampled_from(places(job_body))), data.draw(NONSENSE))
    try:
        config = check_job(Fields(body), rig.room.storage.store)
    except ApiError as error:
        assert error.code.startswith(("Invalid", "Missing"))
    else:
        assert json.loads(json.dumps(config)) == config


@given(st.data())
@SLOW
def test_tasks(rig: Any, task_body: dict[str, Any], data: st.DataObject) -> None:
    """One field that is something else, whichever."""
    groups = ("rsg-emulated",)
    whole = {**task_body, "EncodedStartCmdInfo": None}
    check_task(Fields(whole), rig.room.storage.store, groups)
    body = spoiled(task_body, data.draw(st.sampled_from(places(task_body))), data.draw(NONSENSE))
    try:
        config = check_task(Fields(body), rig.room.storage.store, groups)
    except ApiError as error:
        assert error.code.startswith(("Invalid", "Missing", "FailedOperation", "ResourceNotFound"))
    else:
        assert json.loads(json.dumps(config)) == config


@given(NONSENSE)
@example({"ti_program": 1})
def test_hyperparameters(value: Any) -> None:
    """What travels encoded twice arrives as it was; what is no object is refused."""
    if not isinstance(value, dict):
        with pytest.raises(ValueError, match="object"):
            HyperParameters.parse(json.dumps(value) if value != "" else '""')
        return
    found = HyperParameters.parse(json.dumps({name: json.dumps(member) for name, member in value.items()}))

    assert found.values == value
    assert not [name for name in found.user if name.startswith("ti_")]
    assert all(isinstance(word, str) for word in found.arguments)


@pytest.mark.parametrize("body", [b'{"Name": "\\ud800"}', b"[" * 100_000, b'{"Limit": NaN}', b"\xff"])
def test_what_is_hardly_json(rig: Any, sign: Any, answer: Any, body: bytes) -> None:
    """Lone halves of characters, depths and numbers that are none are no request."""
    host = rig.keys["endpoint"].partition("://")[2]
    headers = sign(rig.keys["secret_id"], rig.keys["secret_key"], host, body)
    headers |= {"X-TC-Action": "DescribeTrainingTasks", "X-TC-Version": "2021-11-11", "X-TC-Region": "ap-guangzhou"}
    response = rig.http.post(rig.keys["endpoint"] + "/", data=body, headers=headers, timeout=30).json()["Response"]

    assert response["Error"]["Code"] == "InvalidRequest"
