"""Models and services: really served, signed, weighted, started, stopped, changed, deleted."""

from __future__ import annotations

import base64
import hashlib
import hmac
import socket
import struct
import zlib
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
import requests

from anyfit_modelmaker.emulator.serving.signature import is_signed

DATE = "Tue, 02 Jan 2024 03:04:05 GMT"
SERVER = """
import json, os
from http.server import BaseHTTPRequestHandler, HTTPServer

WEIGHTS = open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "../model/model.txt")).read()

class Handler(BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if body == b"crash":
            os._exit(9)
        answer = {"path": self.path, "model": WEIGHTS, "got": body.decode(), "extra": os.environ.get("EXTRA"),
                  "type": self.headers["Content-Type"]}
        content = json.dumps(answer).encode()
        self.send_response(201)
        self.send_header("Content-Type", "application/json")
        self.send_header("X-Mine", "yes")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *words):
        pass

HTTPServer(("0.0.0.0", PORT), Handler).serve_forever()
"""
OWN_PORT = SERVER.replace("PORT", "int(os.environ['MM_SERVE_PORT'])")


def model(rig: Any, name: str, program: str = OWN_PORT, **members: Any) -> dict[str, Any]:
    """The body of a model whose weights are its name."""
    return {
        "name": name,
        "type": "BASIC_FRAMEWORK",
        "version": "1.0",
        "frameworkId": 500001,
        "modelPath": rig.put_files(f"models/{name}/weights", model__txt=name),
        "codeUrl": rig.put_files(f"models/{name}/serve", predict__py=program),
        "gitInfo": None,
        "startup": "predict.py",
        "callSpecs": None,
    } | members


def service(name: str, *version_ids: int, **members: Any) -> dict[str, Any]:
    """The body of a service."""
    item = {"weight": 100, "resourceId": 500151, "instanceCount": 1, "resourcePoolType": "PUBLIC_POOL"} | members
    models = [item | {"modelVersionId": number} for number in version_ids]
    return {"name": name, "type": "ONLINE_SERVICE", "serviceModels": models}


def deployed(rig: Any, name: str, **options: Any) -> dict[str, Any]:
    """A running service of one model; both have that name."""
    made = rig.post("/v1/model", model(rig, name, **options))
    answer = rig.post("/v1/service", service(name, made["versionId"]))
    assert "errorCode" not in answer, answer
    found: dict[str, Any] = rig.deployed(answer["id"])
    return found


def signed(rig: Any, host: str, content_type: str = "application/json", **changes: str) -> dict[str, str]:
    """Headers as the guide's sample program makes them."""
    names = changes.get("names", "host;content-type;date")
    values = {"host": host, "content-type": content_type, "date": DATE}
    text = "\n".join(values[name] for name in names.lower().split(";"))
    digest = hmac.new(rig.keys["secret_key"].encode(), text.encode(), hashlib.sha1).digest()
    signature = changes.get("signature", base64.b64encode(digest).decode())
    key = changes.get("key", rig.keys["access_key"])
    authorization = f"WS-HMAC-SHA1 AK={key}, SignedHeaders={names}, Signature={signature}"
    return {"Host": host, "Content-Type": content_type, "Date": DATE, "Authorization": authorization}


def predict(rig: Any, found: dict[str, Any], data: bytes = b"[1]", **changes: Any) -> requests.Response:
    """A signed prediction at the service's address."""
    url = found["accessAddress"]
    headers = signed(rig, url.split("/")[2], **changes)
    answer: requests.Response = rig.http.post(url, data=data, headers=headers, timeout=30)
    return answer


@pytest.fixture(scope="module")
def echo(rig: Any) -> dict[str, Any]:
    """A running service."""
    found = deployed(rig, "echo")
    assert found["status"] == "RUNNING", found
    return found


