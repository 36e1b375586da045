"""Real-time services: deployed, called, changed, watched."""

from __future__ import annotations

import json
import pickle
import socket
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from waiting import within

IMAGES = """
from model_service.pytorch_model_service import PTServingBaseService

class Service(PTServingBaseService):
    def __init__(self, model_name, model_path):
        super().__init__(model_name, model_path)
        self.words = [model_name, open(model_path).read()]

    def _inference(self, data):
        return {field: {name: len(file.read()) for name, file in files.items()} if isinstance(files, dict) else files
                for field, files in data.items()} | {"words": self.words}
"""
SERVICE_OF_TIME = """
import time
from model_service.python_model_service import XgSklServingBaseService

class Service(XgSklServingBaseService):
    def _inference(self, data):
        time.sleep(SECONDS)
"""
PATIENT = """
import os, time
from model_service.python_model_service import XgSklServingBaseService

while not os.path.exists(os.environ["GO"]):
    time.sleep(0.01)

class Service(XgSklServingBaseService):
    def _inference(self, data):
        return data
"""
LINEAR = """
from array import array

class Linear:
    def __init__(self, weights):
        self.weights = weights

    def predict(self, rows):
        return array("d", [sum(x * w for x, w in zip(row, self.weights)) for row in rows])
"""
IMAGES_CONFIG = {
    "model_algorithm": "image_classification",
    "model_type": "PyTorch",
    "apis": [
        {
            "url": "/",
            "method": "post",
            "request": {
                "Content-type": "multipart/form-data",
                "data": {"type": "object", "properties": {"images": {"type": "file"}}},
            },
        }
    ],
}


@pytest.fixture(scope="module")
def echo(desk: Any) -> dict[str, Any]:
    """A running service."""
    found: dict[str, Any] = desk.deployed("echo", envs={"LOG": "1"})
    assert found["status"] == "running", found
    return found


@pytest.fixture(scope="module")
def spare(desk: Any) -> dict[str, Any]:
    """A model that no service has."""
    found: dict[str, Any] = desk.imported("spare")
    return found


def test_a_call_reaches_the_package(desk: Any, echo: dict[str, Any]) -> None:
    """Through its three steps; with the service's variables and without the emulator's secrets."""
    response = desk.predict(echo, {"rows": [1, 2.5, "三"]})

    assert response.status_code == 200
    assert response.headers["Content-Type"] == "application/json"
    envs = {"LOG": "1", "EMULATED_SECRET_KEY": None}
    assert response.json() == {"got": {"rows": [1, 2.5, "三"]}, "model": "echo", "envs": envs}
    assert desk.predict(echo, path="/").status_code == 200


def test_a_deployed_service_is_shown(desk: Any, rig: Any, echo: dict[str, Any]) -> None:
    """With what was asked for, the names of its models and its address."""
    item = echo["config"][0]

    assert echo["access_address"].endswith(f"/v1/infers/{echo['service_id']}")
    assert (echo["infer_type"], echo["progress"], echo["project"]) == ("real-time", 100, rig.project)
    assert item.items() >= desk.part(item["model_id"], envs={"LOG": "1"}).items()
    assert (item["model_name"], item["model_version"], item["status"]) == ("echo", "0.0.1", "ready")
    assert all(isinstance(echo[name], int) for name in ("publish_at", "update_time", "transition_at"))
    assert "error_msg" not in echo


def test_a_form_reaches_the_package(desk: Any) -> None:
    """Files by field and name, other fields as text; a deep learning service gets the file of its weights."""
    found = desk.deployed("forms", service=IMAGES, config=IMAGES_CONFIG, model_type="PyTorch", w__pth="weights")
    files = [("images", ("a.png", b"\r\n--x\r\n" * 9)), ("images", ("三.png", b"")), ("other", ("o", b"1\n"))]
    response = desk.predict(found, files=files, data={"note": "so"})

    assert response.json() == {
        "images": {"a.png": 63, "三.png": 0},
        "other": {"o": 2},
        "note": "so",
        "words": ["forms", "weights"],
    }
    broken = desk.predict(found, data=b"--x\r\n", headers={"Content-Type": "multipart/form-data; boundary=x"})
    assert (broken.status_code, broken.json()["erno"]) == (400, "MR.0105")


