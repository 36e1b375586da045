"""Jobs of the second generation: the documented body, the job object, finding, changing, ending."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import requests

SCRIPT = """
import argparse, json, os
parser = argparse.ArgumentParser()
parser.add_argument("--data_url")
parser.add_argument("--train_url")
parser.add_argument("--epochs", type=int)
args = parser.parse_args()
numbers = open(os.path.join(args.data_url, "numbers.txt")).read().split()
print("epochs", args.epochs, "numbers", len(numbers), "seed", os.environ["SEED"])
with open(os.path.join(args.train_url, "model.json"), "w") as stream:
    json.dump(numbers, stream)
"""
JOBS = "/v2/{p}/training-jobs"
SEARCHES = "/v2/{p}/training-job-searches"
MOVING = ("Creating", "Pending", "Running", "Terminating")
WAITS = "print('here', flush=True)\nimport time\ntime.sleep(60)"


def body_of(rig: Any, script: str = SCRIPT, **spec: Any) -> dict[str, Any]:
    """The documented body, of a job that runs a script."""
    name = rig.name("v2")
    code = rig.put_files(f"{name}/code", train__py=script)
    data = rig.put_files(f"{name}/in", numbers__txt="1 2")
    return {
        "kind": "job",
        "metadata": {"name": name, "description": "demo"},
        "algorithm": {
            "code_dir": code,
            "boot_file": f"{code}train.py",
            "engine": {"engine_id": "pytorch_1.8.0-cuda_10.2-py_3.7-ubuntu_18.04-x86_64"},
            "parameters": [{"name": "epochs", "value": "3"}],
            "inputs": [{"name": "data_url", "remote": {"obs": {"obs_url": data}}}],
            "outputs": [{"name": "train_url", "remote": {"obs": {"obs_url": rig.place(f"{name}/out")}}}],
            "environments": {"SEED": "7"},
        },
        "spec": {
            "resource": {"flavor_id": "modelarts.vm.cpu.8u", "node_count": 1},
            "log_export_path": {"obs_url": rig.place(f"{name}/log")},
            **spec,
        },
    }


def ended(rig: Any, job: dict[str, Any]) -> Any:
    """The job, once it has ended."""
    path = f"{JOBS}/{job['metadata']['id']}"
    return rig.until(lambda: rig.get(path), lambda seen: seen["status"]["phase"] not in MOVING)


def running(rig: Any, job: dict[str, Any]) -> str:
    """The path of the job, once it has written a first line of its own."""
    path = f"{JOBS}/{job['metadata']['id']}"
    rig.until(lambda: rig.send("GET", f"{path}/tasks/worker-0/logs/preview").text, lambda text: "here" in text)
    return path


def test_the_documented_body(rig: Any) -> None:
    """201 with the whole job; data is there before the start, outputs and log are in OBS at the end."""
    body = body_of(rig)
    made = rig.post(JOBS, body, 201)
    assert made["status"]["phase"] in ("Creating", "Pending")
    assert made["metadata"]["annotations"] == {"job_template": "Template DL", "key_task": "worker"}
    job = ended(rig, made)
    name, job_id = body["metadata"]["name"], made["metadata"]["id"]
    path = f"{JOBS}/{job_id}"
    text = rig.get(f"{path}/tasks/worker-0/logs/preview")["content"]

    assert (job["status"]["phase"], job["status"]["secondary_phase"]) == ("Completed", "Completed"), text
    assert job["status"]["tasks"] == ["worker-0"]
    assert "epochs 3 numbers 2 seed 7\n" in text
    assert "[Modelarts Service Log]Training completed.\n" in text
    assert rig.objects(f"{name}/out") == {"model.json": b'["1", "2"]'}
    assert rig.objects(f"{name}/log") == {f"modelarts-job-{job_id}-worker-0.log": text.encode()}
    shown = job["algorithm"]
    assert shown["inputs"][0]["local_dir"] == "/home/ma-user/modelarts/inputs/data_url_0"
    assert shown["outputs"][0]["local_dir"] == "/home/ma-user/modelarts/outputs/train_url_0"
    assert shown["engine"]["engine_name"] == "PyTorch"
    assert shown["environments"] == {"SEED": "7"}
    assert job["spec"]["resource"]["flavor_detail"]["flavor_info"]["cpu"] == {"arch": "x86", "core_num": 8}
    assert job["status"]["start_time"] >= job["metadata"]["create_time"]
    assert rig.post(JOBS, body, 400)["error_code"] == "ModelArts.2751"
    assert rig.get(f"/v2/{{p}}/training-job-names?job_name={name}") == {"is_duplicate": True}
    assert rig.call("DELETE", path, None, 202) is None
    assert rig.get(path, 400)["error_code"] == "ModelArts.2775"


def test_what_a_job_tells(rig: Any) -> None:
    """Logs by pages and by links, metrics, tasks, stages, events."""
    body = body_of(rig, "for i in range(120): print('line', i)")
    job = rig.post(JOBS, body, 201)
    ended(rig, job)
    path = f"{JOBS}/{job['metadata']['id']}"
    first = rig.get(f"{path}/logs/worker-0?order=asc&lines=100")
    second = rig.get(f"{path}/logs/worker-0?order=asc&lines=100&base_line={first['end_line']}")
    whole = rig.get(f"{path}/tasks/worker-0/logs/preview")
    assert first["content"] + second["content"] == whole["content"]
    assert (first["lines"], whole["current_size"], whole["full_size"]) == (
        100,
        len(whole["content"]),
        len(whole["content"]),
    )
    newest = rig.get(f"{path}/logs/worker-0?lines=1")
    assert newest["content"] == "[Modelarts Service Log]Training completed.\n"
    before = rig.get(f"{path}/logs/worker-0?lines=2&base_line={newest['end_line']}")
    assert before["content"] == "line 119\nline 118\n"
    for kind in ("text/plain", "application/octet-stream"):
        url = rig.get(f"{path}/tasks/worker-0/logs/url?Content-Type={kind}")["obs_url"]
        answer = requests.get(url, timeout=60)
        assert (answer.text, answer.headers["content-type"]) == (whole["content"], kind)
        assert requests.get(url.replace("Signature=", "Signature=0"), timeout=60).status_code == 403
    metrics = {item["metric"]: item["value"] for item in rig.get(f"{path}/metrics/worker-0")["metrics"]}
    assert len(metrics["cpuUsage"]) == 1
    assert metrics["gpuUtil"] == [-1.0]
    [task] = rig.get(f"{path}/tasks")
    assert (task["task"], task["ip"].startswith("127.")) == ("worker-0", True)
    [record] = rig.get(f"{path}/stages")["running_records"]
    assert [stage["name"] for stage in record["stages"]] == ["scheduling", "preparing", "running", "end"]
    events = rig.get(f"{path}/events?order=asc&limit=2&offset=1")
    assert (events["total"], len(events["events"])) == (5, 2)
    assert rig.get(f"{path}/events?level=Error")["events"] == []
    assert rig.get(f"{path}/logs/worker-7", 400)["error_code"] == "ModelArts.2764"


def test_before_there_is_a_log(make_rig: Callable[..., Any]) -> None:
    """204 without a body, or an error; a job that has not started is stopped at once."""
    rig = make_rig(pause=60)
    job = rig.post(JOBS, body_of(rig), 201)
    path = f"{JOBS}/{job['metadata']['id']}"
    assert rig.get(path)["status"]["phase"] == "Creating"
    assert rig.get(path)["status"]["start_time"] == 0
    assert rig.send("GET", f"{path}/tasks/worker-0/logs/preview").status_code == 204
    assert rig.send("GET", f"{path}/metrics/worker-0").status_code == 204
    assert rig.get(f"{path}/tasks/worker-0/logs/url", 400)["error_code"] == "ModelArts.2818"
    assert rig.get(f"{path}/logs/worker-0", 400)["error_code"] == "ModelArts.2818"
    assert rig.get(f"{path}/tasks") == []
    rig.post(f"{path}/actions", {"action_type": "terminate"}, 202)
    assert ended(rig, job)["status"]["phase"] == "Terminated"


def test_a_pause_lets_the_first_phases_last(make_rig: Callable[..., Any]) -> None:
    """So long at least."""
    rig = make_rig(pause=0.1)
    job = rig.post(JOBS, body_of(rig), 201)
    assert ended(rig, job)["status"]["phase"] == "Completed"
    happened = rig.get(f"{JOBS}/{job['metadata']['id']}/events?order=asc")["events"]
    created, queued, prepared, *_ = [event["time"] for event in happened]

    assert queued - created >= 99
    assert prepared - queued >= 99


def test_stopping(rig: Any) -> None:
    """Terminate: 202 and Terminating, outputs are saved, a second time is a conflict; deleting ends a job as well."""
    saves = "import sys; open(sys.argv[2].split('=')[1] + '/half.txt', 'w').close()\n"
    body = body_of(rig, saves + WAITS)
    path = running(rig, rig.post(JOBS, body, 201))
    stopped = rig.post(f"{path}/actions", {"action_type": "terminate"}, 202)
    assert stopped["status"]["phase"] == "Terminating"
    job = rig.until(lambda: rig.get(path), lambda seen: seen["status"]["phase"] != "Terminating")
    assert job["status"]["phase"] == "Terminated"
    assert list(rig.objects(f"{body['metadata']['name']}/out")) == ["half.txt"]
    assert rig.post(f"{path}/actions", {"action_type": "terminate"}, 409)["error_code"] == "ModelArts.2796"
    assert rig.post(f"{path}/actions", {"action_type": "dance"}, 400)["error_code"] == "ModelArts.2812"
    path = running(rig, rig.post(JOBS, body_of(rig, WAITS), 201))
    rig.call("DELETE", path, None, 202)
    rig.get(path, 400)


def test_failing(rig: Any) -> None:
    """The exit code is told by task."""
    job = ended(rig, rig.post(JOBS, body_of(rig, "import sys; sys.exit(3)"), 201))

    assert job["status"]["phase"] == "Failed"
    assert job["status"]["task_statuses"] == [
        {"task": "worker-0", "exit_code": 3, "message": "worker-0 exited with code 3"}
    ]


def test_changing(rig: Any) -> None:
    """Description, annotation, priority."""
    path = f"{JOBS}/{rig.post(JOBS, body_of(rig), 201)['metadata']['id']}"
    change = {
        "description": "other",
        "metadata": {"annotation": {"a": "b"}},
        "spec": {"schedule_policy": {"priority": 2}},
    }
    assert rig.call("PUT", path, change) is None
    job = rig.get(path)

    assert job["metadata"]["description"] == "other"
    assert job["metadata"]["annotations"]["a"] == "b"
    assert job["spec"]["schedule_policy"] == {"priority": 2}
    assert rig.call("PUT", path, {"description": "x" * 257}, 400)["error_code"] == "ModelArts.2788"


def test_searching(make_rig: Callable[..., Any]) -> None:
    """Pages, order and filters."""
    rig = make_rig()
    jobs = [rig.post(JOBS, body_of(rig), 201) for _ in range(3)]
    names = [job["metadata"]["name"] for job in jobs]
    moments = [str(job["metadata"]["create_time"]) for job in jobs]

    def found(**body: Any) -> list[str]:
        return [job["metadata"]["name"] for job in rig.post(SEARCHES, body)["items"]]

    def by(key: str, operator: str, *values: str) -> list[str]:
        return found(filters=[{"key": key, "operator": operator, "value": values}], order="asc")

    assert found() == names[::-1]
    assert found(offset=1, limit=2) == names[:1]
    assert found(sort_by="name", order="asc") == names
    assert by("name", "like", "-2") == names[1:2]
    assert by("name", "in", names[0], names[2]) == [names[0], names[2]]
    assert by("phase", "not", "Creating", "Pending", "Running", "Completed") == []
    assert names[1] in by("create_time", "between", moments[1], moments[2])
    assert by("create_time", "between", "0", "1") == []
    page = rig.post(SEARCHES, {"limit": 1})
    assert (page["total"], page["count"], page["limit"], len(page["items"])) == (3, 3, 1, 1)
    for filters, code in (
        ([{"key": "colour", "operator": "in", "value": ["x"]}], "2807"),
        ([{"key": "name", "operator": "near", "value": ["x"]}], "2808"),
        ([{"key": "create_time", "operator": "between", "value": ["x"]}], "2809"),
    ):
        assert rig.post(SEARCHES, {"filters": filters}, 400)["error_code"] == f"ModelArts.{code}"
    assert rig.post(SEARCHES, {"sort_by": "weight"}, 400)["error_code"] == "ModelArts.2790"
    many = {"jobs": [{"kind": "job", "metadata": {"id": job["metadata"]["id"]}} for job in jobs]}
    assert rig.post("/v2/{p}/training-jobs/batch-delete", many, 202) is None
    assert found() == []


def without(path: str) -> Callable[[dict[str, Any]], None]:
    """Takes a member away."""

    def change(body: dict[str, Any]) -> None:
        *words, last = path.split(".")
        for word in words:
            body = body[word]
        del body[last]

    return change


def setting(path: str, value: Any) -> Callable[[dict[str, Any]], None]:
    """Gives a member another value."""

    def change(body: dict[str, Any]) -> None:
        *words, last = path.split(".")
        for word in words:
            body = body[word]
        body[last] = value

    return change


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (without("kind"), "2788"),
        (setting("kind", "mrs_job"), "2788"),
        (setting("metadata.name", "not a name"), "2788"),
        (without("algorithm"), "2788"),
        (without("algorithm.engine"), "2806"),
        (setting("algorithm.engine", {"engine_id": "cobol"}), "2780"),
        (setting("algorithm.engine", {"image_url": "a/b:c"}), "2806"),
        (without("algorithm.code_dir"), "2757"),
        (without("algorithm.boot_file"), "2758"),
        (setting("algorithm.boot_file", "/elsewhere/train.py"), "2792"),
        (setting("algorithm.code_dir", "nowhere"), "2757"),
        (setting("algorithm.id", "00000000-0000-0000-0000-000000000000"), "2755"),
        (setting("algorithm.inputs", [{"name": "a"}]), "2753"),
        (setting("algorithm.inputs", [{"name": "a", "remote": {"obs": {"obs_url": "/no-bucket/x/"}}}]), "2791"),
        (setting("algorithm.inputs", [{"name": "a", "remote": {"dataset": {"id": "x"}}}]), "2783"),
        (setting("algorithm.environments", {"1": "x"}), "2788"),
        (setting("algorithm.local_code_dir", "/opt/x"), "2857"),
        (setting("algorithm.working_dir", "/home/ma-user/modelarts/x"), "2859"),
        (setting("algorithm.parameters", [{"name": "a", "value": "x", "constraint": {"type": "Integer"}}]), "2825"),
        (without("spec.resource.flavor_id"), "2763"),
        (setting("spec.resource.flavor_id", "huge"), "2781"),
        (setting("spec.resource.node_count", 17), "2793"),
        (setting("spec.resource.node_count", 0), "2788"),
        (setting("spec.auto_stop", {"time_unit": "DAYS", "duration": 1}), "2788"),
        (setting("spec.log_export_path", {"obs_url": "/no-bucket/x/"}), "2820"),
    ],
)
def test_refused_bodies(rig: Any, change: Callable[[dict[str, Any]], None], code: str) -> None:
    """Each with the documented code, in the shape of this generation."""
    body = body_of(rig)
    change(body)
    answer = rig.post(JOBS, body, 400)

    assert answer["error_code"] == f"ModelArts.{code}", answer
    assert answer["error_msg"]
    assert answer["error_solution"]


def test_strangers_and_nonsense(rig: Any) -> None:
    """Another project, no JSON, no such path, no such method."""
    rig.login()
    stranger = rig.send("GET", f"/v2/{'0' * 32}/training-quotas")
    assert (stranger.status_code, stranger.json()["error_code"]) == (404, "ModelArts.2786")
    url = rig.endpoint + JOBS.replace("{p}", rig.project)
    for text in ("{", "[]", '{"kind": 1e999}', '{"kind": NaN}', '{"kind": "\\ud800"}', "[" * 100_000):
        nonsense = rig.http.post(url, data=text, headers={"X-Auth-Token": rig.token}, timeout=60)
        assert (nonsense.status_code, nonsense.json()["error_code"]) == (400, "ModelArts.2787")
    huge = rig.http.post(url, data="x" * (13 << 20), headers={"X-Auth-Token": rig.token}, timeout=30)
    assert (huge.status_code, huge.json()["error_code"]) == (413, "APIGW.0201")
    assert rig.send("PATCH", JOBS).json()["error_code"] == "ModelArts.2803"
    assert rig.send("GET", "/v2/{p}/unheard-of").json()["error_code"] == "APIGW.0101"


def test_offers(rig: Any) -> None:
    """Machines, engines, quotas."""
    flavors = rig.get("/v2/{p}/training-job-flavors?flavor_type=CPU")["flavors"]
    engines = rig.get("/v2/{p}/training-job-engines")
    old = {item["engine_id"] for item in engines["items"] if item["v1_compatible"]}

    assert [(item["flavor_id"], item["max_num"]) for item in flavors] == [
        ("modelarts.vm.cpu.2u", 1),
        ("modelarts.vm.cpu.8u", 16),
    ]
    assert old == {"xgboost-sklearn-python3.6", "caffe-1.0.0-python2.7", "horovod-cp36-tf-1.16.2"}
    assert rig.get("/v2/{p}/training-job-flavors?flavor_type=TPU", 400)["error_code"] == "ModelArts.2764"
    assert rig.get("/v2/{p}/training-quotas")["quotas"][0]["resource"] == "job-num"
    assert rig.get("/v2/{p}/search-algorithms") == {"search_algo_count": 0, "search_algo_list": []}


def test_experiments_and_tags(rig: Any) -> None:
    """Jobs are grouped by experiments, and have tags."""
    body = body_of(rig)
    body["metadata"]["training_experiment_reference"] = {"name": "first-steps"}
    job = rig.post(JOBS, body, 201)["metadata"]
    reference = job["training_experiment_reference"]
    path = f"/v2/{{p}}/training-experiments/{reference['id']}"
    assert rig.get(path)["statistic"] == {"job_count": 1}
    assert rig.get("/v2/{p}/training-experiments")["items"][0]["metadata"]["name"] == "first-steps"
    assert rig.call("PUT", path, {"description": "x"}) == {"name": "first-steps", "description": "x"}
    assert rig.get("/v2/{p}/training-experiment-names?experiment_name=first-steps") == {"is_duplicate": True}
    rig.call("DELETE", path, None, 202)
    rig.get(path, 400)
    tags = f"/v2/{{p}}/modelarts-training-job/{job['id']}/tags"
    rig.post(f"{tags}/create", {"tags": [{"key": "team", "value": "a"}, {"key": "x", "value": "y"}]}, 204)
    rig.call("DELETE", f"{tags}/delete", {"tags": [{"key": "x"}]}, 204)
    assert rig.get(tags) == {"tags": [{"key": "team", "value": "a"}]}
    assert rig.get("/v2/{p}/modelarts-training-job/tags") == {"tags": [{"key": "team", "values": ["a"]}]}
    wanted = {"tags": [{"key": "team", "values": ["a"]}]}
    assert [item["metadata"]["id"] for item in rig.post(SEARCHES, wanted)["items"]] == [job["id"]]


def test_a_job_is_started_again(rig: Any) -> None:
    """As often as its annotation says, in the same container; each attempt is recorded."""
    script = (
        "import os, sys\nfirst = not os.path.exists('seen')\nopen('seen', 'w').close()\nsys.exit(7 if first else 0)"
    )
    body = body_of(rig, script)
    body["metadata"]["annotations"] = {"fault-tolerance/job-retry-num": "2"}
    status = ended(rig, rig.post(JOBS, body, 201))["status"]

    assert status["phase"] == "Completed"
    assert [record["start_type"] for record in status["running_records"]] == ["init_or_rescheduled", "restarted"]
    assert status["running_records"][0]["end_reason"] == "exited with code 7"


def test_engines_and_machines_must_suit(rig: Any) -> None:
    """An engine for Ascend cards runs on these alone."""
    body = body_of(rig)
    body["spec"]["resource"]["flavor_id"] = "modelarts.kat1.xlarge"

    assert rig.post(JOBS, body, 400)["error_code"] == "ModelArts.2840"


def test_what_cannot_be_started(rig: Any) -> None:
    """The job fails and its log says why; nothing else happens."""
    for member, value, fragment in (
        ("parameters", [{"name": "a", "value": "x\0y"}], "null byte"),
        ("working_dir", "/home/nobody", "must lie below"),
        ("code_dir", "file:///opt/code", "images are not pulled"),
        ("inputs", [{"name": "a", "remote": {"obs": {"obs_url": rig.place("nothing-here")}}}], "no such object"),
    ):
        body = body_of(rig)
        body["algorithm"][member] = value
        job = ended(rig, rig.post(JOBS, body, 201))
        text = rig.get(f"{JOBS}/{job['metadata']['id']}/tasks/worker-0/logs/preview")["content"]
        assert job["status"]["phase"] == "Failed"
        assert fragment in text
        assert "emulator has failed" not in text
