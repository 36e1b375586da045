"""Model services of the newer generation: really served, let in, weighted, scaled, changed, stopped, deleted."""

from __future__ import annotations

import base64
import json
import re
import threading
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
import requests

from processes import is_alive
from waiting import within

MODEL = """
import os
import tiinfer

class Echo(tiinfer.Model):
    def load(self):
        self.name = open(os.path.join(self.model_dir, "model", "name")).read()
        return True

    def preprocess(self, request):
        return request["instances"]

    def predict(self, request):
        if request == ["crash"]:
            os._exit(9)
        return [self.name, request, os.environ.get("EXTRA")]

    def postprocess(self, response):
        return {"predictions": response, "pid": os.getpid()}
"""
SERVER = """
import json, os, sys
from http.server import BaseHTTPRequestHandler, HTTPServer

class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        self.answer(self.path)

    def do_POST(self):
        self.answer(self.rfile.read(int(self.headers["Content-Length"])).decode())

    def answer(self, text):
        known = {name: os.environ.get(name) for name in ("TI_MODEL_DIR", "EXTRA")}
        content = json.dumps({"got": text, "path": self.path, "files": sorted(os.listdir(sys.argv[2]))} | known)
        self.send_response(201 if self.path.startswith("/mine") else 200)
        self.send_header("X-Mine", "yes")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content.encode())

    def log_message(self, *words):
        print("asked", self.path, flush=True)

HTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
"""
COMMAND = "exec python3 /data/model/server.py 8501 /data/model"
IMAGE = {"ImageType": "PRESET", "ImageUrl": "ccr.ccs.tencentyun.com/ti/pytorch:1.12.1"}
PREPAID = {"ChargeType": "PREPAID", "ResourceGroupId": "rsg-emulated", "Resources": {"Cpu": 1000, "Memory": 1024}}
OWN_IMAGE = {"ImageType": "CCR", "ImageUrl": "ccr.ccs.tencentyun.com/me/server:1"}


def put(rig: Any, prefix: str, files: dict[str, str]) -> dict[str, Any]:
    """Objects below a prefix; answers the place as requests name it."""
    for name, content in files.items():
        file = Path(rig.room.storage.store.directory, rig.bucket, prefix, name)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(content)
    rig.room.storage.store.adopt(rig.bucket, prefix)
    return {"Bucket": rig.bucket, "Region": "ap-guangzhou", "Paths": [prefix + "/"]}


def model(rig: Any, name: str, program: str = MODEL) -> dict[str, Any]:
    """A model package that lies in COS and knows its name."""
    place = put(rig, f"models/{name}", {"model_service.py": program, "model/name": name})
    return {"ModelVersionId": "", "CosPathInfo": place}


def order(rig: Any, **members: Any) -> dict[str, Any]:
    """The body of a service with a built-in image."""
    name = rig.name("service")
    return {
        "ServiceGroupName": name,
        "ChargeType": "POSTPAID_BY_HOUR",
        "InstanceType": "TI.S.MEDIUM.POST",
        "ImageInfo": IMAGE,
        "ModelInfo": model(rig, name) if "ModelInfo" not in members else None,
        "ScaleMode": "MANUAL",
        "Replicas": 1,
    } | members


def describe(rig: Any, service_id: str) -> dict[str, Any]:
    """A service as it is now."""
    found: dict[str, Any] = rig.call("DescribeModelService", {"ServiceId": service_id})["Service"]
    return found


def settled(rig: Any, service_id: str) -> dict[str, Any]:
    """A service that is not on its way any more."""
    moving = ("", "CREATING", "Pending", "Waiting", "Stopping")
    found: dict[str, Any] = rig.until(
        lambda: describe(rig, service_id),
        lambda seen: seen["Status"] not in moving and seen["BusinessStatus"] != "CREATING",
    )
    return found


def end(rig: Any, service: dict[str, Any]) -> None:
    """Remove a service with its group, which has to be stopped for that."""
    rig.call("ModifyModelService", {"ServiceId": service["ServiceId"], "ServiceAction": "STOP"})
    rig.until(lambda: describe(rig, service["ServiceId"]), lambda seen: seen["Status"] == "Stopped")
    rig.call("DeleteModelServiceGroup", {"ServiceGroupId": service["ServiceGroupId"]})


def created(rig: Any, **members: Any) -> dict[str, Any]:
    """A service, once it is settled."""
    made = rig.call("CreateModelService", order(rig, **members))["Service"]
    return settled(rig, made["ServiceId"])


def serving(rig: Any, **members: Any) -> dict[str, Any]:
    """A service that can be called."""
    seen = created(rig, **members)
    assert seen["Status"] == "Normal", seen
    return seen


def endpoint(rig: Any, service: dict[str, Any]) -> str:
    """Where its group is called."""
    info = rig.call("DescribeModelServiceCallInfo", {"ServiceGroupId": service["ServiceGroupId"]})
    found: str = info["ServiceCallInfoV2"]["InternetEndpoint"]
    return found


