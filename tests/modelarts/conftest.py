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

from anyfit.backend import Backend, Catalog
from anyfit.http import RetryPolicy
from anyfit.testing import Bench
from anyfit_modelarts.backend import ModelArtsBackend
from anyfit_modelarts.catalog import shipped_catalog
from anyfit_modelarts.settings import Settings

Answer = tuple[int, Any] | Mapping[str, Any] | list[Any] | None
"""A status and a body, a JSON value, or None: the connection is closed without an answer."""

PROJECT = "0123456789abcdef0123456789abcdef"


class Script:
    """A server that plays IAM, ModelArts and OBS: each call has its answers, of which the last is given for ever.

    Attributes:
        url: Where all three are.
        asked: What was asked: method, path with query, body, and headers.
        logins: How often a token was asked for.
        life: Seconds that a token lives.
    """

    def __init__(self) -> None:
        self.asked: list[tuple[str, str, Any, Mapping[str, str]]] = []
        self.logins = 0
        self.life = 86400.0
        self._answers: dict[str, list[Answer]] = {}
        script = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def answer(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                answer = script._take(self.command, self.path, body, dict(self.headers.items()))
                if answer is None:
                    self.connection.shutdown(socket.SHUT_RDWR)
                    self.close_connection = True
                    return
                status, content = answer if isinstance(answer, tuple) else (200, answer)
                data = content if isinstance(content, bytes) else json.dumps(content).encode()
                self.send_response(status)
                if status == 201 and self.path.startswith("/v3/auth/tokens"):
                    self.send_header("X-Subject-Token", f"token-{script.logins}")
                self.send_header("X-Request-Id", "request-7")
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data if status != 204 else b"")

            do_GET = do_POST = do_PUT = do_DELETE = answer

            def log_message(self, format: str, *args: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01})
        self._thread.start()

    def on(self, call: str, *answers: Answer) -> None:
        """Answer a call such as `GET /v2/training-jobs`, project and query left out."""
        self._answers[call] = list(answers)

    def calls(self, call: str) -> list[Any]:
        """The bodies with which a call was made."""
        return [body for method, path, body, _ in self.asked if f"{method} {_bare(path)}" == call]

    def headers(self, call: str) -> list[Mapping[str, str]]:
        """The headers with which a call was made."""
        return [headers for method, path, _, headers in self.asked if f"{method} {_bare(path)}" == call]

    def close(self) -> None:
        """End it."""
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def _take(self, method: str, path: str, body: bytes, headers: Mapping[str, str]) -> Answer:
        call = f"{method} {_bare(path)}"
        self.asked.append((method, path, _read(body), headers))
        if call == "POST /v3/auth/tokens":
            self.logins += 1
        answers = self._answers.get(call) or [self._usual(call)]
        return answers.pop(0) if len(answers) > 1 else answers[0]

    def _usual(self, call: str) -> Answer:
        end = time.strftime("%Y-%m-%dT%H:%M:%S.000000Z", time.gmtime(time.time() + self.life))
        if call == "POST /v3/auth/tokens":
            return 201, {"token": {"expires_at": end, "project": {"id": PROJECT, "name": "cn-north-4"}}}
        if call == "POST /v3.0/OS-CREDENTIAL/securitytokens":
            credential = {"access": "TEMP", "secret": "hush", "securitytoken": "token", "expires_at": end}
            return 201, {"credential": credential}
        if call.startswith(("GET /b/", "PUT /b/", "HEAD /b/", "GET /demo/")):
            return 404, b"<Error><Code>NoSuchKey</Code></Error>"
        return 404, {"error_code": "APIGW.0101", "error_msg": "The API does not exist", "request_id": "x"}


def _bare(path: str) -> str:
    return path.partition("?")[0].replace(f"/{PROJECT}", "")


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
def scripted(script: Script, pauses: Pauses, tmp_path: Path) -> Iterator[Callable[..., ModelArtsBackend]]:
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
    ready = folder / "ready.json"
    command = [sys.executable, "-m", "anyfit_emulator", "modelarts", "--port", "0"]
    with subprocess.Popen([*command, "--data", str(folder / "data"), "--ready-file", str(ready)]) as process:
        while not ready.exists():
            assert process.poll() is None, "the emulator has ended"
            time.sleep(0.02)
        yield json.loads(ready.read_text())["modelarts"]
        process.terminate()


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
    """What stands in the platform's documents."""
    return shipped_catalog("v2")
