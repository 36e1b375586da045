"""A running emulator, and a server that answers by script."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

import pytest

from anyfit.backend import Catalog, Framework, Offering, Preset
from anyfit_modelmaker.backend import ModelMakerBackend
from anyfit_modelmaker.settings import Settings
from emulated import emulated
from scripted import STORED, Asked, Pauses, Reply, Script

Answer = tuple[int, bytes] | Mapping[str, Any] | None
"""A status and a body, a JSON object, or None: the connection is closed without an answer."""

KEYS = {"ak": "AK", "sk": "SK", "url": "127.0.0.1:1", "region": "r"}


class ModelMakerScript(Script[Answer]):
    """Plays the platform and its store; calls are named such as `GET /v1/train`.

    Attributes:
        host_base: Where the platform is.
        logins: How often a token was asked for.
    """

    logins = 0

    @property
    def host_base(self) -> str:
        return f"{self.url}/mmr"

    def call_of(self, method: str, path: str, headers: Mapping[str, str]) -> str:
        return super().call_of(method, path.removeprefix("/mmr"), headers)

    def usual(self, asked: Asked) -> Answer:
        if asked.call == "POST /v1/auth-token":
            self.logins += 1
            return {"token": f"token-{self.logins}", "duration": 3600}
        return {"s3": {**KEYS, "url": self.url}} if "auth-access" in asked.path else (404, b"")

    def reply(self, asked: Asked, answer: Answer) -> Reply | None:
        if answer is None:
            return None
        status, content = answer if isinstance(answer, tuple) else (200, json.dumps(answer).encode())
        return Reply(status, content, STORED)


@pytest.fixture
def script() -> Iterator[ModelMakerScript]:
    """The platform by script."""
    script = ModelMakerScript()
    yield script
    script.close()


@pytest.fixture
def scripted(script: ModelMakerScript, pauses: Pauses, tmp_path: Path) -> Iterator[Callable[..., ModelMakerBackend]]:
    """Makes clients of the scripted platform, all on one machine."""
    with ExitStack() as stack:

        def make(**settings: Any) -> ModelMakerBackend:
            account = {"username": "alice", "password": "geheim"}
            given = {"host_base": script.host_base, "bucket": "b", "poll_seconds": 0.01, **account, **settings}
            backend = ModelMakerBackend(Settings(**given), tmp_path / "home", policy=pauses.policy())
            return stack.enter_context(closing(backend))

        yield make


@pytest.fixture(scope="session")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mapping[str, str]]:
    """A running emulator: what a client needs to be pointed at it."""
    folder = tmp_path_factory.mktemp("cloud")
    with emulated("modelmaker", folder, "--data", str(folder / "data")) as (_, keys):
        yield keys


@pytest.fixture
def connect(cloud: Mapping[str, str], tmp_path: Path) -> Iterator[Callable[..., ModelMakerBackend]]:
    """Makes clients of the emulator, all on one machine."""
    names = ("host_base", "region", "username", "password", "bucket")
    with ExitStack() as stack:

        def make(**settings: Any) -> ModelMakerBackend:
            given: dict[str, Any] = {name: cloud[name] for name in names}
            given |= {"utc_offset_hours": float(cloud["utc_offset_hours"]), "poll_seconds": 0.05, **settings}
            return stack.enter_context(closing(ModelMakerBackend(Settings(**given), tmp_path / "home")))

        yield make


@pytest.fixture
def catalog() -> Catalog:
    """A catalog with the ids that the vendor's samples show."""
    return Catalog(
        offerings=(
            Offering(spec_id="502201", cpus=4, memory_gib=8, max_nodes=10),
            Offering(spec_id="500550", cpus=8, memory_gib=16, gpu_model="K80", gpu_count=1, max_nodes=10),
            Offering(spec_id="500151", cpus=4, memory_gib=8, tasks=("serve",), max_nodes=10),
        ),
        frameworks=(
            Framework(name="tensorflow", version="1.13.1", native="500000", py_version="3.7"),
            Framework(name="tensorflow", version="1.13.1", native="500100", py_version="3.5"),
            Framework(name="tensorflow", version="1.13.1", native="500001", py_version="3.7", tasks=("serve",)),
            Framework(name="tensorflow", version="1.13.1", native="500150", py_version="3.5", tasks=("serve",)),
        ),
        algorithms=(Preset("ImageClassification", "500000"),),
        models=(Preset("ImageClassification", "500010"),),
    )