def predict(rig: Any, service: dict[str, Any], *instances: Any, **headers: str) -> requests.Response:
    """One prediction."""
    url = endpoint(rig, service) + "/v1/models/m:predict"
    answer: requests.Response = rig.http.post(url, json={"instances": list(instances)}, headers=headers, timeout=30)
    return answer


@pytest.fixture(scope="module")
def echo(rig: Any) -> dict[str, Any]:
    """A service with the built-in inference server."""
    return serving(rig, Env=[{"Name": "EXTRA", "Value": "/data/model/x"}])


@pytest.fixture(scope="module")
def own(rig: Any) -> dict[str, Any]:
    """A service with a start command of its own."""
    place = put(rig, "models/own", {"server.py": SERVER})
    return serving(rig, ImageInfo=OWN_IMAGE, ModelInfo={"ModelVersionId": "", "CosPathInfo": place}, Command=COMMAND)


def test_what_creating_answers(rig: Any) -> None:
    """Ids as documented, and nothing known of the instances yet."""
    made = rig.call("CreateModelService", order(rig))["Service"]

    assert re.fullmatch(r"ms-[a-z0-9]{8}", made["ServiceGroupId"])
    assert made["ServiceId"] == made["ServiceGroupId"] + "-1"
    assert (made["BusinessStatus"], made["Status"], made["Weight"]) == ("CREATING", "", 100)
    assert made["ServiceInfo"]["Status"] is None

    end(rig, made)


def test_a_model_package_is_served(rig: Any, echo: dict[str, Any]) -> None:
    """By the inference server: load, preprocess, predict, postprocess, with the user's variables."""
    answer = predict(rig, echo, 1, "训").json()

    assert answer["predictions"][:2] == [echo["ServiceGroupName"], [1, "训"]]
    assert answer["predictions"][2].endswith("/data/model/x")
    assert (echo["BusinessStatus"], echo["CreateFailedReason"]) == ("BILLING", "CREATE_SUCCEED")
    status = echo["ServiceInfo"]["Status"]
    assert (status["Status"], status["Replicas"], status["AvailableReplicas"]) == ("Normal", 1, 1)
    (pod,) = echo["ServiceInfo"]["PodInfos"]
    assert pod["Name"].startswith(echo["ServiceId"] + "-")
    assert pod["ContainerInfos"][0]["Status"]["Ready"] is True


def test_the_pages_of_the_inference_server(rig: Any, echo: dict[str, Any]) -> None:
    """Health and metadata with GET; what is no JSON, and what has no route, is refused."""
    url = endpoint(rig, echo)
    statuses = {path: rig.http.get(url + path, timeout=30).status_code for path in ("", "/", "/v1/models/m", "/x")}

    assert statuses == {"": 200, "/": 200, "/v1/models/m": 200, "/x": 404}
    assert rig.http.post(url + "/v1/models/m:predict", data=b"{", timeout=30).status_code == 400
    assert rig.http.post(url + "/v1/models/m:predict", json={}, timeout=30).status_code == 500
    assert rig.http.post(url + "/elsewhere", json={}, timeout=30).status_code == 404


def test_a_start_command_of_the_users_own(rig: Any, own: dict[str, Any]) -> None:
    """It sees the container's paths and port; path, query, status and headers go through the gateway."""
    answer = rig.http.post(endpoint(rig, own) + "/mine/too?a=1", data=b"hello", timeout=30)

    assert answer.status_code == 201
    assert answer.headers["X-Mine"] == "yes"
    seen = answer.json()
    assert (seen["got"], seen["path"], seen["files"]) == ("hello", "/mine/too?a=1", ["server.py"])
    assert seen["TI_MODEL_DIR"].endswith("/data/model")


def test_a_command_in_base64_wins(rig: Any) -> None:
    """Over the plain one."""
    place = put(rig, "models/base64", {"server.py": SERVER})
    seen = serving(
        rig,
        ImageInfo=OWN_IMAGE,
        ModelInfo={"ModelVersionId": "", "CosPathInfo": place},
        Command="exit 7",
        CommandBase64=base64.b64encode(COMMAND.replace("8501", "9000").encode()).decode(),
        ServicePort=9000,
        HealthProbe={
            "ReadinessProbe": {"ProbeAction": {"ActionType": "HTTPGet", "HTTPGet": {"Path": "/ok", "Port": 9000}}}
        },
    )

    assert rig.http.get(endpoint(rig, seen) + "/x", timeout=30).json()["path"] == "/x"
    assert rig.call("DescribeModelService", {"ServiceId": seen["ServiceId"]})["Service"]["ServiceInfo"]["ServicePort"]