def test_access_keys_sign_calls(desk: Any, rig: Any, echo: dict[str, Any]) -> None:
    """With the documented stage, and with an unsigned payload for forms; another signature is refused."""
    path = echo["access_address"].removeprefix(rig.endpoint)
    body = json.dumps({"a": 1}).encode()
    kind = {"content-type": "application/json"}
    good = [
        rig.signed("POST", path, body, **kind, **{"x-stage": "RELEASE"}),
        rig.signed("POST", path, body, **kind, payload="UNSIGNED-PAYLOAD"),
    ]

    assert [answer.json()["got"] for answer in good] == [{"a": 1}, {"a": 1}]
    assert rig.signed("POST", path, body, **kind, **{"x-stage": "TEST"}).json()["error_code"] == "APIG.0101"
    for changes in ({"secret_key": "wrong"}, {"access_key": "unknown"}, {"sent": b"{}"}, {"moment": 1e9}):
        refused = rig.signed("POST", path, body, **kind, **changes)
        assert (refused.status_code, refused.json()["error_code"]) == (401, "APIG.0301")


def test_tokens_of_nobody_are_refused(desk: Any, rig: Any, echo: dict[str, Any]) -> None:
    """None, a wrong one, and one that is good for no project."""
    for token in ("", "MIIwrong"):
        refused = desk.predict(echo, headers={"X-Auth-Token": token})
        assert (refused.status_code, refused.json()["error_code"]) == (401, "APIG.0301")
    body = rig.login_body(domain={"name": rig.keys["domain"]})
    token = rig.send("POST", "/v3/auth/tokens", body).headers["X-Subject-Token"]
    refused = desk.predict(echo, headers={"X-Auth-Token": token})
    assert (refused.status_code, refused.json()["error_code"]) == (401, "ModelArts.0212")


def test_wrong_places_and_methods(desk: Any, echo: dict[str, Any]) -> None:
    """A path that is none of the package's, a service that is none, a method that is not offered."""
    other = echo | {"access_address": echo["access_address"][:-1] + "_"}

    for answer in (desk.predict(echo, path="/more"), desk.predict(other)):
        assert (answer.status_code, answer.json()["error_code"]) == (404, "APIG.0101")
    answer = desk.predict(echo, method="GET")
    assert (answer.status_code, answer.text) == (405, "Method Not Allowed")


def test_a_body_that_is_too_large(desk: Any, echo: dict[str, Any]) -> None:
    """The gateway takes 12 MB."""
    refused = desk.predict(echo, data=bytes((12 << 20) + 1))

    assert (refused.status_code, refused.json()["error_code"]) == (413, "APIG.0201")


def test_errors_of_the_package(desk: Any, echo: dict[str, Any]) -> None:
    """An exception is answered as documented and counted, and the next call is served; so is what is no JSON."""
    before = desk.rested(echo["service_id"])
    refused = desk.predict(echo, {"say": "no"})
    unread = desk.predict(echo, data=b"{", headers={"Content-Type": "application/json"})
    strange = desk.predict(echo, data=b"{}", headers={"Content-Type": "text/plain"})
    served = desk.predict(echo, {"say": "yes"})
    after = desk.rested(echo["service_id"])

    assert refused.status_code == 500
    assert refused.json() == {"erno": "MR.0105", "msg": "ValueError: this is not liked", "words_result": {}}
    assert [answer.status_code for answer in (unread, strange, served)] == [400, 400, 200]
    assert after["status"] == "running"
    assert after["invocation_times"] - before["invocation_times"] == 4
    assert after["failed_times"] - before["failed_times"] == 3


def test_a_process_that_dies_is_started_again(desk: Any) -> None:
    """The call has no answer, the other instance answers, the service is whole again soon."""
    found = desk.deployed("fragile", instance_count=2)
    lost = desk.predict(found, {"say": "die"})
    served = desk.predict(found)

    assert (lost.status_code, lost.json()["error_code"]) == (502, "ModelArts.4302")
    assert served.status_code == 200
    events = lambda: desk.about(found["service_id"], "events?event_type=abnormal")["events"]  # noqa: E731
    assert "1 of 2 instances" in desk.rig.until(events, bool)[0]["event_info"]
    whole = lambda: desk.about(found["service_id"], "monitor")["service_running_instance_count"] == 2  # noqa: E731
    desk.rig.until(whole, bool)
    assert desk.rested(found["service_id"], "running")["config"][0]["status"] == "ready"