def test_the_reference_vector() -> None:
    """The signature of the reference's example, in both alphabets."""
    headers = {
        "host": "500001.js01infer.wangsucloud.com:10000",
        "content-type": "application/json",
        "date": DATE,
    }
    for signature in ("MlOdnVMl+MBmc2Qe++S/R93wKLo=", "MlOdnVMl-MBmc2Qe--S_R93wKLo="):
        value = f"WS-HMAC-SHA1 AK=ak,SignedHeaders=Host;Content-Type;Date,Signature={signature}"
        assert is_signed(headers | {"authorization": value}, {"ak": "sk-example-10"}.get)


def test_a_prediction_reaches_the_program(rig: Any, echo: dict[str, Any]) -> None:
    """With its body and headers; the answer comes back as the program gave it."""
    response = predict(rig, echo)

    assert response.status_code == 201
    assert response.headers["X-Mine"] == "yes"
    assert response.json() == {
        "path": "/ModelMaker/predict",
        "model": "echo",
        "got": "[1]",
        "extra": None,
        "type": "application/json",
    }


def test_the_gateway_routes_by_host(rig: Any, echo: dict[str, Any]) -> None:
    """The first label of Host selects the service, as in the real one."""
    port = echo["accessAddress"].split("/")[2].split(":")[1]
    url = f"http://127.0.0.1:{port}/ModelMaker/predict"
    answers = [
        rig.http.post(url, data=b"x", headers=signed(rig, f"{host}.js01infer.wangsucloud.com:10000"), timeout=30)
        for host in (echo["id"], 1, "echo")
    ]

    assert [answer.status_code for answer in answers] == [201, 404, 404]


@pytest.mark.parametrize(
    "changes",
    [
        {"signature": "AAAA"},
        {"key": "AKX"},
        {"names": "host;date"},
        {"names": "host"},
    ],
)
def test_a_bad_signature_is_401(rig: Any, echo: dict[str, Any], changes: dict[str, Any]) -> None:
    """Every one of the three headers must be signed, with keys that are known."""
    assert predict(rig, echo, **changes).status_code == 401


def test_no_signature_is_401(rig: Any, echo: dict[str, Any]) -> None:
    """The bare access key of the older guide is no longer enough."""
    for headers in ({}, {"Authorization": rig.keys["access_key"]}):
        assert rig.http.post(echo["accessAddress"], data=b"", headers=headers, timeout=30).status_code == 401


def test_temporary_keys_sign_too(rig: Any, echo: dict[str, Any]) -> None:
    """A client has no others."""
    keys = rig.get("/v1/account/auth-access")["s3"]
    host = echo["accessAddress"].split("/")[2]
    text = f"{host}\ntext/plain\n{DATE}"
    signature = base64.b64encode(hmac.new(keys["sk"].encode(), text.encode(), hashlib.sha1).digest()).decode()
    headers = {
        "Content-Type": "text/plain",
        "Date": DATE,
        "Authorization": f"WS-HMAC-SHA1 AK={keys['ak']},SignedHeaders=host;content-type;date,Signature={signature}",
    }

    assert rig.http.post(echo["accessAddress"], data=b"", headers=headers, timeout=30).status_code == 201


def test_only_post(rig: Any, echo: dict[str, Any]) -> None:
    """Other methods are refused by the gateway."""
    host = echo["accessAddress"].split("/")[2]
    assert rig.http.get(echo["accessAddress"], headers=signed(rig, host), timeout=30).status_code == 405


def test_weights_share_the_requests(rig: Any) -> None:
    """Three to one, evenly spread; each model has its own variables."""
    versions = [rig.post("/v1/model", model(rig, name))["versionId"] for name in ("heavy", "light")]
    body = service("weighted", *versions)
    body["serviceModels"][0] |= {"weight": 75, "envs": [{"name": "EXTRA", "value": "/opt/ai/src"}]}
    body["serviceModels"][1] |= {"weight": 25, "instanceCount": 2}
    found = rig.deployed(rig.post("/v1/service", body)["id"])
    answers = [predict(rig, found).json() for _ in range(8)]

    assert Counter(answer["model"] for answer in answers) == {"heavy": 6, "light": 2}
    assert {answer["extra"] for answer in answers if answer["model"] == "light"} == {None}
    assert all(answer["extra"].endswith("/opt/ai/src") for answer in answers if answer["model"] == "heavy")
    assert found["serviceModels"] == body["serviceModels"]
    rig.call("DELETE", f"/v1/service/{found['id']}", {})