def test_a_mounted_file_system(rig: Any) -> None:
    """Two versions of a service see the same one."""
    (Path(rig.room.storage.store.system) / "ti" / "cfs" / "cfs-1" / "srv").mkdir(parents=True)
    (Path(rig.room.storage.store.system) / "ti" / "cfs" / "cfs-1" / "srv" / "server.py").write_text(SERVER)
    volume = {"VolumeSourceType": "CFS", "CFSConfig": {"Id": "cfs-1", "Path": "/srv"}, "MountPath": "/srv/code"}
    command = "exec python3 /srv/code/server.py 8501 /srv/code"
    seen = serving(rig, ImageInfo=OWN_IMAGE, ModelInfo=None, Command=command, VolumeMounts=[volume])

    assert rig.http.get(endpoint(rig, seen) + "/", timeout=30).json()["files"] == ["server.py"]


def test_a_registered_model_is_served(rig: Any) -> None:
    """By its version's id; it cannot be deleted while it is."""
    name = rig.name("registered")
    made = rig.call(
        "CreateTrainingModel",
        {
            "ImportMethod": "MODEL",
            "ReasoningEnvironmentSource": "SYSTEM",
            "TrainingModelName": name,
            "TrainingModelSource": "COS",
            "TrainingModelCosPath": model(rig, name)["CosPathInfo"],
            "ModelOutputPath": {"Bucket": rig.bucket, "Region": "", "Paths": [f"repo/{name}/"]},
        },
    )
    version = {"TrainingModelVersionId": made["TrainingModelVersionId"]}
    rig.until(
        lambda: rig.call("DescribeTrainingModelVersion", version)["TrainingModelVersion"],
        lambda seen: seen["TrainingModelStatus"] == "STATUS_SUCCESS",
    )
    seen = serving(rig, ModelInfo={"ModelVersionId": version["TrainingModelVersionId"]})

    assert predict(rig, seen, 1).json()["predictions"][0] == name
    assert rig.refusal("DeleteTrainingModelVersion", version) == "OperationDenied.NotAllow"

    one = {"ServiceId": seen["ServiceId"]}
    rig.call("ModifyModelService", one | {"ServiceAction": "STOP"})
    rig.call("DeleteTrainingModelVersion", version)
    assert rig.refusal("ModifyModelService", one | {"ServiceAction": "RESUME"}) == "ResourceNotFound.NoModel"
    end(rig, seen)


def test_what_a_task_trained_is_served(rig: Any) -> None:
    """The output of a training task becomes a model, and that a service; its log and events can be read."""
    program = MODEL.replace("return True", "print('loaded', flush=True); return True")
    write = "mkdir -p /opt/ml/output/model && cp -r * /opt/ml/output && printf trained > /opt/ml/output/model/name"
    code = put(rig, "code/trained", {"model_service.py": program})
    task = rig.finish(rig.task(write, CodePackagePath=code))
    assert task["Status"] == "SUCCEED", task
    made = rig.call(
        "CreateTrainingModel",
        {
            "ImportMethod": "MODEL",
            "ReasoningEnvironmentSource": "SYSTEM",
            "TrainingModelName": rig.name("trained"),
            "TrainingModelSource": "JOB",
            "TrainingJobId": task["Id"],
        },
    )
    seen = serving(rig, ModelInfo={"ModelVersionId": made["TrainingModelVersionId"]})
    asked = {"Service": "INFER", "ServiceId": seen["ServiceId"], "Order": "ASC"}
    pod = {"Service": "INFER", "PodName": seen["ServiceInfo"]["PodList"][0][:-3] + "*"}
    lines = rig.until(lambda: rig.call("DescribeLogs", asked)["Content"], bool)  # it may listen before it is heard
    of_pod = rig.call("DescribeLogs", pod)["Content"]
    events = rig.call("DescribeEvents", asked)["Events"]

    assert predict(rig, seen, 1).json()["predictions"][0] == "trained"
    assert [line["Message"] for line in lines] == ["loaded"]
    assert of_pod == lines
    assert lines[0]["PodName"] == seen["ServiceInfo"]["PodList"][0]
    assert [event["Message"] for event in events][-1] == "Container infer is ready"


def test_callbacks(rig: Any) -> None:
    """The user's server hears of what was asked for once it is done."""
    heard: list[dict[str, Any]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            heard.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *words: Any) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_port}/hook"
        seen = serving(rig, CallbackUrl=url)
        rig.call("ModifyModelService", {"ServiceId": seen["ServiceId"], "ServiceAction": "STOP"})
        settled(rig, seen["ServiceId"])
        failed = created(rig, ImageInfo=OWN_IMAGE, ModelInfo=None, CallbackUrl=url)
        rig.until(lambda: heard, lambda told: len(told) >= 3)
        server.shutdown()

    told = {(one["id"], one["taskName"], one["code"], one["projectName"]) for one in heard}
    assert told == {
        (seen["ServiceId"], "CreateModelService", 0, "ems"),
        (seen["ServiceId"], "Stop", 10002, "ems"),
        (failed["ServiceId"], "CreateModelService", 10000, "ems"),
    }


STAGES = """
import tiinfer

class Add:
    def forward(self, data):
        return {"x": data["x"] + 1}

class Double:
    def forward(self, data):
        return {"x": data["x"] * 2}

tiinfer.append_worker(Add, num=2)
tiinfer.append_worker(Double)
"""


