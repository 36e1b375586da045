"""A running ModelMaker emulator, and a client that knows HTTP and nothing else."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
import requests

from anyfit_emulator.service import Room
from anyfit_modelmaker.emulator.service import ModelMakerService

RUNNING = ("STARTING", "DOWNLOAD_DATA", "TRAINING", "STOPPING")
SERVICE_MOVES = ("DEPLOYING", "STOPPING")


class Rig:
    """A room with the service in it, an account that has logged in, and short words for what tests do."""

    def __init__(self, data_dir: Path, faults: str = "", **options: Any) -> None:
        self.room = Room(data_dir, faults=faults)
        self.room.__enter__()
        self.service = ModelMakerService(self.room, **options)
        self.service.start()
        self.keys = self.service.ready()
        self.http = requests.Session()
        self.token = ""
        self._names = 0
        self.s3 = boto3.client(
            "s3",
            endpoint_url=self.keys["s3_endpoint"],
            aws_access_key_id=self.keys["access_key"],
            aws_secret_access_key=self.keys["secret_key"],
            region_name=self.keys["region"],
        )
        self.bucket = self.keys["bucket"]

    def close(self) -> None:
        """End everything."""
        self.http.close()
        self.s3.close()
        self.service.stop()
        self.room.__exit__()

    def login(self) -> str:
        """A new token, used from now on."""
        body = {"username": self.keys["username"], "password": self.keys["password"]}
        self.token = str(self.send("POST", "/v1/auth-token", body).json()["token"])
        return self.token

    def send(self, method: str, path: str, body: Any = None, **headers: str) -> requests.Response:
        """One request as it stands."""
        headers = {"Content-Type": "application/json", "Auth-Token": self.token, **headers}
        data = None if body is None else json.dumps(body)
        return self.http.request(method, self.keys["host_base"] + path, data=data, headers=headers, timeout=30)

    def call(self, method: str, path: str, body: Any = None) -> dict[str, Any]:
        """One call that is answered as the official client needs it: 200, an object, nothing it cannot evaluate."""
        if not self.token:
            self.login()
        response = self.send(method, path, body)
        assert response.status_code == 200, response.text
        assert response.headers["content-type"] == "application/json"
        answer = eval(response.text, {"__builtins__": {}})  # as that client does
        assert isinstance(answer, dict)
        return answer

    def get(self, path: str) -> dict[str, Any]:
        """A query."""
        return self.call("GET", path)

    def post(self, path: str, body: Any = None) -> dict[str, Any]:
        """A change."""
        return self.call("POST", path, {} if body is None else body)

    def put_files(self, prefix: str, **files: str | bytes) -> str:
        """Objects below a prefix by name, dots written as `__`, slashes as `___`; answers the prefix as a URI."""
        for name, content in files.items():
            key = f"{prefix}/{name.replace('___', '/').replace('__', '.')}"
            self.s3.put_object(
                Bucket=self.bucket, Key=key, Body=content if isinstance(content, bytes) else content.encode()
            )
        return self.uri(prefix)

    def uri(self, prefix: str) -> str:
        """A place in the bucket."""
        return f"s3://{self.bucket}/{prefix}/"

    def objects(self, prefix: str) -> dict[str, bytes]:
        """What lies below a prefix."""
        found = self.s3.list_objects(Bucket=self.bucket, Prefix=prefix + "/").get("Contents", [])
        return {
            item["Key"][len(prefix) + 1 :]: self.s3.get_object(Bucket=self.bucket, Key=item["Key"])["Body"].read()
            for item in found
        }

    def job(self, script: str, **members: Any) -> dict[str, Any]:
        """The body of a BASIC_FRAMEWORK job that runs a script."""
        self._names += 1
        name = f"job-{self._names}"
        body = {
            "name": name,
            "type": "BASIC_FRAMEWORK",
            "resourceId": 500050,
            "volumeSize": 1,
            "instance": 1,
            "maxRuntime": None,
            "description": None,
            "resourcePoolType": "PUBLIC_POOL",
            "customResource": None,
            "codeUrl": self.put_files(f"{name}/code", train__py=script),
            "codeVersion": None,
            "gitInfo": None,
            "frameworkId": 500000,
            "startup": "train.py",
            "startupType": "NORMAL",
            "parameters": [],
            "inputFiles": None,
            "dataUrl": self.put_files(f"{name}/data", data__txt="1 2 3"),
            "output": self.uri(f"{name}/out"),
            "monitors": None,
        }
        return body | members

    def custom(self, command: str | None, args: str | None = None, **members: Any) -> dict[str, Any]:
        """The body of a CUSTOM job."""
        self._names += 1
        body = {
            "name": f"custom-{self._names}",
            "type": "CUSTOM",
            "resourceId": 500100,
            "volumeSize": 1,
            "instance": 1,
            "resourcePoolType": "PUBLIC_POOL",
            "mirrorUrl": "172.16.14.172/test/custom:v1.0",
            "command": command,
            "args": args,
            "output": self.uri(f"custom-{self._names}/out"),
        }
        return body | members

    def run(self, body: dict[str, Any]) -> dict[str, Any]:
        """Start a job and wait for its end; answers its version."""
        answer = self.post("/v1/train", body)
        assert "errorCode" not in answer, answer
        return self.ended(answer["versionId"])

    def ended(self, version_id: int) -> dict[str, Any]:
        """The version, once it has ended."""
        return self.until(lambda: self.get(f"/v1/train/version/{version_id}"), RUNNING)

    def training(self, version_id: int, lines: int = 1) -> None:
        """Wait until the version has written so many lines."""
        self.wait_for(lambda: len(self.log(version_id)) >= lines)

    def log(self, version_id: int) -> list[str]:
        """All lines of a log."""
        lines: list[str] = []
        while page := self.get(f"/v1/train/version/{version_id}/log?lastId={len(lines)}")["logs"]:
            lines += [line["content"] for line in page]
        return lines

    def sandbox(self, version_id: int) -> Path:
        """What stands for `/opt/ai` in a running job."""
        return self.room.storage.store.system / "modelmaker" / "train" / str(version_id) / "root" / "opt" / "ai"

    def deployed(self, service_id: int) -> dict[str, Any]:
        """The service, once it has come to rest."""
        return self.until(lambda: self.get(f"/v1/service/{service_id}"), SERVICE_MOVES)

    @staticmethod
    def until(look: Callable[[], dict[str, Any]], moving: tuple[str, ...]) -> dict[str, Any]:
        """Look until the status is none of those."""
        deadline = time.monotonic() + 30
        while (seen := look())["status"] in moving:
            assert time.monotonic() < deadline, seen
            time.sleep(0.01)
        return seen

    @staticmethod
    def wait_for(condition: Callable[[], bool]) -> None:
        """Until the condition holds."""
        deadline = time.monotonic() + 30
        while not condition():
            assert time.monotonic() < deadline
            time.sleep(0.01)


@pytest.fixture(scope="module")
def rig(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    """An emulator that the tests of a file share."""
    one = Rig(tmp_path_factory.mktemp("modelmaker"))
    yield one
    one.close()


@pytest.fixture
def make_rig(tmp_path: Path) -> Iterator[Callable[..., Rig]]:
    """Makes emulators of a test's own, on one directory unless told otherwise."""
    made: list[Rig] = []

    def make(data_dir: Path | None = None, **options: Any) -> Rig:
        made.append(Rig(data_dir or tmp_path / "data", **options))
        return made[-1]

    yield make
    for one in made:
        one.close()
