"""A running ModelArts emulator, and a client that knows HTTP and nothing else."""

from __future__ import annotations

import hmac
import json
import time
from collections.abc import Callable, Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import boto3
import pytest
import requests

from anyfit_emulator.service import Room
from anyfit_modelarts.emulator.service import ModelArtsService


class Rig:
    """A room with the service in it, a user with a token, and short words for what tests do."""

    def __init__(self, data_dir: Path, faults: str = "", **options: Any) -> None:
        self.room = Room(data_dir, faults=faults)
        self.room.__enter__()
        self.service = ModelArtsService(self.room, **options)
        self.service.start()
        self.keys = self.service.ready()
        self.endpoint = self.keys["endpoint"]
        self.project = self.keys["project_id"]
        self.bucket = self.keys["bucket"]
        self.http = requests.Session()
        self.token = ""
        self._names = 0
        self.s3 = boto3.client(
            "s3",
            endpoint_url=self.keys["obs_endpoint"],
            aws_access_key_id=self.keys["access_key"],
            aws_secret_access_key=self.keys["secret_key"],
            region_name=self.keys["region"],
        )

    def close(self) -> None:
        """End everything."""
        self.http.close()
        self.s3.close()
        self.service.stop()
        self.room.__exit__()

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

    def name(self, stem: str = "job") -> str:
        """A name that nothing has yet."""
        self._names += 1
        return f"{stem}-{self._names}"

    def put_files(self, prefix: str, **files: str | bytes) -> str:
        """Objects below a prefix by name, dots written as `__`, slashes as `___`; answers `/bucket/prefix/`."""
        for name, content in files.items():
            key = f"{prefix}/{name.replace('___', '/').replace('__', '.')}"
            data = content if isinstance(content, bytes) else content.encode()
            self.s3.put_object(Bucket=self.bucket, Key=key, Body=data)
        return self.place(prefix)

    def place(self, prefix: str) -> str:
        """A directory of the bucket as the APIs write it."""
        return f"/{self.bucket}/{prefix}/"

    def objects(self, prefix: str) -> dict[str, bytes]:
        """What lies below a prefix."""
        found = self.s3.list_objects(Bucket=self.bucket, Prefix=prefix + "/").get("Contents", [])
        return {
            item["Key"][len(prefix) + 1 :]: self.s3.get_object(Bucket=self.bucket, Key=item["Key"])["Body"].read()
            for item in found
        }

    @staticmethod
    def until(look: Callable[[], Any], good: Callable[[Any], bool]) -> Any:
        """Look until what is seen is good; answers that."""
        deadline = time.monotonic() + 30
        while not good(seen := look()):
            assert time.monotonic() < deadline, seen
            time.sleep(0.01)
        return seen


@pytest.fixture(scope="module")
def rig(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    """An emulator that the tests of a file share."""
    one = Rig(tmp_path_factory.mktemp("modelarts"))
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