def test_a_pipeline_of_workers(rig: Any) -> None:
    """Each gets what the one before answered."""
    seen = serving(rig, ModelInfo=model(rig, "stages", STAGES))

    assert rig.http.post(endpoint(rig, seen) + "/v1/models/m:predict", json={"x": 3}, timeout=30).json() == {"x": 8}


def test_tokens(rig: Any) -> None:
    """Raw or as a bearer; 401 without, with a wrong one, with one that was deleted or reset."""
    seen = serving(rig, AuthorizationEnable=True)
    group = {"ServiceGroupId": seen["ServiceGroupId"]}

    def tokens() -> dict[str, str]:
        info = rig.call("DescribeModelServiceCallInfo", group)["ServiceCallInfoV2"]
        return {token["Base"]["Name"]: token["Base"]["Value"] for token in info["AuthTokens"]}

    def status(*given: str) -> list[int]:
        return [predict(rig, seen, 1, Authorization=token).status_code for token in given]

    first = tokens()["default"]
    assert predict(rig, seen, 1).status_code == 401
    assert status(first, f"Bearer {first}", "wrong") == [200, 200, 401]

    rig.call("CreateModelServiceAuthToken", group | {"Name": "second", "Description": "for tests"})
    second = tokens()["second"]
    rig.call("DeleteModelServiceAuthToken", group | {"AuthTokenValue": first})
    assert status(first, second) == [401, 200]

    change = {"AuthToken": {"Base": {"Value": second, "Name": "renamed"}, "Limits": []}, "NeedReset": True}
    rig.call("ModifyModelServiceAuthToken", group | change)
    assert status(second, tokens()["renamed"]) == [401, 200]
    gone = group | {"AuthTokenValue": second}
    assert rig.refusal("DeleteModelServiceAuthToken", gone) == "FailedOperation.InvalidAuthToken"

    rig.call("ModifyModelServiceAuthorization", group | {"AuthorizationEnable": False})
    assert predict(rig, seen, 1).status_code == 200
    assert rig.call("DescribeModelServiceGroup", group)["ServiceGroup"]["AuthTokens"] == []


def test_weights_share_the_requests(rig: Any) -> None:
    """Three to one, evenly spread; a new version gets none until it is given some."""
    first = serving(rig)
    group = {"ServiceGroupId": first["ServiceGroupId"]}
    second = serving(rig, ServiceGroupName="", NewVersion=True, ModelInfo=model(rig, "light"), **group)
    assert second["ServiceId"] == first["ServiceGroupId"] + "-2"
    names = {predict(rig, first, 1).json()["predictions"][0] for _ in range(3)}
    assert names == {first["ServiceGroupName"]}

    weights = [{"ServiceId": first["ServiceId"], "Weight": 75}, {"ServiceId": second["ServiceId"], "Weight": 25}]
    rig.call("ModifyServiceGroupWeights", group | {"Weights": weights})
    answers = Counter(predict(rig, first, 1).json()["predictions"][0] for _ in range(8))
    seen = rig.call("DescribeModelServiceGroup", group)["ServiceGroup"]

    assert answers == {first["ServiceGroupName"]: 6, "light": 2}
    assert [service["Weight"] for service in seen["Services"]] == [75, 25]
    assert (seen["ServiceCount"], seen["RunningServiceCount"], seen["LatestVersion"]) == (2, 2, "2")
    for wrong in ([{"ServiceId": "ms-x-1", "Weight": 100}], [{"ServiceId": first["ServiceId"], "Weight": 10}]):
        refused = rig.refusal("ModifyServiceGroupWeights", group | {"Weights": wrong})
        assert refused == "InvalidParameterValue"

    rig.call("ModifyModelService", {"ServiceId": second["ServiceId"], "ServiceAction": "STOP"})
    settled(rig, second["ServiceId"])
    rig.call("DeleteModelService", {"ServiceId": second["ServiceId"]})
    assert {predict(rig, first, 1).json()["predictions"][0] for _ in range(4)} == {first["ServiceGroupName"]}


def test_scaling(rig: Any) -> None:
    """More instances answer; fewer do afterwards; the first one is not started anew."""
    seen = serving(rig)
    scale = {"ServiceId": seen["ServiceId"], "ServiceAction": "SCALE"}
    rig.call("ModifyModelService", scale | {"Replicas": 2, "Command": "ignored"})
    scaled = settled(rig, seen["ServiceId"])
    pids = {predict(rig, seen, 1).json()["pid"] for _ in range(4)}

    assert scaled["ServiceInfo"]["Status"]["AvailableReplicas"] == 2
    assert set(seen["ServiceInfo"]["PodList"]) < set(scaled["ServiceInfo"]["PodList"])
    assert len(pids) == 2

    rig.call("ModifyModelService", scale | {"Replicas": 1})
    assert settled(rig, seen["ServiceId"])["ServiceInfo"]["PodList"] == seen["ServiceInfo"]["PodList"]


