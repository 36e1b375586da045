"""Jobs of the first generation: versions, lists, windows of logs, refusals, and what may be kept beside them."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from anyfit_emulator.running import LineLog
from anyfit_modelarts.emulator.calls import Query
from anyfit_modelarts.emulator.training.v1.logs import window

JOBS = "/v1/{p}/training-jobs"
ENDED = (3, 5, 10, 11, 12, 13, 14, 16, 17, 21)
WAITS = "print('here', flush=True)\nimport time\ntime.sleep(60)"


def body_of(rig: Any, script: str = "print('done')", **config: Any) -> dict[str, Any]:
    """The body of a job that runs a script."""
    name = rig.name("v1")
    code = rig.put_files(f"{name}/code", train__py=script)
    settings = {
        "worker_server_num": 1,
        "app_url": code,
        "boot_file_url": f"{code}train.py",
        "engine_id": 4,
        "parameter": [],
        "data_url": rig.put_files(f"{name}/data", x__txt="x"),
        "spec_id": 7,
        "train_url": rig.place(f"{name}/out"),
        **config,
    }
    return {"job_name": name, "config": {key: value for key, value in settings.items() if value is not None}}


def path_of(made: dict[str, Any]) -> str:
    """Of the version that was made."""
    return f"{JOBS}/{made['job_id']}/versions/{made['version_id']}"


def ended(rig: Any, made: dict[str, Any]) -> Any:
    """The version, once it has ended."""
    return rig.until(lambda: rig.get(path_of(made)), lambda seen: seen["status"] in ENDED)


def log_of(rig: Any, made: dict[str, Any], node: int = 0) -> str:
    """The text of a log."""
    name = rig.get(f"{path_of(made)}/log/file-names")["log_file_list"][node]
    return str(rig.get(f"{path_of(made)}/aom-log?log_file={name}&lines=500")["content"])


def running(rig: Any, made: dict[str, Any]) -> None:
    """Wait until the version has written a first line of its own."""
    names = f"{path_of(made)}/log/file-names"
    rig.until(lambda: rig.get(names)["log_file_list"], bool)
    rig.until(lambda: log_of(rig, made), lambda text: "\n\nhere" in text)


def test_versions(rig: Any) -> None:
    """Each has its own number and output; the new one tells which came before."""
    script = "import sys, moxing\nmoxing.file.write(sys.argv[2].split('=')[1] + 'f', 'x')"
    body = body_of(rig, script)
    first = rig.post(JOBS, body)
    ended(rig, first)
    config = {**body["config"], "pre_version_id": first["version_id"], "parameter": [{"label": "a", "value": "1"}]}
    second = rig.post(f"{JOBS}/{first['job_id']}/versions/", {"job_desc": "again", "config": config})
    assert (second["version_name"], "resource_id" in second) == ("V0002", False)
    detail = ended(rig, second)
    assert (detail["status"], detail["pre_version_id"], detail["job_desc"]) == (10, first["version_id"], "again")
    assert sorted(rig.objects(f"{body['job_name']}/out")) == ["V0001/f", "V0002/f"]
    listed = rig.get(f"{JOBS}/{first['job_id']}/versions?per_page=1&page=1")
    assert (listed["version_count"], [item["version_name"] for item in listed["versions"]]) == (2, ["V0002"])
    assert json.loads(listed["versions"][0]["system_metric_list"])["interval"] == 1
    assert len(rig.get(f"{JOBS}/{first['job_id']}/versions")["versions"]) == 2
    rig.call("DELETE", path_of(second))
    assert rig.get(path_of(second), 404)["error_code"] == "ModelArts.0105"
    wrong = {**config, "pre_version_id": 1}
    assert rig.post(f"{JOBS}/{first['job_id']}/versions", {"config": wrong}, 400)["error_code"] == "ModelArts.0104"
    assert "train_url" in rig.post(f"{JOBS}/{first['job_id']}/versions", {"config": {}}, 400)["error_msg"]


def test_a_record_without_a_version(rig: Any) -> None:
    """Nothing runs when no version is wanted."""
    body = body_of(rig, create_version=False)
    made = rig.post(JOBS, body)

    assert "version_id" not in made
    assert rig.get(f"{JOBS}/{made['job_id']}/versions")["version_count"] == 0


def test_lists(make_rig: Callable[..., Any]) -> None:
    """Pages, order, search, status, and how many more there may be."""
    rig = make_rig()
    made = [rig.post(JOBS, body_of(rig, "x" if number == 1 else "pass")) for number in range(3)]
    statuses = [ended(rig, one)["status"] for one in made]
    names = [one["job_name"] for one in made]

    def found(query: str = "") -> list[str]:
        return [job["job_name"] for job in rig.get(f"{JOBS}?{query}")["jobs"]]

    assert statuses == [10, 11, 10]
    assert found() == names
    assert found("order=desc&sortBy=create_time") == names[::-1]
    assert found("per_page=2&page=2") == names[2:]
    assert found("search_content=-2") == names[1:2]
    assert found("status=11") == names[1:2]
    page = rig.get(JOBS)
    assert (page["job_total_count"], page["quotas"] - page["job_count_limit"]) == (3, 3)
    assert page["jobs"][0]["version_count"] == 1
    refused = rig.get(f"{JOBS}?search_content={'x' * 101}", 400)
    assert (refused["error_code"], "[0,100]" in refused["error_message"]) == ("ModelArts.0104", True)
    assert rig.get(f"{JOBS}?per_page=0", 400)["error_code"] == "ModelArts.0104"


def test_windows_of_a_log(rig: Any) -> None:
    """The newest block, then towards newer lines and back, without loss or repeats."""
    made = rig.post(JOBS, body_of(rig, "for i in range(130): print('line', i)"))
    ended(rig, made)
    path = f"{path_of(made)}/aom-log?log_file={rig.get(path_of(made) + '/log/file-names')['log_file_list'][0]}"

    def numbers(page: dict[str, Any]) -> list[int]:
        return [int(number) for number in re.findall(r"^line (\d+)$", page["content"], re.MULTILINE)]

    newest = rig.get(path)
    assert newest["lines"] == 50
    assert re.fullmatch(r"(.+\n\n)+.+\n", newest["content"])
    seen, begin = numbers(newest), newest["start_line"]
    while (before := rig.get(f"{path}&order=asc&lines=30&base_line={begin}"))["lines"]:
        seen, begin = numbers(before) + seen, before["start_line"]
    assert seen == list(range(130))
    onward = rig.get(f"{path}&order=desc&base_line={before['start_line']}&lines=500")
    assert numbers(onward)[-1] == 129
    last = rig.get(f"{path}&order=desc&base_line={newest['end_line']}")
    assert (last["lines"], last["content"], last["end_line"]) == (0, "", newest["end_line"])
    assert rig.get(f"{path_of(made)}/aom-log?log_file=other", 400)["error_code"] == "ModelArts.0806"
    assert rig.get(f"{path}&lines=501", 400)["error_code"] == "ModelArts.0104"


def test_a_log_that_is_empty_has_a_cursor(tmp_path: Path) -> None:
    """Whoever follows from the first answer on misses nothing, however much is written before the second."""
    log, query = LineLog(tmp_path / "log"), {"order": "desc", "lines": "500"}
    begin = time.time_ns()
    first = window(log, Query(query), begin)
    log.append([b"line %d" % number for number in range(100)])
    second = window(log, Query({**query, "base_line": first["end_line"]}), begin)

    assert (first["lines"], first["content"]) == (0, "")
    assert (second["lines"], second["content"].count("line")) == (100, 100)


def test_before_the_start(make_rig: Callable[..., Any]) -> None:
    """There is no log yet; a version that has not started is stopped at once."""
    rig = make_rig(pause=60)
    made = rig.post(JOBS, body_of(rig))
    assert rig.get(path_of(made))["status"] == 1
    assert rig.get(f"{path_of(made)}/log/file-names")["log_file_list"] == []
    name = f"job-{made['job_name']}.0"
    assert rig.get(f"{path_of(made)}/aom-log?log_file={name}", 400)["error_code"] == "ModelArts.0806"
    rig.post(f"{path_of(made)}/stop")
    assert ended(rig, made)["status"] == 12


def test_stopping(rig: Any) -> None:
    """Killing, then killed; what has ended cannot be stopped; deleting a running job ends it."""
    made = rig.post(JOBS, body_of(rig, WAITS))
    running(rig, made)
    assert rig.post(f"{path_of(made)}/stop") == {"is_success": True}
    assert ended(rig, made)["status"] == 12
    refused = rig.post(f"{path_of(made)}/stop", None, 400)
    assert (refused["error_code"], refused["is_success"]) == ("ModelArts.0105", False)
    assert refused["error_message"] == refused["error_msg"] == "This job can't be stop. job status: 12"
    made = rig.post(JOBS, body_of(rig, WAITS))
    running(rig, made)
    rig.call("DELETE", f"{JOBS}/{made['job_id']}")
    assert rig.send("GET", path_of(made)).status_code == 404


def test_description(rig: Any) -> None:
    """It can be changed, and has a length."""
    made = rig.post(JOBS, body_of(rig))
    assert rig.call("PUT", f"{JOBS}/{made['job_id']}", {"job_desc": "new"}) == {"is_success": True}
    assert rig.get(f"{JOBS}/{made['job_id']}/versions")["job_desc"] == rig.get(path_of(made))["job_desc"] == "new"
    assert rig.call("PUT", f"{JOBS}/{made['job_id']}", {"job_desc": "x" * 257}, 400)["error_code"] == "ModelArts.0104"


def test_getting_a_job_is_no_call(rig: Any) -> None:
    """A GET on a job's own path means nothing (the tutorial prints it for a DELETE)."""
    made = rig.post(JOBS, body_of(rig))

    assert rig.send("GET", f"{JOBS}/{made['job_id']}").status_code == 405


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"app_url": None}, "0104"),
        ({"boot_file_url": "/elsewhere/train.py"}, "0104"),
        ({"boot_file_url": None}, "0104"),
        ({"engine_id": 9999}, "0104"),
        ({"data_source": [{"type": "obs", "data_url": "/b/x/"}]}, "0104"),
        ({"data_url": None, "data_source": [{"type": "disk"}]}, "0104"),
        ({"data_url": None, "dataset_id": "a"}, "0104"),
        ({"data_url": None, "dataset_id": "a", "dataset_version_id": "b"}, "0901"),
        ({"data_url": "/no-bucket/x/"}, "1003"),
        ({"spec_id": None}, "0104"),
        ({"spec_id": 12345}, "0104"),
        ({"spec_id": None, "flavor": {"code": "huge"}}, "0104"),
        ({"spec_id": None, "flavor": {"code": "modelarts.p3.large.public.free"}}, "0105"),
        ({"worker_server_num": 2}, "0104"),
        ({"worker_server_num": None}, "0104"),
        ({"parameter": [{"label": "a"}]}, "0104"),
        ({"volumes": [{"nfs": {"id": "x"}}]}, "0104"),
        ({"train_url": "nowhere"}, "0104"),
    ],
)
def test_refused_configurations(rig: Any, changes: dict[str, Any], code: str) -> None:
    """Each with the documented code, in the shape of this generation, and nothing is made."""
    body = body_of(rig, **changes)
    answer = rig.post(JOBS, body, 400)

    assert (answer["error_code"], answer["is_success"]) == (f"ModelArts.{code}", False), answer
    assert rig.get(f"{JOBS}?search_content={body['job_name']}&per_page=1000")["jobs"] == []


