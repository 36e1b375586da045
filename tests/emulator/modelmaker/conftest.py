"""A running ModelMaker emulator, and a client that knows HTTP and nothing else."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import requests

from anyfit_modelmaker.emulator.service import ModelMakerService
from rigs import Rig

RUNNING = ("STARTING", "DOWNLOAD_DATA", "TRAINING", "STOPPING")
SERVICE_MOVES = ("DEPLOYING", "STOPPING")


class ModelMakerRig(Rig):
    """An account that has logged in."""

    service_class = ModelMakerService

    def __init__(self, data_dir: Path, faults: str = "", **options: Any) -> None:
        super().__init__(data_dir, faults, **options)
        self.token = ""

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

    def place(self, prefix: str) -> str:
        """A place in the bucket."""
        return f"s3://{self.bucket}/{prefix}/"

    def job(self, script: str, **members: Any) -> dict[str, Any]:
        """The body of a BASIC_FRAMEWORK job that runs a script."""
        name = self.name()
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
            "output": self.place(f"{name}/out"),
            "monitors": None,
        }
        return body | members

    def custom(self, command: str | None, args: str | None = None, **members: Any) -> dict[str, Any]:
        """The body of a CUSTOM job."""
        name = self.name("custom")
        body = {
            "name": name,
            "type": "CUSTOM",
            "resourceId": 500100,
            "volumeSize": 1,
            "instance": 1,
            "resourcePoolType": "PUBLIC_POOL",
            "mirrorUrl": "172.16.14.172/test/custom:v1.0",
            "command": command,
            "args": args,
            "output": self.place(f"{name}/out"),
        }
        return body | members

    def run(self, body: dict[str, Any]) -> dict[str, Any]:
        """Start a job and wait for its end; answers its version."""
        answer = self.post("/v1/train", body)
        assert "errorCode" not in answer, answer
        return self.ended(answer["versionId"])

    def ended(self, version_id: int) -> dict[str, Any]:
        """The version, once it has ended."""
        return self.rested(lambda: self.get(f"/v1/train/version/{version_id}"), RUNNING)

    def training(self, version_id: int, lines: int = 1) -> None:
        """Wait until the version has written so many lines."""
        self.until(lambda: len(self.log(version_id)) >= lines, bool)

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
        return self.rested(lambda: self.get(f"/v1/service/{service_id}"), SERVICE_MOVES)

    def rested(self, look: Callable[[], dict[str, Any]], moving: tuple[str, ...]) -> dict[str, Any]:
        """What is seen, once its status is none of those."""
        found = self.until(look, lambda seen: seen["status"] not in moving)
        assert isinstance(found, dict)
        return found


@pytest.fixture(scope="session")
def rig_class() -> type[Rig]:
    """The rig of these tests."""
    return ModelMakerRig