def test_a_resource_group(rig: Any) -> None:
    """What was paid for in advance is created, not charged; resources are told as they were asked for."""
    seen = serving(rig, **PREPAID, InstanceType=None)
    other = serving(rig, InstanceType="TI.GN7.LARGE20.POST")

    assert (seen["BusinessStatus"], seen["ChargeType"]) == ("CREATE_SUCCEED", "PREPAID")
    assert seen["ServiceInfo"]["Resources"] == PREPAID["Resources"]
    told = other["ServiceInfo"]["Resources"]
    assert (told["Cpu"], told["Memory"], told["Gpu"], told["RealGpu"]) == (4000, 20480, 100, 25)


def test_a_scaler_begins_with_the_fewest(rig: Any) -> None:
    """And its settings are told again."""
    scaler = {"MinReplicas": 2, "MaxReplicas": 3, "HpaMetrics": [{"Name": "cpu-util", "Value": 50}]}
    seen = serving(rig, ScaleMode="AUTO", HorizontalPodAutoscaler=scaler, ScaleStrategy="HPA")

    assert seen["ServiceInfo"]["Replicas"] == 2
    assert seen["ServiceInfo"]["HorizontalPodAutoscaler"] == scaler


def test_stopping_and_starting(rig: Any) -> None:
    """A stopped service answers 503 and has no instance; only then may it be deleted."""
    seen = serving(rig)
    one = {"ServiceId": seen["ServiceId"]}
    assert rig.refusal("DeleteModelService", one) == "OperationDenied.NotAllow"

    extra = {"ScaleMode": "MANUAL", "Replicas": 1, "LogEnable": False}
    rig.call("ModifyModelService", one | extra | {"ServiceAction": "STOP"})
    stopped = settled(rig, seen["ServiceId"])
    assert (stopped["Status"], stopped["ServiceInfo"]["Replicas"]) == ("Stopped", 0)
    assert stopped["ServiceInfo"]["OldReplicas"] == 1
    assert predict(rig, seen, 1).status_code == 503

    rig.call("ModifyModelService", one | extra | {"ServiceAction": "RESUME"})
    assert settled(rig, seen["ServiceId"])["Status"] == "Normal"
    assert predict(rig, seen, 1).status_code == 200

    rig.call("ModifyModelService", one | {"ServiceAction": "STOP"})
    settled(rig, seen["ServiceId"])
    rig.call("DeleteModelService", one)
    assert rig.refusal("DescribeModelService", one) == "ResourceNotFound"
    group = {"ServiceGroupId": seen["ServiceGroupId"]}
    assert rig.refusal("DescribeModelServiceGroup", group) == "ResourceNotFound"


def test_stopping_takes_its_time(rig: Any, tmp_path: Path) -> None:
    """A service is deleted neither by itself nor with its group while it runs, nor before the last instance ended."""
    gate, up = tmp_path / "gate", tmp_path / "up"
    words = f"trap 'until [ -e {gate} ]; do sleep 0.02; done; exit' TERM; touch {up}; while :; do sleep 0.02; done"
    made = rig.call("CreateModelService", order(rig, ImageInfo=OWN_IMAGE, Command=words))["Service"]
    one, group = {"ServiceId": made["ServiceId"]}, {"ServiceGroupId": made["ServiceGroupId"]}

    def refusals() -> set[str]:
        return {rig.refusal("DeleteModelService", one), rig.refusal("DeleteModelServiceGroup", group)}

    rig.until(up.exists, bool)
    running = refusals()
    rig.call("ModifyModelService", one | {"ServiceAction": "STOP"})

    assert describe(rig, made["ServiceId"])["Status"] == "Stopping"
    assert running == refusals() == {"OperationDenied.NotAllow"}
    gate.touch()
    rig.until(lambda: describe(rig, made["ServiceId"]), lambda seen: seen["Status"] == "Stopped")
    rig.call("DeleteModelServiceGroup", group)
    assert rig.refusal("DescribeModelServiceGroup", group) == "ResourceNotFound"


def test_another_model_comes_without_a_pause(rig: Any, tmp_path: Path) -> None:
    """The old instances answer until the new ones are ready."""
    seen = serving(rig)
    url = endpoint(rig, seen) + "/v1/models/m:predict"
    gate = tmp_path / "gate"
    slow = MODEL.replace("return True", f"\n        while not os.path.exists({str(gate)!r}): pass\n        return True")
    rig.call("ModifyModelService", {"ServiceId": seen["ServiceId"], "ModelInfo": model(rig, "next", slow)})

    def answering() -> str:
        response = rig.http.post(url, json={"instances": [1]}, timeout=30)
        assert response.status_code == 200
        return str(response.json()["predictions"][0])

    assert answering() == seen["ServiceGroupName"]
    gate.touch()
    rig.until(answering, lambda name: name == "next")
    assert settled(rig, seen["ServiceId"])["Status"] == "Normal"


