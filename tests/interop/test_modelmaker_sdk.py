"""The official ModelMaker SDK, version 2.0.1, lives its whole life against the emulator.

What the published package lacks is put back and nothing else (reference, section 15): its JSON schemas, the name that
its CUSTOM branch assigns to, and the method that `log_v2` calls. Its pauses between polls are shortened.
"""

from __future__ import annotations

import contextlib
import importlib
import importlib.util
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import requests

from anyfit_emulator.emulation import emulate
from anyfit_modelmaker.emulator.service import ModelMakerService

VERSION = "2.0.1"
S3 = {"type": "string", "pattern": "^s3://"}
MAYBE = {"type": ["string", "null"]}
MAYBE_LIST = {"type": ["array", "null"]}
NAME = {"type": "string", "minLength": 1, "maxLength": 64}
COUNT = {"type": "number", "minimum": 1, "maximum": 100}
COMMON = {
    "name": NAME,
    "volumeSize": COUNT,
    "instance": COUNT,
    "resourceId": {"type": ["integer", "null"]},
    "description": {"type": ["string", "null"], "minLength": 1, "maxLength": 128},
    "output": S3,
}


def schema(**properties: Any) -> dict[str, Any]:
    """An object of which every named member is required, as keys."""
    return {"type": "object", "properties": properties, "required": sorted(properties)}


SCHEMAS = {
    "Basic_Framework": schema(
        **COMMON,
        codeUrl={"type": "string"},
        frameworkId={"type": "integer"},
        startup={"type": "string"},
        startupType={"enum": ["NORMAL", "HOROVOD"]},
        parameters=MAYBE_LIST,
        inputFiles=MAYBE_LIST,
        dataUrl={"anyOf": [S3, {"type": "array"}]},
        monitors=MAYBE_LIST,
    ),
    "Preset_Algorithm": schema(**COMMON, algorithmId={"type": "integer"}, parameters=MAYBE_LIST, dataUrl=S3),
    "Custom": schema(**COMMON, mirrorUrl={"type": "string"}, envs=MAYBE_LIST, command=MAYBE, args=MAYBE),
    "Basic_Model": schema(
        name=NAME,
        version={"type": "string"},
        frameworkId={"type": "integer"},
        modelPath=S3,
        codeUrl={"type": "string"},
    ),
    "Predictor": schema(
        name=NAME,
        type={"enum": ["ONLINE_SERVICE"]},
        serviceModels={
            "type": "array",
            "items": schema(
                modelVersionId={"type": "integer"},
                weight={"type": "number"},
                instanceCount={"type": "number", "maximum": 10},
                resourcePoolType={"enum": ["PUBLIC_POOL", "PERSONAL_POOL"]},
            ),
        },
    ),
}
TRAIN = """
import argparse, os
parser = argparse.ArgumentParser()
parser.add_argument("--lr", type=float)
lr = parser.parse_args().lr
numbers = [float(word) for word in open("../input/data/numbers.txt").read().split()]
guess = 0.0
for step in range(40):
    guess -= lr * sum(2 * (guess - number) for number in numbers) / len(numbers)
    loss = sum((guess - number) ** 2 for number in numbers) / len(numbers)
    print(f"loss = {loss:.6f} , step = {step}")
with open("../output/model.txt", "w") as stream:
    stream.write(f"{guess:.2f}")
"""
PREDICT = """
import json, os
from http.server import BaseHTTPRequestHandler, HTTPServer
factor = float(open("../model/model.txt").read())

class Handler(BaseHTTPRequestHandler):
    def do_POST(self):
        numbers = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        content = json.dumps({"success": True, "predictions": [factor * number for number in numbers]}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

HTTPServer(("127.0.0.1", int(os.environ["MM_SERVE_PORT"])), Handler).serve_forever()
"""