def test_a_call_has_its_time(desk: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """What takes too long has no answer; the documents give a call 40 seconds."""
    slow = SERVICE_OF_TIME.replace("SECONDS", "0.5")
    found = desk.deployed("thinking", service=slow)
    monkeypatch.setattr("anyfit_modelarts.emulator.serving.replica.ANSWER_SECONDS", 0.1)
    late = desk.predict(found)

    assert (late.status_code, late.json()["error_code"]) == (503, "ModelArts.4503")
    assert desk.rested(found["service_id"])["failed_times"] == 1


def test_weights_share_the_calls(desk: Any) -> None:
    """Three to one between two versions, evenly spread, and the monitor knows how many each got."""
    models = [desk.imported(f"shared-{part}", model_version=f"0.0.{part}") for part in (1, 2)]
    parts = [
        desk.part(models[0]["model_id"], weight="75", envs={"LOG": "a"}),
        desk.part(models[1]["model_id"], weight=25),
    ]
    found = desk.rested(desk.start_service(desk.service("shared", *parts)))
    answers = [desk.predict(found).json() for _ in range(8)]
    monitor = desk.about(found["service_id"], "monitor")

    assert found["status"] == "running", found
    assert Counter(answer["model"] for answer in answers) == {"shared-1": 6, "shared-2": 2}
    assert {(answer["model"], answer["envs"]["LOG"]) for answer in answers} == {("shared-1", "a"), ("shared-2", None)}
    assert [item["weight"] for item in found["config"]] == [75, 25]
    assert [item["invocation_times"] for item in monitor["monitors"]] == [6, 2]
    assert monitor["req_count_per_min"] == 8
    assert monitor["service_instance_count"] == monitor["service_running_instance_count"] == 2
    figures = monitor["monitors"][0]
    assert (figures["cpu_core_total"], figures["cpu_memory_total"], figures["failed_times"]) == (2, 8192, 0)
    assert figures["cpu_memory_usage"] > 0


def test_stop_and_start(desk: Any) -> None:
    """A stopped service answers nobody; the state that it has already is refused."""
    found = desk.deployed("resting")
    service_id = found["service_id"]

    assert desk.change(service_id, {"status": "running"}, 400)["error_code"] == "ModelArts.3519"
    desk.change(service_id, {"status": "stopped", "config": "of no matter"})
    stopped = desk.rested(service_id, "stopped")
    refused = desk.predict(stopped)
    assert (refused.status_code, refused.json()["error_code"]) == (503, "ModelArts.4503")
    assert stopped["config"][0]["status"] == "notReady"
    assert desk.change(service_id, {"status": "stopped"}, 400)["error_code"] == "ModelArts.3519"
    desk.change(service_id, {"status": "running"})
    assert desk.predict(desk.rested(service_id, "running")).json()["model"] == "resting"


def test_another_configuration(desk: Any, spare: dict[str, Any], tmp_path: Path) -> None:
    """The earlier one answers until the new one does; the log of updates knows both, and one that fails."""
    found = desk.deployed("changing")
    patient = desk.imported("patient", service=PATIENT)
    service_id, old = found["service_id"], found["config"][0]
    part = desk.part(patient["model_id"], envs={"GO": str(tmp_path / "go")})
    desk.change(service_id, {"description": "other", "config": [part]})
    during = desk.predict(found)
    refused = desk.change(service_id, {"config": [desk.part(spare["model_id"])]}, 400)
    (tmp_path / "go").touch()
    changed = desk.rested(service_id, "running")

    assert during.json()["model"] == "changing"
    assert refused["error_code"] == "ModelArts.3519"
    assert (changed["description"], changed["config"][0]["model_name"]) == ("other", "patient")
    assert desk.predict(changed).json() == {}
    broken = desk.imported("unfit", service="raise ImportError('no such module')")
    desk.change(service_id, {"config": [desk.part(broken["model_id"])]})
    failed = desk.rested(service_id, "failed")
    logs = desk.about(service_id, "logs")
    assert "no such module" in failed["error_msg"]
    assert [log["result"] for log in logs["logs"]] == ["FAIL", "SUCCESS", "SUCCESS"]
    assert logs["logs"][2]["config"][0]["model_id"] == old["model_id"]
    moment = logs["logs"][1]["update_time"]
    assert desk.about(service_id, f"logs?update_time={moment}")["logs"] == [logs["logs"][1]]
    desk.change(service_id, {"config": [desk.part(old["model_id"])]})
    assert desk.rested(service_id, "running")["config"][0]["model_name"] == "changing"


def test_a_stopped_service_is_configured_for_later(desk: Any, spare: dict[str, Any]) -> None:
    """It stays stopped, and starts with what it was told."""
    service_id = desk.deployed("later")["service_id"]
    desk.change(service_id, {"status": "stopped"})
    desk.rested(service_id, "stopped")
    desk.change(service_id, {"config": [desk.part(spare["model_id"])]})

    assert desk.rested(service_id)["status"] == "stopped"
    desk.change(service_id, {"status": "running"})
    assert desk.predict(desk.rested(service_id, "running")).json()["model"] == "spare"


def test_events_tell_the_story(desk: Any, echo: dict[str, Any]) -> None:
    """The five phases in their order; they are filtered and paged."""
    answer = desk.about(echo["service_id"], "events?order=asc")
    texts = [event["event_info"] for event in answer["events"]]

    assert answer["count"] == answer["total_count"] == len(texts)
    phases = ("image of echo 0.0.1 is built", "environment", "scheduled", "pulled", "started")
    assert [any(phase in text for text in texts) for phase in phases] == [True] * 5
    assert {event["event_type"] for event in answer["events"]} == {"normal"}
    moment = answer["events"][0]["occur_time"]
    assert desk.about(echo["service_id"], f"events?end_time={moment - 1}")["count"] == 0
    assert desk.about(echo["service_id"], "events?event_info=pulled")["count"] == 1
    assert desk.about(echo["service_id"], "events?limit=2")["total_count"] == len(texts)


def test_lists(desk: Any, rig: Any, echo: dict[str, Any], spare: dict[str, Any]) -> None:
    """By name, model, state, in order."""

    def found(query: str) -> list[str]:
        return [service["service_name"] for service in rig.get(f"/v1/{{p}}/services?{query}")["services"]]

    model_id = echo["config"][0]["model_id"]
    assert found("service_name=ech") == found(f"model_id={model_id}") == ["echo"]
    assert found(f"service_id={echo['service_id']}&status=running&infer_type=real-time") == ["echo"]
    assert found("service_name=ech&status=failed") == []
    names = found("sort_by=service_name&order=asc")
    assert names == sorted(names)
    assert rig.get("/v1/{p}/services?limit=1")["count"] == 1


def test_a_model_in_use_stays(desk: Any, rig: Any, echo: dict[str, Any]) -> None:
    """It is in the list of those that were not deleted."""
    model_id = echo["config"][0]["model_id"]
    answer = rig.call("DELETE", f"/v1/{{p}}/models/{model_id}?cascade=true")

    assert answer["delete_success_list"] == []
    assert [(item["model_id"], item["error_code"]) for item in answer["delete_failed_list"]] == [
        (model_id, "ModelArts.3009")
    ]


def test_deleting(desk: Any, rig: Any) -> None:
    """Several at once; their models are free then, and their disk space."""
    found = [desk.deployed(name) for name in ("gone-1", "gone-2")]
    ids = [service["service_id"] for service in found]
    assert rig.call("DELETE", f"/v1/{{p}}/services/{','.join(ids)}") == {}
    for service_id in ids:
        path = f"/v1/{{p}}/services/{service_id}"
        rig.until(lambda path=path: rig.send("GET", path).json(), lambda seen: "error_code" in seen)
        assert rig.get(path, status=404)["error_code"] == "ModelArts.3502"
        assert not (rig.room.storage.store.system / "modelarts" / "services" / service_id).exists()

    assert desk.predict(found[0]).status_code == 404
    model_id = found[0]["config"][0]["model_id"]
    assert rig.call("DELETE", f"/v1/{{p}}/models/{model_id}")["delete_success_list"] == [model_id]
    assert rig.call("DELETE", f"/v1/{{p}}/services/{ids[0]}", status=404)["error_code"] == "ModelArts.3502"


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"service": "import no_such_module"}, "No module named 'no_such_module'"),
        ({"service": "x = 1"}, "has no class"),
        ({"service": "class ("}, "SyntaxError"),
        ({"service": None}, "code 1"),  # the built-in handler finds that the model is none
    ],
)
def test_a_deployment_that_fails_says_why(desk: Any, rig: Any, options: dict[str, Any], reason: str) -> None:
    """In the service, in its events, in the history of its configuration; it never had an address."""
    found = desk.deployed(rig.name("failing"), **options)

    assert found["status"] == "failed"
    assert reason in found["error_msg"]
    assert "access_address" not in found
    assert reason in desk.about(found["service_id"], "events?event_type=abnormal")["events"][0]["event_info"]
    assert desk.about(found["service_id"], "logs")["logs"][0]["result"] == "FAIL"