def test_a_change_for_the_worse(rig: Any) -> None:
    """It is Abnormal and says why, while the old instances answer on."""
    seen = serving(rig)
    rig.call("ModifyModelService", {"ServiceId": seen["ServiceId"], "Command": "echo no luck; exit 3"})
    worse = rig.until(lambda: describe(rig, seen["ServiceId"]), lambda seen: seen["Status"] == "Abnormal")

    assert "no luck" in worse["ServiceInfo"]["Status"]["Reason"]
    assert predict(rig, seen, 1).status_code == 200


def test_a_program_that_ends_is_started_again(rig: Any) -> None:
    """The caller at that moment gets 502."""
    seen = serving(rig)

    assert predict(rig, seen, "crash").status_code == 502
    again = rig.until(
        lambda: describe(rig, seen["ServiceId"]),
        lambda seen: (
            seen["Status"] == "Normal"
            and seen["ServiceInfo"]["PodInfos"][0]["ContainerInfos"][0]["Status"]["RestartCount"] == 1
        ),
    )
    assert again["ServiceInfo"]["PodList"] == seen["ServiceInfo"]["PodList"]
    assert predict(rig, seen, 1).status_code == 200


@pytest.mark.parametrize(
    ("members", "why"),
    [
        ({"ModelInfo": None}, "no start command"),
        ({"Command": "true", "ModelInfo": {"CosPathInfo": {"Bucket": "b-1", "Paths": ["x/"]}}}, "b-1"),
    ],
)
def test_what_can_never_be_started(rig: Any, members: dict[str, Any], why: str) -> None:
    """Its creation fails, with the reason."""
    seen = created(rig, ImageInfo=OWN_IMAGE, **members)

    assert (seen["Status"], seen["BusinessStatus"]) == ("CREATE_FAILED", "CREATE_FAILED")
    assert why in seen["CreateFailedReason"]

    rig.call("DeleteModelService", {"ServiceId": seen["ServiceId"]})


BROKEN = MODEL.replace("return True", "return None")


def test_a_program_that_does_not_start(rig: Any) -> None:
    """Is Abnormal, and its last words are told."""
    made = rig.call("CreateModelService", order(rig, ModelInfo=model(rig, "broken", BROKEN)))["Service"]
    seen = rig.until(lambda: describe(rig, made["ServiceId"]), lambda seen: seen["Status"] == "Abnormal")

    assert "load() did not return True" in seen["ServiceInfo"]["Status"]["Reason"]
    assert predict(rig, seen, 1).status_code == 503

    end(rig, seen)


def test_what_a_model_requires_is_installed(rig: Any) -> None:
    """Nothing where Python has it already; what cannot be installed is a failed creation."""
    good, bad = model(rig, "required"), model(rig, "unheard")
    put(rig, "models/required", {"requirements.txt": "attrs\n"})
    put(rig, "models/unheard", {"requirements.txt": "-r nowhere.txt\n"})
    seen, failed = serving(rig, ModelInfo=good), created(rig, ModelInfo=bad)

    assert predict(rig, seen, 1).status_code == 200
    assert failed["Status"] == "CREATE_FAILED"
    assert "requirements.txt" in failed["CreateFailedReason"]


def test_the_limit_of_requests(rig: Any) -> None:
    """What is too much in a second gets 429."""
    limit = {"EnableInstanceRpsLimit": True, "InstanceRpsLimit": 1}
    seen = serving(rig, ServiceLimit=limit)
    url = endpoint(rig, seen) + "/v1/models/m"

    def burst() -> set[int]:
        with ThreadPoolExecutor(8) as pool:
            return set(pool.map(lambda _: requests.get(url, timeout=30).status_code, range(8)))

    assert rig.until(burst, lambda statuses: 429 in statuses) <= {200, 429}


TENSORFLOW = """
from pathlib import Path
from types import SimpleNamespace

class Function:
    structured_input_signature = ((), {"x": SimpleNamespace(dtype=SimpleNamespace(name="float32"))})

    def __init__(self, factor):
        self.factor = factor

    def __call__(self, x):
        return {"y": [self.factor * number for number in x]}

def load(folder):
    factor = int(Path(folder, "variables", "factor").read_text())
    return SimpleNamespace(signatures={"serving_default": Function(factor)})

def constant(value, dtype):
    assert dtype.name == "float32"
    return value

saved_model = SimpleNamespace(load=load)
"""