@pytest.fixture(scope="session")
def sdk(request: pytest.FixtureRequest) -> Any:
    """The SDK's classes and modules.

    It cannot be a requirement of ours, since it asks for an urllib3 below 1.25, though it runs with today's. So unless
    it is installed it is fetched once, without its requirements, into pytest's cache.
    """
    if importlib.util.find_spec("modelmaker") is None:
        sys.path.append(str(fetched(request.config.cache)))
    names = {"estimator": "estimator", "schema": "schema", "model": "model", "train": "client.api.train_job_api"}
    modules = {name: importlib.import_module(f"modelmaker.{path}") for name, path in names.items()}
    return SimpleNamespace(
        **modules,
        Estimator=modules["estimator"].Estimator,
        Model=modules["model"].Model,
        Predictor=importlib.import_module("modelmaker.predictor").Predictor,
        Session=importlib.import_module("modelmaker.session").Session,
    )


def fetched(cache: Any) -> Path:
    """The folder that the SDK was put into; the test is skipped where there is no network."""
    folder = Path(cache.mkdir("modelmaker-sdk"))
    target = folder / VERSION
    if not target.exists():
        partial = Path(tempfile.mkdtemp(dir=folder))
        command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target", str(partial)]
        done = subprocess.run([*command, f"modelmaker=={VERSION}"], capture_output=True, text=True, check=False)
        if done.returncode:
            pytest.skip(f"modelmaker {VERSION} cannot be fetched: {done.stderr[-200:]}")
        with contextlib.suppress(OSError):  # another worker was faster
            partial.rename(target)
    return target


def log_v2(api: Any, project_id: Any, version_id: int, body: Any, last_time: int, last_nan: int, **_: Any) -> Any:
    """Call 13, as the SDK's own method means to send it."""
    path = f"/v1/train/version/{version_id}/log?lastTime={last_time}&lastNan={last_nan}"
    headers = {"Accept": "application/json", "Content-Type": "application/json"}
    return api.api_client.call_api(path, "GET", headers, body=body, auth_settings=["ApiTokenAuth"])