def test_stop_and_start(rig: Any) -> None:
    """A stopped service answers 503 until it is started again; redundant calls succeed and change nothing."""
    found = deployed(rig, "resting")
    path = f"/v1/service/{found['id']}"

    assert rig.post(f"{path}/start") == {"id": found["id"]}
    assert rig.get(path)["status"] == "RUNNING"
    assert rig.post(f"{path}/stop") == {"id": found["id"]}
    assert rig.deployed(found["id"])["status"] == "STOPPED"
    assert rig.post(f"{path}/stop") == {"id": found["id"]}
    assert predict(rig, found).status_code == 503
    assert rig.post(f"{path}/start") == {"id": found["id"]}
    assert rig.deployed(found["id"])["status"] == "RUNNING"
    assert predict(rig, found).json()["model"] == "resting"


def test_update_replaces_and_redeploys(rig: Any) -> None:
    """The id stays, another model answers, also when the service was just stopped."""
    found = deployed(rig, "first")
    other = rig.post("/v1/model", model(rig, "second"))["versionId"]
    path = f"/v1/service/{found['id']}"
    rig.post(f"{path}/stop")

    assert rig.call("PUT", path, service("renamed", other)) == {"id": found["id"]}
    updated = rig.deployed(found["id"])
    assert (updated["status"], updated["name"]) == ("RUNNING", "renamed")
    assert predict(rig, updated).json()["model"] == "second"
    assert "id" in rig.post("/v1/service", service("first", other))


def test_refused_updates_change_nothing(rig: Any, echo: dict[str, Any]) -> None:
    """Neither a wrong body, nor an unknown version, nor a name in use."""
    path = f"/v1/service/{echo['id']}"
    version = echo["serviceModels"][0]["modelVersionId"]
    rig.post("/v1/service", service("taken", version))

    assert rig.call("PUT", path, service("echo", 1))["errorCode"] == 101004
    assert rig.call("PUT", path, {"name": "echo"})["errorCode"] == 1004
    assert rig.call("PUT", path, service("taken", version))["errorCode"] == 103009
    assert rig.post("/v1/service", service("echo", version))["errorCode"] == 103009
    assert rig.post("/v1/service", service("new", 1))["errorCode"] == 101004
    assert rig.get(path) == echo


def test_delete(rig: Any) -> None:
    """The service is gone at once, its program soon; the list knows the others."""
    found = deployed(rig, "short")
    assert found["id"] in [item["id"] for item in rig.get("/v1/service")["services"]]
    assert rig.call("DELETE", f"/v1/service/{found['id']}", {}) == {}

    assert rig.get(f"/v1/service/{found['id']}")["errorCode"] == 103004
    assert found["id"] not in [item["id"] for item in rig.get("/v1/service")["services"]]
    assert predict(rig, found).status_code == 404
    folder = rig.room.storage.store.system / "modelmaker" / "service" / str(found["id"])
    rig.until(lambda: not folder.exists(), bool)


def test_a_program_that_dies_is_502(rig: Any) -> None:
    """The gateway has nobody to ask any more."""
    found = deployed(rig, "fragile")

    assert predict(rig, found, b"crash").status_code == 502
    assert predict(rig, found).status_code == 502


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"program": "print('no such model'); import sys; sys.exit(4)"}, "code 4: no such model"),
        ({"startup": None}, "startup"),
        ({"startup": "moon.py"}, "moon.py"),
        ({"modelPath": "s3://{bucket}/nowhere/"}, "nowhere"),
        ({"codeUrl": None, "gitInfo": {"branch": "b"}}, "gitInfo"),
    ],
)
def test_a_deployment_that_fails_says_why(rig: Any, change: dict[str, Any], reason: str) -> None:
    """DEPLOYING_FAIL and a message; after a repair of the cause `start` tries again."""
    filled = {
        name: value.replace("{bucket}", rig.bucket) if isinstance(value, str) else value
        for name, value in change.items()
    }
    found = deployed(rig, f"failing {reason}", **filled)

    assert found["status"] == "DEPLOYING_FAIL"
    assert reason in found["message"]
    assert rig.post(f"/v1/service/{found['id']}/start") == {"id": found["id"]}
    assert rig.deployed(found["id"])["status"] == "DEPLOYING_FAIL"


