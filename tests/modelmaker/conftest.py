"""A running emulator, and a server that answers by script."""

from __future__ import annotations

import json
import logging
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, closing
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from anyfit.backend import Backend, Catalog, Framework, Offering, Preset
from anyfit.http import RetryPolicy
from anyfit.testing import Bench
from anyfit_modelmaker.backend import ModelMakerBackend
from anyfit_modelmaker.settings import Settings

Answer = tuple[int, bytes] | Mapping[str, Any] | None
"""A status and a body, a JSON object, or None: the connection is closed without an answer."""

KEYS = {"ak": "AK", "sk": "SK", "url": "127.0.0.1:1", "region": "r"}


class Script:
    """A server that plays the platform: each call has its answers, of which the last is given for ever.

    Attributes:
        url: Its `host_base`.
        asked: What was asked: method, path with query, body, and token.
    """

    def __init__(self) -> None:
        self.asked: list[tuple[str, str, Any, str]] = []
        self.logins = 0
        self._answers: dict[str, list[Answer]] = {}
        script = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def answer(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                answer = script._take(self.command, self.path, body, self.headers.get("Auth-Token", ""))
                if answer is None:
                    self.connection.shutdown(socket.SHUT_RDWR)
                    self.close_connection = True
                    return
                status, content = answer if isinstance(answer, tuple) else (200, json.dumps(answer).encode())
                self.send_response(status)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            do_GET = do_POST = do_PUT = do_DELETE = answer

            def log_message(self, format: str, *args: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}/mmr"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01})
        self._thread.start()

    def on(self, call: str, *answers: Answer) -> None:
        """Answer a call such as `GET /v1/train`, its query left out."""
        self._answers[call] = list(answers)

    def calls(self, call: str) -> list[Any]:
        """The bodies with which a call was made."""
        return [body for method, path, body, _ in self.asked if f"{method} {path.partition('?')[0]}" == call]

    def close(self) -> None:
        """End it."""
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def _take(self, method: str, path: str, body: bytes, token: str) -> Answer:
        call = f"{method} {path.removeprefix('/mmr').partition('?')[0]}"
        self.asked.append((method, path.removeprefix("/mmr"), _read(body), token))
        if call == "POST /v1/auth-token" and call not in self._answers:
            self.logins += 1
            return {"token": f"token-{self.logins}", "duration": 3600}
        answers = self._answers.get(
            call, [{"s3": {**KEYS, "url": self.url.removesuffix("/mmr")}}] if "auth-access" in path else [(404, b"")]
        )
        return answers.pop(0) if len(answers) > 1 else answers[0]


def _read(body: bytes) -> Any:
    """The JSON of a body; what is stored by the way is none."""
    try:
        return json.loads(body) if body else None
    except ValueError:
        return body


class Pauses(list[float]):
    """Remembers pauses instead of making them."""

    def policy(self) -> RetryPolicy:
        """A policy that does not wait."""
        return RetryPolicy(attempts=4, sleep=self.append, chance=lambda: 1.0)


@pytest.fixture
def script() -> Iterator[Script]:
    """The platform by script."""
    script = Script()
    yield script
    script.close()


@pytest.fixture
def pauses() -> Pauses:
    """The pauses that a client made."""
    return Pauses()


@pytest.fixture
def scripted(script: Script, pauses: Pauses, tmp_path: Path) -> Iterator[Callable[..., ModelMakerBackend]]:
    """Makes clients of the scripted platform, all on one machine."""
    with ExitStack() as stack:

        def make(**settings: Any) -> ModelMakerBackend:
            given = {"host_base": script.url, "username": "alice", "password": "geheim", "bucket": "b", **settings}
            backend = ModelMakerBackend(
                Settings(**{"poll_seconds": 0.01, **given}), tmp_path / "home", policy=pauses.policy()
            )
            return stack.enter_context(closing(backend))

        yield make


@pytest.fixture(scope="session")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mapping[str, str]]:
    """A running emulator: what a client needs to be pointed at it."""
    folder = tmp_path_factory.mktemp("cloud")
    ready = folder / "ready.json"
    command = [sys.executable, "-m", "anyfit_emulator", "modelmaker", "--port", "0"]
    with subprocess.Popen([*command, "--data", str(folder / "data"), "--ready-file", str(ready)]) as process:
        while not ready.exists():
            assert process.poll() is None, "the emulator has ended"
            time.sleep(0.02)
        yield json.loads(ready.read_text())["modelmaker"]
        process.terminate()


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
def bench(tmp_path: Path) -> Iterator[Callable[[Backend], Bench]]:
    """Makes benches to run scripts on a backend."""
    made: list[Bench] = []

    def make(backend: Backend) -> Bench:
        made.append(Bench(backend, tmp_path / f"bench-{len(made)}"))
        return made[-1]

    yield make
    for each in made:
        each.close()


@pytest.fixture
def requests_made(caplog: pytest.LogCaptureFixture) -> Callable[[], list[str]]:
    """The API calls so far, as `METHOD URL status ...`."""
    caplog.set_level(logging.DEBUG, "anyfit.http")
    return lambda: [record.getMessage() for record in caplog.records if record.name == "anyfit.http"]


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