@pytest.fixture(autouse=True)
def repaired(sdk: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """The SDK with what its package lacks."""
    for name, document in SCHEMAS.items():
        monkeypatch.setattr(sdk.schema.Schema_json, name, document, raising=False)
    monkeypatch.setattr(sdk.estimator, "config", {}, raising=False)
    monkeypatch.setattr(sdk.train.TrainJobApi, "training_job_log_v2", log_v2)
    monkeypatch.setattr(sdk.estimator, "time", SimpleNamespace(sleep=lambda seconds: time.sleep(seconds / 100)))
    for holder in (sdk.estimator._TrainingJob, sdk.model._Manage_model):
        monkeypatch.delattr(holder, "s3_path", raising=False)  # it is kept per process, and would be another bucket's


@pytest.fixture
def service(tmp_path: Path) -> Iterator[ModelMakerService]:
    """An emulator."""
    with emulate("modelmaker", data_dir=tmp_path / "data") as services:
        running = services["modelmaker"]
        assert isinstance(running, ModelMakerService)
        yield running


@pytest.fixture
def session(sdk: Any, service: ModelMakerService, tmp_path: Path) -> Iterator[Any]:
    """The SDK's session, out of its own configuration file."""
    ready = service.ready()
    names = ("username", "password", "host_base", "region", "bucket")
    file = tmp_path / "config.json"
    file.write_text(json.dumps({"iam_config": {name: ready[name] for name in names}}))
    one = sdk.Session(config_file=str(file))
    yield one
    one.s3_client.client.close()
    one.s3_client.s3.meta.client.close()
    one.client.rest_client.pool_manager.clear()


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """A folder of code."""
    folder = tmp_path / "code"
    folder.mkdir()
    (folder / "train.py").write_text(TRAIN)
    (folder / "predict.py").write_text(PREDICT)
    return folder


@pytest.fixture
def data(session: Any, tmp_path: Path) -> str:
    """Data that was uploaded with the SDK, markers and all."""
    folder = tmp_path / "data-to-send"
    folder.mkdir()
    (folder / "numbers.txt").write_text("2 4 6")
    session.upload_data(session.bucket + "demo/", str(folder))
    return f"s3://{session.bucket}demo/data-to-send/"


def basic(sdk: Any, session: Any, source: Path, **changes: Any) -> Any:
    """An estimator of the type BASIC_FRAMEWORK."""
    options = {
        "modelmaker_session": session,
        "framework_type": "BASIC_FRAMEWORK",
        "framework": sdk.Estimator.train_framework(session)["frameWorks"][0]["id"],
        "code_dir": str(source),
        "boot_file": "train.py",
        "boot_type": "NORMAL",
        "hyperparameters": [{"name": "lr", "value": "0.1"}],
        "monitors": [
            {"name": "loss", "regular": r".*?loss\s=\s(.*)\s,\sstep\s=\s(.*)", "sample": "loss = 1 , step = 2"}
        ],
        "output_path": f"s3://{session.bucket}demo/out/",
        "train_instance_count": 1,
        "train_instance_type": sdk.Estimator.train_machine(session)["resources"][0]["id"],
        "volume_size": 1,
    }
    return sdk.Estimator(**options | changes)


def custom(sdk: Any, session: Any, command: str, arguments: str, **changes: Any) -> Any:
    """An estimator of the type CUSTOM."""
    options = {
        "modelmaker_session": session,
        "framework_type": "CUSTOM",
        "user_image_url": "172.16.14.172/test/custom:v1.0",
        "user_command": command,
        "user_command_args": arguments,
        "output_path": f"s3://{session.bucket}custom/out/",
        "train_instance_count": 1,
        "train_instance_type": 500100,
        "volume_size": 1,
    }
    return sdk.Estimator(**options | changes)


def settled(predictor: Any) -> dict[str, Any]:
    """What `info` says once the service has come to rest."""
    deadline = time.monotonic() + 60
    while (found := predictor.info())["status"] in ("DEPLOYING", "STOPPING"):
        assert time.monotonic() < deadline
        time.sleep(0.01)
    return dict(found)


def predict(service: ModelMakerService, address: str, body: bytes) -> Any:
    """A prediction, signed as the guide says; the SDK has no call for it."""
    import base64
    import hashlib
    import hmac

    ready = service.ready()
    headers = {
        "Host": address.split("/")[2],
        "Content-Type": "application/json",
        "Date": "Mon, 12 Jul 2019 09:45:44 GMT",
    }
    digest = hmac.new(ready["secret_key"].encode(), "\n".join(headers.values()).encode(), hashlib.sha1).digest()
    signature = base64.b64encode(digest).decode()
    headers["Authorization"] = (
        f"WS-HMAC-SHA1 AK={ready['access_key']},SignedHeaders=host;content-type;date,Signature={signature}"
    )
    return requests.post(address, data=body, headers=headers, timeout=30).json()


def test_lists(sdk: Any, session: Any) -> None:
    """Machines, frameworks, algorithms and models are listed; an empty account is empty."""
    for listing in (sdk.Estimator.train_machine, sdk.Estimator.development_machine, sdk.Estimator.predict_machine):
        assert listing(session)["resources"]
    for listing in (
        sdk.Estimator.train_framework,
        sdk.Estimator.development_framework,
        sdk.Estimator.predict_framework,
    ):
        assert listing(session)["frameWorks"]
    assert sdk.Estimator.preset_algorithm(session)["presetAlgorithms"]
    assert sdk.Estimator.preset_model(session)["presetModels"] == sdk.Model.preset_model(session)["presetModels"]
    assert sdk.Model.predict_machine(session) == sdk.Predictor.service_machine(session)
    assert sdk.Estimator.train_list(session) == {"trainTasks": []}
    assert sdk.Model.model_list(session) == {"models": []}
    assert sdk.Predictor.service_list(session) == {"services": []}


def test_the_whole_life(
    sdk: Any, service: ModelMakerService, session: Any, source: Path, data: str, tmp_path: Path
) -> None:
    """fit with logs, what is told of it, download, a model of it, a service of that, a prediction, changes, the end."""
    estimator = basic(sdk, session, source)
    ids = estimator.fit(inputs=data, wait=True, logs=True, job_name="demo")

    assert estimator.info()["status"] == "FINISH"
    assert estimator.info()["codeUrl"].endswith("/code/")
    assert [item["id"] for item in sdk.Estimator.train_list(session)["trainTasks"]] == [ids["id"]]
    assert sdk.Estimator.train_list(session, ids["id"])["versions"][0] == estimator.info()
    assert sdk.Estimator.train_version_info(session, ids["versionId"]) == estimator.info()
    lines = estimator.log(0)["logs"]
    assert len(lines) == 40
    assert estimator.log(39)["logs"] == lines[39:]
    assert estimator.log_v2(0, 0)["logs"] == lines
    assert estimator.log_v2(lines[-1]["time"], lines[-1]["nanTime"])["logs"] == []
    points = estimator.metric()["monitors"][0]["data"]
    assert [point["x"] for point in points] == list(range(40))
    assert points[-1]["y"] < points[0]["y"]
    assert estimator.resource()["monitors"]
    assert [file["name"] for file in estimator.artifacts()["outputs"]] == ["model.txt"]
    session.download_data(session.bucket + "demo/out/", str(tmp_path))
    assert (tmp_path / "out" / "model.txt").read_text() == "4.00"

    model = estimator.create_model(model_version="1.0", model_code_dir=str(source), model_boot_file="predict.py")
    assert model.info()["name"] == "demo"
    assert model.info()["frameworkId"] == sdk.Estimator.predict_framework(session)["frameWorks"][0]["id"]
    machine = sdk.Estimator.predict_machine(session)["resources"][0]["id"]
    models = [{"weight": 100, "resourceId": machine, "instanceCount": 1}]
    predictor = estimator.deploy_predictor(
        predictor_name="demo", predictor_type="ONLINE_SERVICE", predictor_models=models
    )
    found = settled(predictor)
    assert found["status"] == "RUNNING", found
    assert predict(service, found["accessAddress"], b"[1, 2.5]") == {"success": True, "predictions": [4.0, 10.0]}

    predictor.stop()
    assert settled(predictor)["status"] == "STOPPED"
    predictor.start()
    assert settled(predictor)["status"] == "RUNNING"
    assert predictor.update(predictor_name="renamed") == found["id"]
    assert settled(predictor)["name"] == "renamed"
    assert [item["name"] for item in sdk.Predictor.service_list(session)["services"]] == ["renamed"]
    assert sdk.Predictor.STOP(session, found["id"]) == {"id": found["id"]}
    assert sdk.Predictor.START(session, found["id"]) == {"id": found["id"]}
    assert model.delete_model()["errorCode"] == 101005
    predictor.delete()
    assert sdk.Predictor.service_info(session, found["id"])["errorCode"] == 103004
    model.delete_model()
    sdk.Model.destory_model(session, model.get_model_id())
    assert sdk.Model.model_list(session) == {"models": []}
    estimator.delete()
    sdk.Estimator.destory_job(session, ids["id"])
    assert sdk.Estimator.train_list(session) == {"trainTasks": []}


def test_custom_images_and_stop(sdk: Any, session: Any, source: Path) -> None:
    """A command runs, its environment is set; `stop` ends a long one, for which `fit` need not wait."""
    quick = custom(sdk, session, "/bin/sh", "-c 'echo $HELLO'", env=[{"name": "HELLO", "value": "world"}])
    quick.fit(wait=True, logs=True, job_name="quick")
    assert [line["content"] for line in quick.log(0)["logs"]] == ["world"]

    long = custom(sdk, session, "sleep", "60", code_dir=str(source) + "/")
    long.fit(job_name="long")
    long.stop()
    deadline = time.monotonic() + 60
    while long.info()["status"] != "STOPPED":
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_a_repeated_name_becomes_a_version(sdk: Any, session: Any) -> None:
    """The SDK looks the job up in the list and starts a version of it; the same for models."""
    first = custom(sdk, session, "true", "").fit(wait=True, job_name="again")
    second = custom(sdk, session, "true", "").fit(wait=True, job_name="again")
    assert second["id"] == first["id"]
    assert second["versionId"] > first["versionId"]
    options = {
        "modelmaker_session": session,
        "model_name": "m",
        "model_framework_type": "CUSTOM",
        "model_mirrorUrl": "x/y:1",
        "model_path": "s3://a/b/",
    }
    one = sdk.Model(model_version="1", **options)
    two = sdk.Model(model_version="2", **options)
    one.create_model()
    two.create_model()
    assert one.get_model_id() == two.get_model_id()
    assert [version["version"] for version in sdk.Model.model_list(session, one.get_model_id())["versions"]] == [
        "1",
        "2",
    ]
    assert sdk.Model.model_version_info(session, one.get_model_version_id())["mirrorUrl"] == "x/y:1"
    sdk.Model.destory_model_version(session, one.get_model_version_id())
    assert len(sdk.Model.model_list(session, one.get_model_id())["versions"]) == 1


def test_preset_algorithms(sdk: Any, session: Any, tmp_path: Path) -> None:
    """Pictures in folders become a model."""
    folder = tmp_path / "pictures"
    for name, grey in (("dark", 10), ("light", 240)):
        (folder / "train" / name).mkdir(parents=True)
        (folder / "train" / name / "a.pgm").write_bytes(b"P5 8 8 255\n" + bytes([grey]) * 64)
    session.upload_data(session.bucket, str(folder))
    estimator = sdk.Estimator(
        modelmaker_session=session,
        framework_type="PRESET_ALGORITHM",
        algorithm=500000,
        hyperparameters=[{"name": "max_number_of_steps", "value": "20"}],
        output_path=f"s3://{session.bucket}preset/out",
        train_instance_count=1,
        train_instance_type=500050,
        volume_size=1,
    )
    estimator.fit(inputs=f"s3://{session.bucket}pictures/", wait=True, job_name="preset")

    assert estimator.info()["status"] == "FINISH"
    assert "train accuracy 1.0000" in [line["content"] for line in estimator.log(0)["logs"]]


def test_two_models_share_a_service(sdk: Any, service: ModelMakerService, session: Any, source: Path) -> None:
    """A Predictor of its own takes several models with weights."""
    models = []
    for number in (2, 3):
        session.s3_client.client.put_object(
            Bucket=session.bucket.rstrip("/"), Key=f"weights/{number}/model.txt", Body=str(number).encode()
        )
        model = sdk.Model(
            modelmaker_session=session,
            model_name=f"times {number}",
            model_version="1",
            model_path=f"s3://{session.bucket}weights/{number}/",
            model_framework=500001,
            model_framework_type="BASIC_FRAMEWORK",
            model_code_dir=str(source),
            model_boot_file="predict.py",
        )
        model.create_model()
        models.append({"modelVersionId": model.get_model_version_id(), "weight": 50, "resourceId": 500151})
    models = [item | {"instanceCount": 1, "resourcePoolType": "PUBLIC_POOL"} for item in models]
    predictor = sdk.Predictor(
        modelmaker_session=session,
        predictor_name="both",
        predictor_type="ONLINE_SERVICE",
        predictor_models=models,
    )
    predictor.deploy_predictor()
    found = settled(predictor)
    answers = [predict(service, found["accessAddress"], b"[1]")["predictions"][0] for _ in range(4)]

    assert sorted(answers) == [2.0, 2.0, 3.0, 3.0]
    assert sdk.Predictor.DELETE(session, found["id"]) == {}


def test_an_expired_token_is_renewed(sdk: Any, service: ModelMakerService, session: Any) -> None:
    """Without the user noticing."""
    service.account.expire_tokens()

    assert sdk.Estimator.train_list(session) == {"trainTasks": []}
    assert service.requests.counts["Login"] == 2


def test_errors(sdk: Any, service: ModelMakerService, session: Any) -> None:
    """Failures of creating raise; queries show the code; a refused call comes twice and does nothing."""
    with pytest.raises(Exception, match="create train job error"):
        custom(sdk, session, "true", "", description="x", max_runtime=-1).fit(job_name="wrong")
    assert service.requests.counts["CreateTrain"] == 2
    assert sdk.Estimator.train_version_info(session, 7)["errorCode"] == 102004
    assert sdk.Model.model_version_info(session, 7)["errorCode"] == 101004
    failing = custom(sdk, session, "/bin/sh", "-c 'exit 3'")
    failing.fit(wait=True, job_name="failing")
    assert failing.info()["status"] == "TRAINING_FAIL"
    with pytest.raises(Exception, match="not finish"):
        failing.create_model(model_version="1", model_mirrorUrl="x")
    with pytest.raises(Exception, match="Get token failed"):
        sdk.Session(username="nobody", password="x", host_base=service.host_base, region="js01", bucket="b")