def test_a_service_can_be_stopped_while_it_is_deployed(rig: Any) -> None:
    """Whatever it waits for."""
    made = rig.post("/v1/model", model(rig, "silent", program="import time; time.sleep(60)"))
    answer = rig.post("/v1/service", service("silent", made["versionId"]))
    assert rig.get(f"/v1/service/{answer['id']}")["status"] == "DEPLOYING"
    rig.post(f"/v1/service/{answer['id']}/stop")

    assert rig.deployed(answer["id"])["status"] == "STOPPED"


def test_a_program_may_bind_the_vendors_port(rig: Any) -> None:
    """Programs written for the real service listen on 10000 and are found there, while nobody else is."""
    with socket.socket() as probe:
        if probe.connect_ex(("127.0.0.1", 10000)) == 0:  # another program of this machine has it
            return
    found = deployed(rig, "stubborn", program=SERVER.replace("PORT", "10000"))

    assert found["status"] == "RUNNING", found
    assert predict(rig, found).json()["model"] == "stubborn"
    rig.call("DELETE", f"/v1/service/{found['id']}", {})


def test_an_image_has_a_stand_in(rig: Any) -> None:
    """There is nothing to run, so the answer is empty and well-formed."""
    body = {"name": "image", "type": "CUSTOM", "version": "1", "mirrorUrl": "x/y:1", "modelPath": None}
    made = rig.post("/v1/model", body)
    found = rig.deployed(rig.post("/v1/service", service("image", made["versionId"]))["id"])

    assert found["status"] == "RUNNING"
    assert predict(rig, found).json() == {"success": True, "predictions": []}


def test_model_versions(rig: Any) -> None:
    """A name is unique and gets versions, with and without the path's last slash; details show what was sent."""
    body = model(rig, "versioned")
    first = rig.post("/v1/model", body)
    second = rig.post(f"/v1/model/{first['id']}/version/", body | {"version": "2.0"})
    third = rig.post(f"/v1/model/{first['id']}/version", body | {"version": "2.0"})

    assert rig.post("/v1/model", body)["errorCode"] == 101009
    assert first["id"] == second["id"] == third["id"]
    detail = rig.get(f"/v1/model/{first['id']}")
    assert [version["version"] for version in detail["versions"]] == ["1.0", "2.0", "2.0"]
    shown = rig.get(f"/v1/model/version/{second['versionId']}")
    assert shown.items() >= {"id": first["id"], "versionId": second["versionId"], "startup": "predict.py"}.items()
    assert rig.call("DELETE", f"/v1/model/version/{second['versionId']}", {}) == {}
    assert rig.get(f"/v1/model/version/{second['versionId']}")["errorCode"] == 101004
    assert rig.call("DELETE", f"/v1/model/{first['id']}", {}) == {}
    assert rig.get(f"/v1/model/version/{third['versionId']}")["errorCode"] == 101004
    assert first["id"] not in [item["id"] for item in rig.get("/v1/model")["models"]]


def test_a_model_in_use_stays(rig: Any) -> None:
    """Until the service is stopped; a service whose model is gone cannot start."""
    found = deployed(rig, "needed")
    version = rig.get(f"/v1/model/version/{found['serviceModels'][0]['modelVersionId']}")
    paths = (f"/v1/model/version/{version['versionId']}", f"/v1/model/{version['id']}")

    assert [rig.call("DELETE", path, {})["errorCode"] for path in paths] == [101005, 101005]
    rig.post(f"/v1/service/{found['id']}/stop")
    rig.deployed(found["id"])
    assert [rig.call("DELETE", path, {}) for path in paths] == [{}, {}]
    rig.post(f"/v1/service/{found['id']}/start")
    assert rig.deployed(found["id"])["status"] == "DEPLOYING_FAIL"


