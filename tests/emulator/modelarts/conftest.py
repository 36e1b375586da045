"""A running ModelArts emulator, and a client that knows HTTP and nothing else."""

from __future__ import annotations

import hmac
import json
import time
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
import requests

from anyfit_modelarts.emulator.service import ModelArtsService
from rigs import Rig


class ModelArtsRig(Rig):
    """A user with a token."""

    service_class = ModelArtsService

    def __init__(self, data_dir: Path, faults: str = "", **options: Any) -> None:
        super().__init__(data_dir, faults, **options)
        self.endpoint = self.keys["endpoint"]
        self.project = self.keys["project_id"]
        self.token = ""

    def login_body(self, **scope: Any) -> dict[str, Any]:
        """The documented body that asks for a token."""
        user = {"name": self.keys["username"], "password": self.keys["password"]}
        user["domain"] = {"name": self.keys["domain"]}  # type: ignore[assignment]
        identity = {"methods": ["password"], "password": {"user": user}}
        return {"auth": {"identity": identity, "scope": scope or {"project": {"name": self.keys["project_name"]}}}}

    def login(self) -> str:
        """A new token, used from now on."""
        response = self.send("POST", "/v3/auth/tokens", self.login_body())
        assert response.status_code == 201, response.text
        self.token = response.headers["X-Subject-Token"]
        return self.token

    def send(self, method: str, path: str, body: Any = None, **headers: str) -> requests.Response:
        """One request as it stands; `{p}` in its path is the project."""
        headers = {"Content-Type": "application/json", "X-Auth-Token": self.token, **headers}
        data = None if body is None else json.dumps(body)
        url = self.endpoint + path.replace("{p}", self.project)
        return self.http.request(method, url, data=data, headers=headers, timeout=30)

    def signed(self, method: str, path: str, body: bytes = b"", **changes: Any) -> requests.Response:
        """One request with access keys, signed here by the steps of the reference and for plain paths alone."""
        key = changes.pop("access_key", self.keys["access_key"])
        secret = changes.pop("secret_key", self.keys["secret_key"])
        moment = changes.pop("moment", time.time())
        sent = changes.pop("sent", body)  # another than what is signed
        payload = changes.pop("payload", sha256(body).hexdigest())
        path, _, query = path.replace("{p}", self.project).partition("?")
        date = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(moment))
        headers = {"host": self.endpoint.partition("//")[2], "x-sdk-date": date, **changes}
        if payload == "UNSIGNED-PAYLOAD":
            headers["x-sdk-content-sha256"] = payload
        names = sorted(headers)
        lines = [method, f"{path}/", query, *(f"{name}:{headers[name]}" for name in names), "", ";".join(names)]
        canonical = "\n".join([*lines, payload])
        text = f"SDK-HMAC-SHA256\n{date}\n{sha256(canonical.encode()).hexdigest()}"
        signature = hmac.digest(secret.encode(), text.encode(), sha256).hex()
        headers["Authorization"] = (
            f"SDK-HMAC-SHA256 Access={key}, SignedHeaders={';'.join(names)}, Signature={signature}"
        )
        url = f"{self.endpoint}{path}" + (f"?{query}" if query else "")
        return self.http.request(method, url, data=sent, headers=headers, timeout=30)

    def call(self, method: str, path: str, body: Any = None, status: int = 200) -> Any:
        """One call with a token, which is answered with that status; answers the document."""
        if not self.token:
            self.login()
        response = self.send(method, path, body)
        assert response.status_code == status, response.text
        return response.json() if response.content else None

    def get(self, path: str, status: int = 200) -> Any:
        """A query."""
        return self.call("GET", path, None, status)

    def post(self, path: str, body: Any = None, status: int = 200) -> Any:
        """A change."""
        return self.call("POST", path, body, status)

    def place(self, prefix: str) -> str:
        """A directory of the bucket as the APIs write it."""
        return f"/{self.bucket}/{prefix}/"


@pytest.fixture(scope="session")
def rig_class() -> type[Rig]:
    """The rig of these tests."""
    return ModelArtsRig
