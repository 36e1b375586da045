"""Misbehaviour on request."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest
import requests


def test_being_too_fast_is_a_page_of_html(make_rig: Callable[..., Any]) -> None:
    """With status 200, as the real service does it, and nothing is done."""
    rig = make_rig(faults="slowdown=1,only=ListTrains+CreateTrain,times=2")
    rig.login()
    for method, body in (("GET", None), ("POST", rig.custom("true"))):
        response = rig.send(method, "/v1/train", body)
        assert response.status_code == 200
        assert response.headers["content-type"] == "text/html"

    assert rig.get("/v1/train") == {"trainTasks": []}


def test_errors_by_status(make_rig: Callable[..., Any]) -> None:
    """The status that was asked for, as often as was asked for."""
    rig = make_rig(faults="error=502:1,only=ListModels,times=2")
    rig.login()

    assert [rig.send("GET", "/v1/model").status_code for _ in range(3)] == [502, 502, 200]


@pytest.mark.parametrize(("kind", "made"), [("reset", 0), ("lost", 1)])
def test_resets_before_and_after(make_rig: Callable[..., Any], kind: str, made: int) -> None:
    """`reset` does nothing, `lost` does it and keeps the answer: the client cannot tell one from the other."""
    rig = make_rig(faults=f"{kind}=1,only=CreateTrain,times=1")
    rig.login()
    with pytest.raises(requests.ConnectionError):
        rig.send("POST", "/v1/train", rig.custom("true"))

    assert len(rig.get("/v1/train")["trainTasks"]) == made


def test_latency(make_rig: Callable[..., Any]) -> None:
    """Every answer takes so long at least."""
    rig = make_rig(faults="latency=100ms")
    started = time.monotonic()
    rig.login()

    assert time.monotonic() - started >= 0.1


def test_faults_and_requests_by_administration(make_rig: Callable[..., Any]) -> None:
    """Both can be had from outside while it runs; changing needs the secret key."""
    rig = make_rig()
    rig.login()
    root = rig.keys["host_base"].removesuffix("/mmr") + "/_emulator/"
    bearer = {"Authorization": f"Bearer {rig.keys['secret_key']}"}
    assert rig.http.put(root + "faults", data="error=500:1", timeout=30).status_code == 403
    assert rig.http.put(root + "faults", data="error=500:1", headers=bearer, timeout=30).status_code == 200
    assert rig.send("GET", "/v1/train").status_code == 500
    assert rig.http.put(root + "faults", data="", headers=bearer, timeout=30).status_code == 200
    assert rig.get("/v1/train") == {"trainTasks": []}

    assert rig.http.get(root + "requests", timeout=30).json()["counts"] == {"Login": 1, "ListTrains": 2}