def png(grey: int) -> bytes:
    """A picture of 12 by 12 points."""
    rows = b"".join(b"\0" + bytes((grey + 7 * (x + y)) % 60 + grey for x in range(12)) for y in range(12))
    chunks = [(b"IHDR", struct.pack(">IIBBBBB", 12, 12, 8, 0, 0, 0, 0)), (b"IDAT", zlib.compress(rows)), (b"IEND", b"")]
    packed = [
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)) for kind, data in chunks
    ]
    return b"\x89PNG\r\n\x1a\n" + b"".join(packed)


def test_the_preset_algorithm_learns_and_serves(rig: Any) -> None:
    """From pictures in folders to labels with probabilities, without a line of the user's code."""
    folders = {"dark": range(0, 60, 6), "light": range(130, 190, 6)}
    for name, greys in folders.items():
        pictures = {f"{number}__png": png(grey) for number, grey in enumerate(greys)}
        rig.put_files(f"pictures/train/{name}", **pictures)
        rig.put_files(f"pictures/test/{name}", a__png=png(greys[0] + 3))
    version = rig.run(
        {
            "name": "classifier",
            "type": "PRESET_ALGORITHM",
            "resourceId": 500050,
            "instance": 1,
            "volumeSize": 1,
            "algorithmId": 500000,
            "parameters": [{"name": "max_number_of_steps", "value": "200"}, {"name": "learning_rate", "value": "0.05"}],
            "modeUrl": None,
            "dataUrl": rig.place("pictures"),
            "output": rig.place("pictures-out"),
        }
    )
    lines = rig.log(version["versionId"])
    losses = [float(line.split("loss = ")[1].split()[0]) for line in lines if "loss = " in line]

    assert version["status"] == "FINISH", lines
    assert losses[-1] < losses[0] / 2
    assert "test accuracy 1.0000" in lines
    body = {
        "name": "classifier",
        "type": "PRESET_MODEL",
        "version": "1",
        "presetModelId": 500000,
        "modelPath": version["output"],
    }
    made = rig.post("/v1/model", body)
    found = rig.deployed(rig.post("/v1/service", service("classifier", made["versionId"]))["id"])
    request = requests.Request("POST", "http://x", files={"image": ("x.png", png(150), "image/png")}).prepare()
    content_type = str(request.headers["Content-Type"])
    assert isinstance(request.body, bytes)
    answer = predict(rig, found, request.body, content_type=content_type).json()
    assert answer["success"] is True
    assert answer["predictions"][0]["label"] == "light"
    assert sum(item["probability"] for item in answer["predictions"]) == pytest.approx(1, abs=1e-3)


def test_other_preset_algorithms_say_that_they_do_not_learn(rig: Any) -> None:
    """Their life cycle is complete all the same."""
    body = {
        "name": "detector",
        "type": "PRESET_ALGORITHM",
        "resourceId": 500050,
        "instance": 1,
        "volumeSize": 1,
        "algorithmId": 500050,
        "dataUrl": rig.put_files("detect/data", train___annotation__json="{}"),
        "output": rig.place("detect/out"),
    }
    version = rig.run(body)

    assert version["status"] == "FINISH"
    assert "nothing is learned" in rig.log(version["versionId"])[-1]
    assert list(rig.objects("detect/out")) == ["model.txt"]


def test_predictions_of_a_stopped_emulator(make_rig: Callable[..., Any]) -> None:
    """Its programs go with it."""
    rig = make_rig()
    found = deployed(rig, "gone")
    port = int(found["accessAddress"].split("/")[2].split(":")[1])
    rig.service.stop()
    rig.room.http.stop()

    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", port)) != 0