def test_a_service_can_be_stopped_while_it_is_deployed(desk: Any) -> None:
    """Whatever it waits for."""
    model = desk.imported("silent", service="import time; time.sleep(60)")
    service_id = desk.start_service(desk.service("silent", desk.part(model["model_id"])))

    assert desk.rig.get(f"/v1/{{p}}/services/{service_id}")["status"] == "deploying"
    assert desk.change(service_id, {"config": [desk.part(model["model_id"])]}, 400)["error_code"] == "ModelArts.3519"
    desk.change(service_id, {"status": "stopped"})
    assert desk.rested(service_id)["status"] == "stopped"


def test_a_deployment_has_its_time(desk: Any) -> None:
    """What it may take can be told."""
    model = desk.imported("late", service="import time; time.sleep(60)")
    part = desk.part(model["model_id"], deploy_timeout_in_seconds=1)
    found = desk.rested(desk.start_service(desk.service("late", part)))

    assert (found["status"], "after 1 s" in found["error_msg"]) == ("failed", True)


@pytest.mark.parametrize(
    ("changes", "part", "code", "field"),
    [
        ({"service_name": None}, {}, "ModelArts.3036", "service_name"),
        ({"service_name": "a b"}, {}, "ModelArts.3037", "service_name"),
        ({"infer_type": "sometimes"}, {}, "ModelArts.3037", "infer_type"),
        ({"infer_type": "batch"}, {}, "ModelArts.3037", "infer_type"),
        ({"config": []}, {}, "ModelArts.3037", "config"),
        ({"vpc_id": "v"}, {}, "ModelArts.3036", "subnet_network_id"),
        ({"schedule": [{"type": "stop", "time_unit": "WEEKS"}]}, {}, "ModelArts.3036", "schedule[0].duration"),
        ({"load_balancer_policy": "DICE"}, {}, "ModelArts.3037", "load_balancer_policy"),
        ({}, {"weight": 99}, "ModelArts.3037", "weights"),
        ({}, {"weight": "all"}, "ModelArts.3037", "config[0].weight"),
        ({}, {"weight": None}, "ModelArts.3036", "config[0].weight"),
        ({}, {"instance_count": 0}, "ModelArts.3037", "config[0].instance_count"),
        ({}, {"instance_count": 129}, "ModelArts.3037", "config[0].instance_count"),
        ({}, {"specification": "huge"}, "ModelArts.3037", "config[0].specification"),
        ({}, {"specification": "custom"}, "ModelArts.3036", "config[0].custom_spec"),
        ({}, {"specification": "custom", "custom_spec": {"cpu": 1, "memory": 1}}, "ModelArts.3037", "pool"),
        ({}, {"specification": "modelarts.vm.ai1.snt3"}, "ModelArts.3976", "sold out"),
        ({}, {"envs": {"A": 1}}, "ModelArts.3037", "config[0].envs"),
    ],
)
def test_a_bad_body_is_refused(
    desk: Any, rig: Any, spare: dict[str, Any], changes: dict[str, Any], part: dict[str, Any], code: str, field: str
) -> None:
    """With the documented code, naming the field."""
    body = desk.service("refused", desk.part(spare["model_id"]) | part) | changes
    answer = rig.post("/v1/{p}/services", body, status=400)

    assert answer["error_code"] == code
    assert field in answer["error_msg"]


