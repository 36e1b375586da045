"""How the service speaks: what the official client can evaluate, and where errors travel."""

from __future__ import annotations

from typing import Any

import pytest

from anyfit_modelmaker.emulator.wire import plain


def test_nothing_of_a_request_comes_back_that_is_no_python(rig: Any) -> None:
    """Nulls are left out and flags become numbers, also deep inside (`call` evaluates every answer)."""
    body = rig.custom(
        "true",
        codeUrl=None,
        envs=[{"name": "A", "value": "null true"}],
        resourcePoolType="PERSONAL_POOL",
        resourceId=None,
        customResource={"cpu": 1, "memory": 2.5, "gpuModel": None, "gpuCount": None},
    )
    version = rig.run(body | {"unknown": True})

    assert version["customResource"] == {"cpu": 1, "memory": 2.5}
    assert "codeUrl" not in version
    assert "unknown" not in version


def test_plain_values() -> None:
    """What an answer must not hold is gone, whatever it is in."""
    value = {"a": None, "b": [True, None, {"c": float("nan")}], "d": (1.5, "x")}

    assert plain(value) == {"b": [1, {}], "d": [1.5, "x"]}


def test_unicode_survives(rig: Any) -> None:
    """Names and log lines may be Chinese."""
    version = rig.run(rig.custom("/bin/echo", "训练完成", name="作业", description="说明"))

    assert (version["name"], version["description"]) == ("作业", "说明")
    assert rig.log(version["versionId"]) == ["训练完成"]


@pytest.mark.parametrize("data", [b"{", b"[]", b"1", b'{"name": NaN}', b"\xff"])
def test_a_body_that_is_no_object_is_refused(rig: Any, data: bytes) -> None:
    """Code 1004, as for any other wrong body."""
    rig.login()
    url = rig.keys["host_base"] + "/v1/train"
    response = rig.http.post(url, data=data, headers={"Auth-Token": rig.token}, timeout=30)

    assert (response.status_code, response.json()["errorCode"]) == (200, 1004)
    assert "body" in response.json()["errorMessage"]


def test_paths_are_taken_generously(rig: Any) -> None:
    """A doubled slash, a slash at the end and a body with GET are no matter."""
    assert rig.get("//v1/train/") == rig.get("/v1/train")
    assert rig.call("GET", "/v1/resource/TRAIN", {}) == rig.get("/v1/resource/TRAIN")


def test_what_does_not_exist_is_404_or_405(rig: Any) -> None:
    """And says what would be allowed."""
    assert rig.send("GET", "/v1/nothing").status_code == 404
    assert rig.send("GET", "/v1/train/version").status_code == 404
    response = rig.send("PUT", "/v1/train/7")
    assert response.status_code == 405
    assert "DELETE, GET" in response.json()["errorMessage"]


@pytest.mark.parametrize(
    ("method", "path", "code"),
    [
        ("GET", "/v1/train/1", 102004),
        ("GET", "/v1/train/version/1", 102004),
        ("GET", "/v1/train/version/1/log?lastId=0", 102004),
        ("GET", "/v1/train/version/1/log?lastTime=0&lastNan=0", 102004),
        ("GET", "/v1/train/version/1/resource-monitor", 102004),
        ("GET", "/v1/train/version/1/performance-monitor", 102004),
        ("GET", "/v1/train/version/1/output", 102004),
        ("POST", "/v1/train/1/stop", 102004),
        ("DELETE", "/v1/train/version/1", 102004),
        ("DELETE", "/v1/train/1", 102004),
        ("GET", "/v1/model/1", 101004),
        ("GET", "/v1/model/version/1", 101004),
        ("DELETE", "/v1/model/1", 101004),
        ("DELETE", "/v1/model/version/1", 101004),
        ("GET", "/v1/service/1", 103004),
        ("POST", "/v1/service/1/start", 103004),
        ("POST", "/v1/service/1/stop", 103004),
        ("PUT", "/v1/service/1", 103004),
        ("DELETE", "/v1/service/1", 103004),
        ("GET", "/v1/resource/MOON", 1004),
        ("GET", "/v1/basic-framework/MOON", 1004),
    ],
)
def test_unknown_things_have_their_codes(rig: Any, method: str, path: str, code: int) -> None:
    """Business errors come with HTTP 200, an integer code and a message; a second try gives the same."""
    first = rig.call(method, path, {})
    assert first["errorCode"] == code
    assert first["errorMessage"]
    assert rig.call(method, path, {}) == first


@pytest.mark.parametrize("query", ["lastId=x", "lastId=-1", "lastTime=x&lastNan=0"])
def test_a_position_in_a_log_must_be_a_number(rig: Any, query: str) -> None:
    """The message names the parameter."""
    version = rig.run(rig.custom("true"))
    answer = rig.get(f"/v1/train/version/{version['versionId']}/log?{query}")

    assert answer["errorCode"] == 1004
    assert answer["errorMessage"].startswith(query.partition("=")[0])


def test_the_catalogues_pair_by_name(rig: Any) -> None:
    """Ids are integers; a framework has other ids for training and prediction and one name; so do preset models."""
    train = rig.get("/v1/basic-framework/TRAIN")["frameWorks"]
    predict = rig.get("/v1/basic-framework/PREDICT")["frameWorks"]
    algorithms = rig.get("/v1/preset-algorithm")["presetAlgorithms"]
    models = rig.get("/v1/preset-model")["presetModels"]

    assert [item["name"] for item in train] == [item["name"] for item in predict]
    assert not {item["id"] for item in train} & {item["id"] for item in predict}
    assert [item["name"] for item in algorithms] == [item["name"] for item in models]
    for environment in ("TRAIN", "DEVELOPMENT", "PREDICT"):
        resources = rig.get(f"/v1/resource/{environment}")["resources"]
        assert all(type(item["id"]) is int for item in resources)
    assert rig.get("/v1/resource/REASONING") == rig.get("/v1/resource/PREDICT")
