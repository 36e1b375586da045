"""Wrong bodies: code 1004, the member by name, and nothing made."""

from __future__ import annotations

from typing import Any

import pytest

S3 = "s3://b/x"
BASIC = {
    "name": "n",
    "type": "BASIC_FRAMEWORK",
    "resourceId": 500050,
    "instance": 1,
    "volumeSize": 1,
    "output": S3,
    "frameworkId": 500000,
    "codeUrl": S3,
    "startup": "t.py",
    "startupType": "NORMAL",
    "dataUrl": S3,
}
PRESET = {
    "name": "n",
    "type": "PRESET_ALGORITHM",
    "resourceId": 500050,
    "instance": 1,
    "volumeSize": 1,
    "output": S3,
    "algorithmId": 500000,
    "dataUrl": S3,
}
CUSTOM = {
    "name": "n",
    "type": "CUSTOM",
    "resourceId": 500050,
    "instance": 1,
    "volumeSize": 1,
    "output": S3,
    "mirrorUrl": "i",
}
MODEL = {
    "name": "n",
    "type": "BASIC_FRAMEWORK",
    "version": "1",
    "modelPath": S3,
    "frameworkId": 500001,
    "codeUrl": S3,
    "startup": "p.py",
}
ITEM = {"modelVersionId": 1, "weight": 100, "resourceId": 500151, "instanceCount": 1}
SERVICE = {"name": "n", "type": "ONLINE_SERVICE", "serviceModels": [ITEM]}
FOUR = {"cpu": 2, "memory": 2.5, "gpuModel": "K80", "gpuCount": 2}
POOL = {"resourcePoolType": "PERSONAL_POOL", "resourceId": None}


def item(**members: Any) -> dict[str, Any]:
    """A change of a service's only model."""
    return {"serviceModels": [ITEM | members]}