def test_refused_names(rig: Any) -> None:
    """Names are unique and of some letters; the boot file must be there; so must the workspace."""
    body = body_of(rig)
    rig.post(JOBS, body)
    twin = rig.post(JOBS, body, 400)
    assert (twin["error_code"], twin["error_message"]) == ("ModelArts.0103", f"Job name:{body['job_name']} is existed")
    assert rig.post(JOBS, {**body, "job_name": "not a name"}, 400)["error_code"] == "ModelArts.0104"
    assert rig.post(JOBS, {**body, "job_name": "n", "workspace_id": "x"}, 400)["error_code"] == "ModelArts.0102"
    config = {**body["config"], "boot_file_url": f"{body['config']['app_url']}other.py"}
    assert rig.post(JOBS, {"job_name": "n", "config": config}, 400)["error_code"] == "ModelArts.1002"
    stranger = rig.send("GET", f"/v1/{'0' * 32}/training-jobs")
    assert (stranger.status_code, stranger.json()["error_code"]) == (403, "ModelArts.0210")


def test_a_token_of_the_account_alone(rig: Any) -> None:
    """It is good for the identity service and for nothing else."""
    rig.login()
    body = rig.login_body(domain={"name": rig.keys["domain"]})
    token = rig.send("POST", "/v3/auth/tokens", body).headers["X-Subject-Token"]
    refused = rig.send("GET", JOBS, **{"X-Auth-Token": token})

    assert (refused.status_code, refused.json()["error_code"]) == (401, "ModelArts.0212")