def test_a_saved_model_and_its_hot_update(rig: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The highest version is served, with TensorFlow (its place is taken here by a module that multiplies)."""
    (tmp_path / "tensorflow.py").write_text(TENSORFLOW)
    monkeypatch.syspath_prepend(str(tmp_path))
    place = put(rig, "models/saved", {"1/variables/factor": "2", "1/saved_model.pb": ""})
    seen = serving(
        rig,
        ModelInfo={"ModelVersionId": "", "CosPathInfo": place},
        ModelHotUpdateEnable=True,
        Env=[{"Name": "PYTHONPATH", "Value": str(tmp_path)}],
    )
    url = endpoint(rig, seen) + "/v1/models/m"
    answers = [
        rig.http.post(url + ":predict", json=body, timeout=30).json()
        for body in ({"instances": [1, 2]}, {"instances": [{"x": 3}]}, {"inputs": [4]}, {"inputs": {"x": [5]}}, {})
    ]
    metadata = rig.http.get(url + "/metadata", timeout=30).json()

    assert answers[:4] == [{"predictions": [2, 4]}, {"predictions": [6]}, {"outputs": [8]}, {"outputs": [10]}]
    assert "instances" in answers[4]["error"]
    assert metadata["model_spec"] == {"name": "m", "version": "1"}
    assert metadata["metadata"]["signature_def"]["signature_def"]["serving_default"]["inputs"].keys() == {"x"}

    put(rig, "models/saved", {"2/variables/factor": "3", "2/saved_model.pb": ""})
    assert rig.until(lambda: predict(rig, seen, 1).json(), lambda answer: answer == {"predictions": [3]})


CHAT = """
import json, sys
from http.server import BaseHTTPRequestHandler, HTTPServer

class Handler(BaseHTTPRequestHandler):
    def do_POST(self):
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        words = asked["messages"][-1]["content"]
        answer = {"id": "chat-1", "choices": [{"index": 0, "finish_reason": "stop",
                  "message": {"role": "assistant", "content": f"{words} at {asked['temperature']}"}}],
                  "usage": {"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3}}
        content = json.dumps(answer).encode()
        self.send_response(200 if self.path == "/v1/chat/completions" else 404)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

HTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
"""


def test_chat(rig: Any, echo: dict[str, Any]) -> None:
    """A service that speaks OpenAI's protocol can be talked to through the API."""
    place = put(rig, "models/chat", {"server.py": CHAT})
    seen = serving(rig, ImageInfo=OWN_IMAGE, ModelInfo={"ModelVersionId": "", "CosPathInfo": place}, Command=COMMAND)
    messages = [{"Role": "user", "Content": "hello"}]
    answer = rig.call("ChatCompletion", {"Model": seen["ServiceGroupId"], "Messages": messages})
    other = {"Model": echo["ServiceGroupId"], "Messages": messages}

    assert answer["Choices"][0]["Message"] == {"Role": "assistant", "Content": "hello at 0.7"}
    assert answer["Usage"] == {"CompletionTokens": 2, "PromptTokens": 1, "TotalTokens": 3}
    assert rig.refusal("ChatCompletion", other) == "FailedOperation"


def test_lists(rig: Any, echo: dict[str, Any], own: dict[str, Any]) -> None:
    """Of groups and of services, filtered and in pages."""
    by_name = {"Filters": [{"Name": "ServiceGroupName", "Values": [echo["ServiceGroupName"]]}]}
    found = rig.call("DescribeModelServiceGroups", by_name)
    by_service = {"Filters": [{"Name": "ServiceId", "Values": [own["ServiceId"]]}]}
    services = rig.call("DescribeModelServices", by_service)
    everything = rig.call("DescribeModelServiceGroups", {"Limit": 1, "Order": "ASC"})
    wrong = {"Filters": [{"Name": "Colour", "Values": ["red"]}]}

    assert [group["ServiceGroupId"] for group in found["ServiceGroups"]] == [echo["ServiceGroupId"]]
    assert found["TotalCount"] == 1
    assert found["ServiceGroups"][0]["Services"][0]["ServiceId"] == echo["ServiceId"]
    assert [service["ServiceId"] for service in services["Services"]] == [own["ServiceId"]]
    assert everything["TotalCount"] == everything["GlobalTotalCount"] > 1
    assert len(everything["ServiceGroups"]) == 1
    assert rig.refusal("DescribeModelServiceGroups", wrong) == "InvalidParameterValue.InvalidFilter"
    assert rig.refusal("DescribeModelServiceGroups", {"Limit": 101}) == "InvalidParameterValue.PageLimitExceeded"


def test_the_other_queries(rig: Any, echo: dict[str, Any]) -> None:
    """Hot updates, interfaces, templates."""
    turbo = {"ImageInfo": IMAGE, "ModelInfo": {"ModelVersionId": "", "ModelFormat": "WEB_UI_STABLE_DIFFUSION"}}
    group = {"Filters": [{"Name": "ServiceGroupId", "Values": [echo["ServiceGroupId"]]}]}
    (config,) = rig.call("DescribeAPIConfigs", group)["Details"]

    assert rig.call("DescribeModelServiceHotUpdated", turbo)["ModelTurboFlag"] == "Allowed"
    assert rig.call("DescribeModelServiceHotUpdated", {"ImageInfo": IMAGE})["ModelTurboFlag"] == "Forbidden"
    assert config["RelativeUrl"] == "/v1/models/m:predict"
    assert rig.call("DescribeInferTemplates")["FrameworkTemplates"] is None


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"ServiceGroupName": None}, "MissingParameter"),
        ({"ServiceGroupName": "训"}, "InvalidParameterValue.BadName"),
        ({"ServiceGroupId": "ms-none", "NewVersion": True}, "ResourceNotFound"),
        ({"NewVersion": True}, "MissingParameter"),
        ({"ChargeType": None}, "MissingParameter"),
        ({"ChargeType": "FREE"}, "InvalidParameterValue"),
        ({"InstanceType": None}, "MissingParameter"),
        ({"InstanceType": "TI.HUGE"}, "FailedOperation.UnknownInstanceType"),
        (PREPAID | {"ResourceGroupId": None}, "MissingParameter"),
        (PREPAID | {"ResourceGroupId": "rsg-1"}, "ResourceNotFound.ResourceGroupNotFound"),
        (PREPAID | {"Resources": {"Cpu": 1000}}, "MissingParameter"),
        ({"ImageInfo": None}, "MissingParameter"),
        ({"ImageInfo": IMAGE | {"ImageType": "ZIP"}}, "InvalidParameterValue.ImageIllegal"),
        ({"Replicas": 0}, "InvalidParameterValue"),
        ({"Replicas": "2"}, "InvalidParameter"),
        ({"ScaleMode": "AUTO"}, "MissingParameter"),
        (
            {"ScaleMode": "AUTO", "HorizontalPodAutoscaler": {"MinReplicas": 3, "MaxReplicas": 2}},
            "InvalidParameterValue",
        ),
        ({"ScaleMode": "AUTO", "ScaleStrategy": "CRON"}, "MissingParameter"),
        ({"ModelInfo": {"ModelVersionId": "mv-none"}}, "ResourceNotFound.NoModel"),
        ({"ImageInfo": OWN_IMAGE, "ServicePort": 8501}, "InvalidParameterValue"),
        ({"CommandBase64": "?"}, "InvalidParameterValue"),
        ({"Env": [{"Name": "1 x", "Value": ""}]}, "InvalidParameterValue"),
        ({"LogEnable": True}, "InvalidParameterValue.ClsConfigRequired"),
        ({"VolumeMount": {"VolumeSourceType": "COS"}}, "InvalidParameterValue"),
        ({"VolumeMount": {"CFSConfig": {"Id": "cfs-1", "Path": "/../x"}}}, "InvalidParameterValue.PathIllegal"),
        ({"HealthProbe": {"ReadinessProbe": {"ProbeAction": {"ActionType": "Ping"}}}}, "InvalidParameterValue"),
    ],
)
def test_what_is_refused(rig: Any, changes: dict[str, Any], code: str) -> None:
    """With the code that is documented for it, and nothing is made."""
    before = rig.call("DescribeModelServiceGroups")["TotalCount"]
    body = order(rig, ModelInfo=None) | changes

    assert rig.refusal("CreateModelService", body) == code
    assert rig.call("DescribeModelServiceGroups")["TotalCount"] == before