@pytest.mark.parametrize(
    ("path", "body", "change", "member"),
    [
        ("train", BASIC, {"name": None}, "name"),
        ("train", BASIC, {"name": ""}, "name"),
        ("train", BASIC, {"name": "x" * 65}, "name"),
        ("train", BASIC, {"name": 7}, "name"),
        ("train", BASIC, {"type": "MOON"}, "type"),
        ("train", BASIC, {"type": None}, "type"),
        ("train", BASIC, {"instance": 0}, "instance"),
        ("train", BASIC, {"instance": 101}, "instance"),
        ("train", BASIC, {"instance": True}, "instance"),
        ("train", BASIC, {"instance": "1"}, "instance"),
        ("train", BASIC, {"volumeSize": None}, "volumeSize"),
        ("train", BASIC, {"volumeSize": 101}, "volumeSize"),
        ("train", BASIC, {"maxRuntime": 0}, "maxRuntime"),
        ("train", BASIC, {"maxRuntime": "1"}, "maxRuntime"),
        ("train", BASIC, {"description": ""}, "description"),
        ("train", BASIC, {"description": "x" * 129}, "description"),
        ("train", BASIC, {"output": None}, "output"),
        ("train", BASIC, {"output": "/tmp/out"}, "output"),
        ("train", BASIC, {"resourceId": None}, "resourceId"),
        ("train", BASIC, {"resourceId": 1}, "resourceId"),
        ("train", BASIC, {"resourceId": "500050"}, "resourceId"),
        ("train", BASIC, {"resourcePoolType": "MOON"}, "resourcePoolType"),
        ("train", BASIC, POOL, "customResource"),
        ("train", BASIC, POOL | {"customResource": {"cpu": 1}}, "customResource"),
        ("train", BASIC, POOL | {"customResource": FOUR | {"moon": 1}}, "customResource"),
        ("train", BASIC, POOL | {"customResource": FOUR | {"cpu": "2"}}, "customResource"),
        ("train", BASIC, {"frameworkId": None}, "frameworkId"),
        ("train", BASIC, {"frameworkId": 500001}, "frameworkId"),
        ("train", BASIC, {"codeUrl": None}, "codeUrl"),
        ("train", BASIC, {"codeUrl": "code/"}, "codeUrl"),
        ("train", BASIC, {"gitInfo": [{"username": "u"}]}, "gitInfo"),
        ("train", BASIC, {"startup": None}, "startup"),
        ("train", BASIC, {"startupType": None}, "startupType"),
        ("train", BASIC, {"startupType": "MOON"}, "startupType"),
        ("train", BASIC, {"parameters": {"lr": "1"}}, "parameters"),
        ("train", BASIC, {"parameters": [{"name": "lr"}]}, "parameters"),
        ("train", BASIC, {"inputFiles": [{"path": S3}]}, "inputFiles"),
        ("train", BASIC, {"dataUrl": None}, "dataUrl"),
        ("train", BASIC, {"dataUrl": []}, "dataUrl"),
        ("train", BASIC, {"dataUrl": ["/x"]}, "dataUrl"),
        ("train", BASIC, {"monitors": [{"name": "a"}]}, "monitors"),
        ("train", BASIC, {"monitors": [{"name": "a", "regular": "("}]}, "monitors"),
        ("train", PRESET, {"algorithmId": 7}, "algorithmId"),
        ("train", PRESET, {"dataUrl": [S3]}, "dataUrl"),
        ("train", PRESET, {"modeUrl": "x"}, "modeUrl"),
        ("train", PRESET, {"modelUrl": "x"}, "modelUrl"),
        ("train", PRESET, {"parameters": ["x"]}, "parameters"),
        ("train", CUSTOM, {"mirrorUrl": None}, "mirrorUrl"),
        ("train", CUSTOM, {"envs": [{"value": "1"}]}, "envs"),
        ("train", CUSTOM, {"command": ["sh"]}, "command"),
        ("train", CUSTOM, {"args": 1}, "args"),
        ("model", MODEL, {"name": None}, "name"),
        ("model", MODEL, {"type": "PRESET_ALGORITHM"}, "type"),
        ("model", MODEL, {"version": None}, "version"),
        ("model", MODEL, {"version": 1}, "version"),
        ("model", MODEL, {"modelPath": None}, "modelPath"),
        ("model", MODEL, {"frameworkId": 500000}, "frameworkId"),
        ("model", MODEL, {"codeUrl": None}, "codeUrl"),
        ("model", MODEL, {"type": "PRESET_MODEL"}, "presetModelId"),
        ("model", MODEL, {"type": "CUSTOM"}, "mirrorUrl"),
        ("service", SERVICE, {"name": "x" * 65}, "name"),
        ("service", SERVICE, {"type": "BATCH"}, "type"),
        ("service", SERVICE, {"serviceModels": []}, "serviceModels"),
        ("service", SERVICE, {"serviceModels": ITEM}, "serviceModels"),
        ("service", SERVICE, item(modelVersionId="1"), "serviceModels[0].modelVersionId"),
        ("service", SERVICE, item(weight=None), "serviceModels[0].weight"),
        ("service", SERVICE, item(weight=-1), "serviceModels[0].weight"),
        ("service", SERVICE, item(resourceId=500050), "serviceModels[0].resourceId"),
        ("service", SERVICE, item(instanceCount=11), "serviceModels[0].instanceCount"),
        ("service", SERVICE, item(envs=[{"value": "x"}]), "serviceModels[0].envs"),
    ],
)
def test_a_wrong_member_is_named(
    rig: Any, path: str, body: dict[str, Any], change: dict[str, Any], member: str
) -> None:
    """And nothing is made."""
    before = rig.get(f"/v1/{path}")
    answer = rig.post(f"/v1/{path}", body | change)

    assert answer["errorCode"] == 1004, answer
    assert f"{member}:" in answer["errorMessage"]
    assert rig.get(f"/v1/{path}") == before


def test_all_faults_are_told_at_once(rig: Any) -> None:
    """So that nobody has to try again and again."""
    message = rig.post("/v1/train", BASIC | {"name": None, "instance": 0, "dataUrl": "x"})["errorMessage"]

    assert all(f"{member}:" in message for member in ("name", "instance", "dataUrl"))


def test_the_order_of_checks_leaves_names_free(rig: Any) -> None:
    """A body that is refused does not take its name."""
    assert rig.post("/v1/train", CUSTOM | {"instance": 0})["errorCode"] == 1004
    assert "id" in rig.post("/v1/train", CUSTOM)
