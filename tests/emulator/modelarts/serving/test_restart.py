"""Services of the emulator as a program: they end with it in time, and run again with the next one."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import boto3
import requests

from emulated import emulated
from processes import is_alive
from waiting import until, within

STUBBORN = """
import os, signal
from model_service.python_model_service import XgSklServingBaseService
signal.signal(signal.SIGTERM, signal.SIG_IGN)

class Service(XgSklServingBaseService):
    def _inference(self, data):
        return {"pid": os.getpid()}
"""
CONFIG = json.dumps({"model_algorithm": "any", "model_type": "Scikit_Learn"})


class Remote:
    """A user of an emulator in another process."""

    def __init__(self, process: subprocess.Popen[bytes], keys: dict[str, str], http: requests.Session) -> None:
        self.process = process
        self.keys = keys
        self._http = http
        user = {name: keys[other] for name, other in (("name", "username"), ("password", "password"))}
        identity = {"methods": ["password"], "password": {"user": {**user, "domain": {"name": keys["domain"]}}}}
        body = {"auth": {"identity": identity, "scope": {"project": {"id": keys["project_id"]}}}}
        answer = http.post(f"{keys['iam_endpoint']}/v3/auth/tokens", json=body, timeout=30)
        self._token = {"X-Auth-Token": answer.headers["X-Subject-Token"]}

    def __call__(self, method: str, path: str, body: Any = None) -> Any:
        url = path if path.startswith("http") else f"{self.keys['endpoint']}/v1/{self.keys['project_id']}{path}"
        return self._http.request(method, url, json=body, headers=self._token, timeout=30).json()

    def put(self, key: str, content: str) -> None:
        """An object."""
        s3 = boto3.client(
            "s3",
            endpoint_url=self.keys["obs_endpoint"],
            aws_access_key_id=self.keys["access_key"],
            aws_secret_access_key=self.keys["secret_key"],
            region_name="any",
        )
        s3.put_object(Bucket=self.keys["bucket"], Key=key, Body=content.encode())
        s3.close()

    def pid(self, service_id: str) -> int:
        """The process that serves, once the service runs."""
        found = until(lambda: self("GET", f"/services/{service_id}"), lambda seen: seen["status"] != "deploying")
        assert found["status"] == "running", found
        return int(self("POST", found["access_address"], {})["pid"])


@contextmanager
def emulator(folder: Path, http: requests.Session) -> Iterator[Remote]:
    """The program, ready, on one directory."""
    with emulated("modelarts", folder, "--data", str(folder / "data")) as (process, keys):
        yield Remote(process, keys, http)


def test_services_end_with_the_emulator_and_return_with_it(tmp_path: Path) -> None:
    """Within three seconds of SIGTERM, also those that ignore it; after kill -9 the next emulator ends the orphans."""
    with requests.Session() as http:
        with emulator(tmp_path, http) as first:
            for name, content in (("m.m", "x"), ("config.json", CONFIG), ("customize_service.py", STUBBORN)):
                first.put(f"stubborn/model/{name}", content)
            model = {"model_name": "stubborn", "model_version": "1.0.0", "model_type": "Scikit_Learn"}
            model["source_location"] = f"/{first.keys['bucket']}/stubborn/"
            model_id = first("POST", "/models", model)["model_id"]
            until(lambda: first("GET", f"/models/{model_id}")["model_status"], lambda seen: seen == "published")
            part = {"model_id": model_id, "weight": 100, "specification": "modelarts.vm.cpu.2u", "instance_count": 1}
            body = {"service_name": "stubborn", "infer_type": "real-time", "config": [part]}
            service_id = first("POST", "/services", body)["service_id"]
            pid = first.pid(service_id)
            with within(3):
                first.process.send_signal(signal.SIGTERM)
                assert first.process.wait(60) == 0
            assert not is_alive(pid)
        with emulator(tmp_path, http) as second:
            orphan = second.pid(service_id)
            os.kill(second.process.pid, signal.SIGKILL)
            second.process.wait()
            assert is_alive(orphan)
        with emulator(tmp_path, http) as third:
            assert third.pid(service_id) != orphan
            assert not is_alive(orphan)