def test_other_refusals(desk: Any, rig: Any, echo: dict[str, Any], spare: dict[str, Any]) -> None:
    """A model that is none or twice there, a name in use, a service that is none."""
    part = desk.part(spare["model_id"], weight=50)

    def code(body: dict[str, Any], status: int) -> str:
        return str(rig.post("/v1/{p}/services", body, status=status)["error_code"])

    assert code(desk.service("new", desk.part("0" * 36)), 404) == "ModelArts.3507"
    assert code(desk.service("new", part, part), 400) == "ModelArts.3516"
    assert code(desk.service("echo", desk.part(spare["model_id"])), 409) == "ModelArts.3503"
    for path in ("", "/events", "/logs", "/monitor"):
        assert rig.get(f"/v1/{{p}}/services/none{path}", status=404)["error_code"] == "ModelArts.3502"
    assert desk.change("none", {"status": "running"}, 404)["error_code"] == "ModelArts.3502"
    assert desk.change(echo["service_id"], {"status": "flying"}, 400)["error_code"] == "ModelArts.3037"


def test_specifications_are_listed(rig: Any) -> None:
    """With what they are made of and whether there are any left."""
    answer = rig.get("/v1/{p}/services/specifications?infer_type=real-time")
    found = {item["specification"]: item for item in answer["specifications"]}

    assert answer["total_count"] == answer["count"] == len(found)
    assert found["modelarts.vm.cpu.2u"]["cpu_info"] == {"arch": "x86", "cpu": 2}
    assert found["modelarts.vm.gpu.t4"]["gpu_info"]["gpu"] == 1
    assert found["modelarts.vm.ai1.snt3"]["spec_status"] == "sellout"
    assert rig.get("/v1/{p}/services/specifications?infer_type=never", status=400)["error_code"] == "ModelArts.3037"


