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
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from anyfit.backend import Backend, Catalog
from anyfit.http import RetryPolicy
from anyfit.testing import Bench
from anyfit_ti.backend import TiBackend
from anyfit_ti.catalog import shipped
from anyfit_ti.settings import Settings

Answer = tuple[int, bytes] | Mapping[str, Any] | str | None
"""A status and a body; what the envelope holds; an error's code; or None: the connection ends without an answer."""


class Script:
    """A server that plays the platform: each action has its answers, of which the last is given for ever.

    Attributes:
        url: Its endpoint.
        asked: What was asked: the action, its body, and the headers.
        date: What the server takes for the time, in seconds since 1970; None for the right one.
    """

    def __init__(self) -> None:
        self.asked: list[tuple[str, Any, dict[str, str]]] = []
        self.date: float | None = None
        self._answers: dict[str, list[Answer]] = {}
        script = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def answer(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                action = self.headers.get("X-TC-Action") or self.path.partition("?")[0]
                answer = script._take(action, body, dict(self.headers))
                if answer is None:
                    self.connection.shutdown(socket.SHUT_RDWR)
                    self.close_connection = True
                    return
                status, content = answer
                self.send_response_only(status)
                self.send_header("Date", formatdate(time.time() if script.date is None else script.date, usegmt=True))
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            do_GET = do_POST = do_PUT = do_HEAD = do_DELETE = answer

            def log_message(self, format: str, *args: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01})
        self._thread.start()

    def on(self, action: str, *answers: Answer) -> None:
        """Answer an action, or a path."""
        self._answers[action] = list(answers)

    def calls(self, action: str) -> list[Any]:
        """The bodies with which an action was asked for."""
        return [body for asked, body, _ in self.asked if asked == action]

    def headers(self, action: str) -> list[dict[str, str]]:
        """The headers with which an action was asked for."""
        return [headers for asked, _, headers in self.asked if asked == action]

    def close(self) -> None:
        """End it."""
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def _take(self, action: str, body: bytes, headers: dict[str, str]) -> tuple[int, bytes] | None:
        self.asked.append((action, _read(body), headers))
        answers = self._answers.get(action, ["InvalidAction"])
        answer = answers.pop(0) if len(answers) > 1 else answers[0]
        if answer is None or isinstance(answer, tuple):
            return answer
        if isinstance(answer, str):
            answer = {"Error": {"Code": answer, "Message": "so it is"}}
        if action.startswith("/"):
            return 200, json.dumps(answer).encode()
        return 200, json.dumps({"Response": {**answer, "RequestId": "r-1"}}).encode()


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
def scripted(script: Script, pauses: Pauses, tmp_path: Path) -> Iterator[Callable[..., TiBackend]]:
    """Makes clients of the scripted platform, all on one machine."""
    with ExitStack() as stack:

        def make(**settings: Any) -> TiBackend:
            given = {
                "endpoint": script.url,
                "cls_endpoint": script.url,
                "cos_endpoint": script.url,
                "secret_id": "AKIDalice",
                "secret_key": "geheim",
                "bucket": "demo-1250000000",
                "poll_seconds": 0.01,
                **settings,
            }
            backend = TiBackend(Settings(**given), tmp_path / "home", policy=pauses.policy())
            return stack.enter_context(closing(backend))

        yield make


@pytest.fixture(scope="session")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mapping[str, str]]:
    """A running emulator: what a client needs to be pointed at it."""
    folder = tmp_path_factory.mktemp("cloud")
    ready = folder / "ready.json"
    command = [sys.executable, "-m", "anyfit_emulator", "ti", "--port", "0"]
    with subprocess.Popen([*command, "--data", str(folder / "data"), "--ready-file", str(ready)]) as process:
        while not ready.exists():
            assert process.poll() is None, "the emulator has ended"
            time.sleep(0.02)
        yield json.loads(ready.read_text())["ti"]
        process.terminate()


@pytest.fixture
def connect(cloud: Mapping[str, str], tmp_path: Path) -> Iterator[Callable[..., TiBackend]]:
    """Makes clients of the emulator, all on one machine."""
    with ExitStack() as stack:

        def make(**settings: Any) -> TiBackend:
            given: dict[str, Any] = {**cloud, "poll_seconds": 0.05, **settings}
            return stack.enter_context(closing(TiBackend(Settings(**given), tmp_path / "home")))

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
    """What the documents list."""
    return shipped("2021")