def test_saved_configurations(rig: Any) -> None:
    """Made, listed, shown, changed, removed."""
    path = "/v1/{p}/training-job-configs"
    config = body_of(rig)["config"]
    assert rig.post(path, {"config_name": "one", "config_desc": "d", **config}) == {"is_success": True}
    rig.post(path, {"config_name": "two", "worker_server_num": 1})
    assert [item["config_name"] for item in rig.get(path)["configs"]] == ["two", "one"]
    assert rig.get(f"{path}?config_type=sample")["configs"] == []
    shown = rig.get(f"{path}/one")
    assert (shown["engine_name"], shown["spec_code"], shown["app_url"]) == (
        "TensorFlow",
        "modelarts.vm.cpu.2u",
        config["app_url"],
    )
    rig.call("PUT", f"{path}/one", {"config_desc": "e"})
    assert "app_url" not in rig.get(f"{path}/one")
    rig.call("DELETE", f"{path}/one")
    assert rig.get(f"{path}/one", 404)["error_code"] == "ModelArts.0105"
    assert rig.post(path, {"config_name": "two"}, 400)["error_code"] == "ModelArts.0105"


def test_visualization(rig: Any) -> None:
    """Made, listed, stopped, restarted, removed."""
    path = "/v1/{p}/visualization-jobs"
    schedule = [{"type": "stop", "time_unit": "HOURS", "duration": 2}]
    made = rig.post(path, {"job_name": "look", "train_url": rig.place("out"), "schedule": schedule})
    one = f"{path}/{made['job_id']}"
    assert made["status"] == 8
    assert 0 < rig.get(one)["remaining_duration"] <= 7200_000
    assert rig.post(f"{one}/restart", None, 400)["error_code"] == "ModelArts.0105"
    rig.post(f"{one}/stop")
    assert "status: 12" in rig.post(f"{one}/stop", None, 400)["error_message"]
    rig.post(f"{one}/restart")
    rig.call("PUT", one, {"job_desc": "x"})
    assert rig.get(path)["jobs"][0]["job_desc"] == "x"
    assert rig.call("DELETE", one) == {"is_success": True}
    assert rig.get(path)["job_total_count"] == 0


def test_built_in_algorithms(rig: Any) -> None:
    """They are listed, and run as far as they can here: they read the data and leave a model."""
    [model] = rig.get("/v1/{p}/built-in-algorithms?search_content=ResNet_v1_50&sortBy=model_name&order=asc")["models"][
        1:
    ]
    assert json.loads(model["parameter"])[0]["label"] == "learning_rate"
    body = body_of(rig, app_url=None, boot_file_url=None, engine_id=None, model_id=model["model_id"])
    assert ended(rig, rig.post(JOBS, body))["status"] == 10
    [(name, content)] = rig.objects(f"{body['job_name']}/out").items()

    assert (name, json.loads(content)["entries"]) == ("V0001/model/model.json", 1)