def test_a_scheduled_stop(desk: Any, spare: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """It is told when the service ends by itself, and then it does."""
    stop = {"type": "stop", "time_unit": "MINUTES", "duration": 5}
    body = desk.service("short", desk.part(spare["model_id"]), schedule=[stop])
    found = desk.rested(desk.start_service(body))
    left = found["due_time"] / 1000 - time.time()
    monkeypatch.setattr("anyfit_modelarts.emulator.serving.record._SECONDS", {"MINUTES": 0})
    desk.change(found["service_id"], {"schedule": [stop]})

    assert 290 < left <= 300
    assert desk.rested(found["service_id"], "stopped")["schedule"] == [stop]


def test_an_image_has_a_stand_in(desk: Any) -> None:
    """There is nothing to run, so the answer is empty and well-formed, and an event says so."""
    body = {"model_name": "image", "model_version": "1.0.0", "source_location": "swr.x.com/a/b:1"}
    model = desk.settled(desk.start_import(body | {"model_type": "Image"}))
    found = desk.rested(desk.start_service(desk.service("image", desk.part(model["model_id"]))))

    assert (found["status"], found["config"][0]["status"]) == ("running", "ready")
    assert desk.predict(found).json() == {}
    assert desk.about(found["service_id"], "events?event_info=stand-in")["count"] == 1


def test_the_built_in_handler(desk: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """A model that has `predict` answers for tables without a line of the user's service code."""
    module = ModuleType("linear")
    exec(LINEAR, module.__dict__)
    monkeypatch.setitem(sys.modules, "linear", module)
    found = desk.deployed("table", service=None, linear__py=LINEAR, model__m=pickle.dumps(module.Linear([1, 2])))
    rows = {"data": {"req_data": [{"x1": 3, "x2": 0}, {"x1": 0, "x2": 2}]}}

    assert desk.predict(found, rows).json() == {"data": {"resp_data": [{"predictresult": 3}, {"predictresult": 4}]}}


def test_everything_runs_again(make_desk: Callable[..., Any]) -> None:
    """After a restart: what ran is running, what was stopped stays so, counts and histories go on."""
    desk = make_desk()
    running, stopped = desk.deployed("running"), desk.deployed("stopped")
    desk.change(stopped["service_id"], {"status": "stopped"})
    desk.rested(stopped["service_id"], "stopped")
    desk.predict(running)
    before = {what: desk.about(running["service_id"], what) for what in ("logs", "events")}
    token, port = desk.rig.token, int(running["access_address"].split("/")[2].split(":")[1])
    with within(3):
        desk.rig.close()

    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", port)) != 0
    again = make_desk()
    again.rig.token = token
    found = again.rested(running["service_id"])
    assert found["status"] == "running", found
    assert again.predict(found).json()["model"] == "running"
    assert again.rested(running["service_id"])["invocation_times"] == 2
    assert again.about(running["service_id"], "logs") == before["logs"]
    assert again.about(running["service_id"], "events")["events"][-1] == before["events"]["events"][-1]
    assert again.rested(stopped["service_id"])["status"] == "stopped"
