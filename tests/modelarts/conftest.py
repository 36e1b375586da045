"""A running emulator, and a server that answers by script."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

import pytest

from anyfit.backend import Catalog
from anyfit_modelarts.backend import ModelArtsBackend
from anyfit_modelarts.catalog import shipped_catalog
from anyfit_modelarts.settings import Settings
from emulated import emulated
from scripted import STORED, Asked, Pauses, Reply, Script

Answer = tuple[int, Any] | Mapping[str, Any] | list[Any] | None
"""A status and a body, a JSON value, or None: the connection is closed without an answer."""

PROJECT = "0123456789abcdef0123456789abcdef"
LOGIN = "POST /v3/auth/tokens"


class ModelArtsScript(Script[Answer]):
    """Plays IAM, ModelArts and OBS; calls are named such as `GET /v2/training-jobs`, project and query left out.

    Attributes:
        logins: How often a token was asked for.
        life: Seconds that a token lives.
    """

    logins = 0
    life = 86400.0

    def call_of(self, method: str, path: str, headers: Mapping[str, str]) -> str:
        return super().call_of(method, path, headers).replace(f"/{PROJECT}", "")

    def usual(self, asked: Asked) -> Answer:
        end = time.strftime("%Y-%m-%dT%H:%M:%S.000000Z", time.gmtime(time.time() + self.life))
        if asked.call == LOGIN:
            return 201, {"token": {"expires_at": end, "project": {"id": PROJECT, "name": "cn-north-4"}}}
        if asked.call == "POST /v3.0/OS-CREDENTIAL/securitytokens":
            credential = {"access": "TEMP", "secret": "hush", "securitytoken": "token", "expires_at": end}
            return 201, {"credential": credential}
        if asked.call.startswith(("GET /b/", "PUT /b/", "HEAD /b/", "GET /demo/")):
            return 404, b"<Error><Code>NoSuchKey</Code></Error>"
        return 404, {"error_code": "APIGW.0101", "error_msg": "The API does not exist", "request_id": "x"}

    def reply(self, asked: Asked, answer: Answer) -> Reply | None:
        self.logins += asked.call == LOGIN
        if answer is None:
            return None
        status, content = answer if isinstance(answer, tuple) else (200, answer)
        data = content if isinstance(content, bytes) else json.dumps(content).encode()
        headers = {"X-Request-Id": "request-7", **STORED}
        if status == 201 and asked.call == LOGIN:
            headers["X-Subject-Token"] = f"token-{self.logins}"
        return Reply(status, b"" if status == 204 else data, headers)


@pytest.fixture
def script() -> Iterator[ModelArtsScript]:
    """The platform by script."""
    script = ModelArtsScript()
    yield script
    script.close()


@pytest.fixture
def scripted(script: ModelArtsScript, pauses: Pauses, tmp_path: Path) -> Iterator[Callable[..., ModelArtsBackend]]:
    """Makes clients of the scripted platform, all on one machine; by password where nothing else is said."""
    with ExitStack() as stack:

        def make(**settings: Any) -> ModelArtsBackend:
            given: dict[str, Any] = {f"{name}endpoint": script.url for name in ("", "iam_", "obs_")}
            given |= {"bucket": "b", "poll_seconds": 0.01}
            if "access_key" not in settings:
                given |= {"domain": "acme", "username": "dev", "password": "geheim"}
            backend = ModelArtsBackend(Settings(**{**given, **settings}), tmp_path / "home", policy=pauses.policy())
            return stack.enter_context(closing(backend))

        yield make


@pytest.fixture(scope="session")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mapping[str, str]]:
    """A running emulator: what a client needs to be pointed at it."""
    folder = tmp_path_factory.mktemp("cloud")
    with emulated("modelarts", folder, "--data", str(folder / "data")) as (_, keys):
        yield keys


@pytest.fixture
def connect(cloud: Mapping[str, str], tmp_path: Path) -> Iterator[Callable[..., ModelArtsBackend]]:
    """Makes clients of the emulator, all on one machine."""
    names = ("endpoint", "iam_endpoint", "obs_endpoint", "region", "domain", "username", "password", "bucket")
    with ExitStack() as stack:

        def make(**settings: Any) -> ModelArtsBackend:
            given: dict[str, Any] = {name: cloud[name] for name in names} | {"poll_seconds": 0.05, **settings}
            return stack.enter_context(closing(ModelArtsBackend(Settings(**given), tmp_path / "home")))

        yield make


@pytest.fixture
def catalog() -> Catalog:
    """What stands in the platform's documents."""
    return shipped_catalog("v2")
