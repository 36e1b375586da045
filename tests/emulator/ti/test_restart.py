"""The emulator as a program: it misbehaves on request, ends in time with all its processes, and finds all again."""

from __future__ import annotations

import json
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import requests

from anyfit_emulator.running import Run
from emulated import emulated
from processes import is_alive
from waiting import until, within

GEN1 = "2019-10-22"
FOREVER = """
import os, signal, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
print("pid", os.getpid())
time.sleep(60)
"""


def pid_of(lines: Callable[[], list[str]], rig: Any) -> int:
    """The process that wrote its number."""
    written = rig.until(lambda: [line for line in lines() if line.startswith("pid ")], bool)
    return int(written[0].split()[1])


def test_everything_is_found_again(make_rig: Callable[..., Any]) -> None:
    """Jobs, tasks, their logs and metrics; what ran has failed; names stay taken, ids are new."""
    rig = make_rig()
    body = rig.job("print('one')", "first")
    job = rig.run(body)
    task = rig.finish(rig.task("echo two"))
    point = {"TaskId": task["Id"], "Step": 1, "Points": [{"Name": "loss", "Value": 1.0}]}
    rig.call("PushTrainingMetrics", {"Data": [point]})
    metrics = rig.call("DescribeTrainingMetrics", {"TaskId": task["Id"]})["Data"]
    lines = rig.lines("first")
    rig.old("CreateTrainingJob", rig.job(FOREVER, "a"))
    second = pid_of(lambda: rig.lines("a"), rig)
    third = rig.begin(rig.task("trap '' TERM; echo pid $$; while true; do sleep 0.1; done"))
    third_pid = pid_of(lambda: rig.messages(rig.detail(third)), rig)
    rig.close()
    assert not is_alive(second)
    assert not is_alive(third_pid)

    again = make_rig(rig.room.data_dir)
    described = again.described("first")
    assert {**described, "RequestId": ""} == {**job, "RequestId": ""}
    assert again.lines("first") == lines
    assert again.detail(task["Id"]) == task
    assert again.messages(task) == ["two"]
    assert again.call("DescribeTrainingMetrics", {"TaskId": task["Id"]})["Data"] == metrics
    assert again.refusal("CreateTrainingJob", body, GEN1) == "InvalidParameterValue.DuplicateName"
    for failure in (again.described("a")["FailureReason"], again.detail(third)["FailureReason"]):
        assert failure == "the emulator ended while this was running"
    names = [job["TrainingJobName"] for job in again.old("DescribeTrainingJobs")["TrainingJobSet"]]
    assert names == ["a", "first"]
    again.call("StartTrainingTask", {"Id": task["Id"]})
    assert again.messages(again.over(task["Id"])) == ["two"]
    assert again.detail(task["Id"])["LatestInstanceId"] != task["LatestInstanceId"]


def test_nothing_outlives_it_where_its_threads_are_late(
    make_rig: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What runs is ended in the end though who should have ended it was kept from that."""
    rig = make_rig()
    pid_file = tmp_path / "pid"
    rig.begin(rig.task(f"echo $$ > {pid_file}; sleep 60"))
    pid = int(until(lambda: pid_file.exists() and pid_file.read_text().strip(), bool))
    monkeypatch.setattr(Run, "stop", lambda run, grace: None)
    rig.close()

    assert not is_alive(pid)


def test_as_a_program(tmp_path: Path, sign: Callable[..., dict[str, str]], answer: Callable[..., Any]) -> None:
    """It tells what clients need, and SIGTERM ends it within three seconds, with what will not end by itself."""
    pid_file = tmp_path / "pid"
    with emulated("ti", tmp_path, "--data", str(tmp_path / "data")) as (process, keys):
        body = json.dumps(
            {
                "Name": "stubborn",
                "ChargeType": "POSTPAID_BY_HOUR",
                "ResourceConfigInfos": [{"Role": "WORKER", "InstanceType": "TI.S.MEDIUM.POST"}],
                "FrameworkName": "PYTORCH",
                "FrameworkVersion": "1.9",
                "StartCmdInfo": {"StartCmd": f"trap '' TERM; echo $$ > {pid_file}; while true; do sleep 0.1; done"},
            }
        ).encode()
        host = keys["endpoint"].partition("://")[2]
        headers = sign(keys["secret_id"], keys["secret_key"], host, body)
        headers |= {"X-TC-Action": "CreateTrainingTask", "X-TC-Version": "2021-11-11"}
        headers |= {"X-TC-Region": keys["region"]}
        answer(requests.post(keys["endpoint"] + "/", data=body, headers=headers, timeout=30))
        until(lambda: pid_file.exists() and pid_file.read_text().strip(), bool)
        with within(3):
            process.send_signal(signal.SIGTERM)
            assert process.wait(60) == 0

    assert not is_alive(int(pid_file.read_text()))
    wanted = ("endpoint", "tiems_endpoint", "cls_endpoint", "cos_endpoint", "region", "uin", "app_id", "role")
    assert {"secret_id", "secret_key", "bucket", *wanted} == set(keys)
    assert keys["bucket"].endswith(f"-{keys['app_id']}")
    assert f'endpoint = "{keys["endpoint"]}"' in (tmp_path / "output.txt").read_text()


@pytest.mark.parametrize(
    ("faults", "code"),
    [
        ("slowdown=1", "RequestLimitExceeded"),
        ("error=429:1", "RequestLimitExceeded"),
        ("error=500:1", "InternalError"),
        ("error=503:1", "ServiceUnavailable"),
    ],
)
def test_refusing_on_request(make_rig: Callable[..., Any], faults: str, code: str) -> None:
    """With HTTP status 200, as the platform refuses; nothing is done."""
    rig = make_rig(faults=f"{faults},only=CreateTrainingTask,times=1")
    body = rig.task("true")

    assert rig.refusal("CreateTrainingTask", body) == code
    assert rig.call("DescribeTrainingTasks")["TotalCount"] == 0
    assert rig.finish(body)["Status"] == "SUCCEED"


def test_a_gateway_that_fails(make_rig: Callable[..., Any]) -> None:
    """Its page is no JSON, and has its own status."""
    rig = make_rig(faults="error=502:1,only=DescribeTrainingTasks,times=1")
    response = rig.send("DescribeTrainingTasks")

    assert (response.status_code, response.headers["content-type"]) == (502, "text/html")
    assert rig.call("DescribeTrainingTasks")["TotalCount"] == 0


@pytest.mark.parametrize(("kind", "made"), [("reset", 0), ("lost", 1)])
def test_resets_before_and_after(make_rig: Callable[..., Any], kind: str, made: int) -> None:
    """`reset` does nothing, `lost` does it and keeps the answer: the client cannot tell one from the other."""
    rig = make_rig(faults=f"{kind}=1,only=CreateTrainingTask,times=1")
    with pytest.raises(requests.ConnectionError):
        rig.send("CreateTrainingTask", rig.task("true"))

    assert rig.call("DescribeTrainingTasks")["TotalCount"] == made


def test_requests_are_counted(make_rig: Callable[..., Any]) -> None:
    """For tests that want to know what was not asked."""
    rig = make_rig()
    rig.call("DescribeTrainingTasks")
    rig.old("DescribeTrainingJobs")

    counts = rig.http.get(rig.keys["endpoint"] + "/_emulator/requests", timeout=30).json()["counts"]
    assert counts == {"DescribeTrainingTasks": 1, "DescribeTrainingJobs": 1}
