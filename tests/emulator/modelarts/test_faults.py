"""Misbehaviour on request."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import requests

JOBS = "/v1/{p}/training-jobs"


def body(rig: Any) -> dict[str, Any]:
    """A job that only sleeps."""
    config = {
        "worker_server_num": 1,
        "user_image_url": "a/b:1",
        "user_command": "exit",
        "flavor": {"code": "modelarts.vm.cpu.2u"},
    }
    return {"job_name": rig.name(), "config": config}


def test_throttling(make_rig: Callable[..., Any]) -> None:
    """429 in the gateway's shape, and nothing is done."""
    rig = make_rig(faults="slowdown=1,only=CreateTrainingJob,times=1")
    rig.login()
    refused = rig.send("POST", JOBS, body(rig))

    assert (refused.status_code, refused.json()["error_code"]) == (429, "APIGW.0308")
    assert len(refused.json()["request_id"]) == 32
    assert rig.get(JOBS)["jobs"] == []


@pytest.mark.parametrize(("status", "code"), [(500, "0601"), (502, "0201"), (503, "0613")])
def test_errors_by_status(make_rig: Callable[..., Any], status: int, code: str) -> None:
    """As often as was asked for."""
    rig = make_rig(faults=f"error={status}:1,only=ListTrainingJobs,times=2")
    rig.login()
    answers = [rig.send("GET", JOBS) for _ in range(3)]

    assert [answer.status_code for answer in answers] == [status, status, 200]
    assert answers[0].json()["error_code"] == f"APIGW.{code}"


@pytest.mark.parametrize(("kind", "made"), [("reset", 0), ("lost", 1)])
def test_resets_before_and_after(make_rig: Callable[..., Any], kind: str, made: int) -> None:
    """`reset` does nothing, `lost` does it and keeps the answer: the client cannot tell one from the other."""
    rig = make_rig(faults=f"{kind}=1,only=CreateTrainingJob,times=1")
    rig.login()
    with pytest.raises(requests.ConnectionError):
        rig.send("POST", JOBS, body(rig))

    assert rig.get(JOBS)["job_total_count"] == made


def test_faults_and_requests_by_administration(make_rig: Callable[..., Any]) -> None:
    """Both can be had from outside while it runs; changing needs the secret key."""
    rig = make_rig()
    rig.login()
    root = f"{rig.endpoint}/_emulator/"
    bearer = {"Authorization": f"Bearer {rig.keys['secret_key']}"}
    assert rig.http.put(root + "faults", data="error=500:1", timeout=30).status_code == 403
    assert rig.http.put(root + "faults", data="error=500:1", headers=bearer, timeout=30).status_code == 200
    assert rig.send("GET", JOBS).status_code == 500
    assert rig.http.put(root + "faults", data="", headers=bearer, timeout=30).status_code == 200
    assert rig.send("GET", JOBS).status_code == 200

    counts = rig.http.get(root + "requests", timeout=30).json()["counts"]
    assert counts == {"CreateToken": 1, "ListTrainingJobs": 2}
