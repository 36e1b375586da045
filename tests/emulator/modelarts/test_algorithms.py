"""Algorithms of one's own, and jobs that are made from them."""

from __future__ import annotations

from typing import Any

import pytest

PATH = "/v2/{p}/algorithms"
SCRIPT = "import sys; print('ARGS', sys.argv[1:])"


def body_of(rig: Any, name: str = "", **config: Any) -> dict[str, Any]:
    """The documented body."""
    name = name or rig.name("algorithm")
    code = rig.put_files(f"{name}/code", train__py=SCRIPT)
    return {
        "metadata": {"name": name, "description": "d"},
        "job_config": {
            "code_dir": code,
            "boot_file": f"{code}train.py",
            "engine": {
                "engine_name": "PyTorch",
                "engine_version": "pytorch_1.8.0-cuda_10.2-py_3.7-ubuntu_18.04-x86_64",
            },
            "parameters": [
                {"name": "rate", "value": "0.1", "constraint": {"type": "Float", "editable": True, "required": True}},
                {"name": "fixed", "value": "x", "constraint": {"type": "String", "editable": False}},
            ],
            "inputs": [{"name": "data_url", "description": "where it comes from"}],
            "outputs": [],
            "parameters_customization": False,
            **config,
        },
        "resource_requirements": [{"key": "flavor_type", "values": ["CPU"], "operator": "in"}],
    }


def job_of(rig: Any, algorithm_id: str, **algorithm: Any) -> dict[str, Any]:
    """A job that is made from an algorithm."""
    data = rig.put_files("algorithm-data", x__txt="x")
    inputs = [{"name": "data_url", "remote": {"obs": {"obs_url": data}}}]
    resource = {"flavor_id": "modelarts.vm.cpu.2u", "node_count": 1}
    return {
        "kind": "job",
        "metadata": {"name": rig.name("by-algorithm")},
        "algorithm": {"id": algorithm_id, "inputs": inputs, **algorithm},
        "spec": {"resource": resource},
    }


def test_a_life(rig: Any) -> None:
    """Made, shown, listed, changed, removed."""
    made = rig.post(PATH, body_of(rig), 201)
    path = f"{PATH}/{made['metadata']['id']}"
    assert made["metadata"]["source"] == "custom"
    assert made["resource_requirements"] == [{"key": "flavor_type", "value": ["CPU"], "operator": "in"}]
    assert made["job_config"]["code_tree"] == {"name": "code/", "children": [{"name": "train.py", "children": []}]}
    assert rig.get(path) == made
    name = made["metadata"]["name"]
    listed = rig.get(f"{PATH}?searches=name%253A{name}&limit=1")
    assert [item["metadata"]["name"] for item in listed["items"]] == [name]
    assert rig.get(f"{PATH}?searches=name:{name}&offset=1")["items"] == []
    changed = rig.call("PUT", path, body_of(rig, "renamed"), 201)
    assert changed["metadata"]["id"] == made["metadata"]["id"]
    assert rig.post(PATH, body_of(rig, "renamed"), 400)["error_code"] == "ModelArts.2821"
    assert rig.call("DELETE", path, None, 202) is None
    assert rig.get(path, 400)["error_code"] == "ModelArts.2755"


def test_jobs(rig: Any) -> None:
    """A job takes what the algorithm says, and may change what that allows."""
    made = rig.post(PATH, body_of(rig), 201)["metadata"]["id"]
    job = rig.post("/v2/{p}/training-jobs", job_of(rig, made, parameters=[{"name": "rate", "value": "0.5"}]), 201)
    path = f"/v2/{{p}}/training-jobs/{job['metadata']['id']}"
    rig.until(lambda: rig.get(path)["status"]["phase"], lambda phase: phase == "Completed")
    log = rig.get(f"{path}/tasks/worker-0/logs/preview")["content"]

    assert "'--rate=0.5', '--fixed=x']" in log
    assert job["algorithm"]["inputs"][0]["description"] == "where it comes from"


@pytest.mark.parametrize(
    ("algorithm", "code"),
    [
        ({"parameters": [{"name": "rate", "value": "fast"}]}, "2825"),
        ({"parameters": [{"name": "rate", "value": ""}]}, "2814"),
        ({"parameters": [{"name": "fixed", "value": "y"}]}, "2814"),
        ({"parameters": [{"name": "other", "value": "y"}]}, "2814"),
        ({"inputs": []}, "2753"),
    ],
)
def test_contradictions(rig: Any, algorithm: dict[str, Any], code: str) -> None:
    """What the algorithm does not allow is refused."""
    made = rig.post(PATH, body_of(rig), 201)["metadata"]["id"]
    answer = rig.post("/v2/{p}/training-jobs", job_of(rig, made, **algorithm), 400)

    assert answer["error_code"] == f"ModelArts.{code}", answer


@pytest.mark.parametrize(
    ("config", "code"),
    [
        ({"engine": {"engine_id": "none"}}, "2780"),
        ({"boot_file": "/elsewhere/x.py"}, "2792"),
        ({"code_dir": "/nowhere/"}, "2792"),
        ({"engine": {"image_url": "a/b:1"}}, "2806"),
        ({"parameters": [{"value": "x"}]}, "2788"),
    ],
)
def test_refused_bodies(rig: Any, config: dict[str, Any], code: str) -> None:
    """As for jobs."""
    answer = rig.post(PATH, body_of(rig, **config), 400)

    assert answer["error_code"] == f"ModelArts.{code}", answer