def test_a_name_is_taken_once(rig: Any, echo: dict[str, Any]) -> None:
    """By service groups."""
    again = order(rig, ServiceGroupName=echo["ServiceGroupName"])

    assert rig.refusal("CreateModelService", again) == "FailedOperation.DuplicateName"


def test_nobody_at_home(rig: Any, echo: dict[str, Any]) -> None:
    """The gateway answers 404 for groups that there are not."""
    base = endpoint(rig, echo).rpartition("/")[0]

    assert rig.http.get(base + "/ms-zzzzzzzz/v1/models/m", timeout=30).status_code == 404
    assert rig.http.get(base + "/elsewhere", timeout=30).status_code == 404


def test_services_survive_a_restart(make_rig: Callable[..., Any]) -> None:
    """What ran runs again, what was stopped stays stopped; tokens and weights are kept."""
    first = make_rig()
    running, stopped = serving(first, AuthorizationEnable=True), serving(first)
    first.call("ModifyModelService", {"ServiceId": stopped["ServiceId"], "ServiceAction": "STOP"})
    settled(first, stopped["ServiceId"])
    group = {"ServiceGroupId": running["ServiceGroupId"]}
    token = first.call("DescribeModelServiceCallInfo", group)["ServiceCallInfoV2"]["AuthToken"]
    first.close()

    second = make_rig()
    assert settled(second, running["ServiceId"])["Status"] == "Normal"
    assert describe(second, stopped["ServiceId"])["Status"] == "Stopped"
    assert predict(second, running, 1, Authorization=token).status_code == 200
    assert predict(second, running, 1).status_code == 401


STUBBORN = MODEL.replace("return True", "__import__('signal').signal(15, 1); return True")


def test_the_end_of_the_emulator_is_the_end_of_all(make_rig: Callable[..., Any]) -> None:
    """Within three seconds, also of programs that will not hear of it."""
    rig = make_rig()
    seen = serving(rig, ModelInfo=model(rig, "stubborn", STUBBORN), Replicas=2)
    pids = {predict(rig, seen, 1).json()["pid"] for _ in range(4)}
    with within(3):
        rig.close()

    assert len(pids) == 2
    assert not [pid for pid in pids if is_alive(pid)]
