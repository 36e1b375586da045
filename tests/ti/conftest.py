"""A running emulator, and a server that answers by script."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, closing
from email.utils import formatdate
from pathlib import Path
from typing import Any

import pytest

from anyfit.backend import Catalog
from anyfit_ti.backend import TiBackend
from anyfit_ti.catalog import shipped
from anyfit_ti.settings import Settings
from emulated import emulated
from scripted import STORED, Asked, Pauses, Reply, Script

Answer = tuple[int, bytes] | Mapping[str, Any] | str | None
"""A status and a body; what the envelope holds; an error's code; or None: the connection ends without an answer."""


class TiScript(Script[Answer]):
    """Plays the platform and its store; calls are named by their action, or by their path where they have none.

    Attributes:
        date: What the server takes for the time, in seconds since 1970; None for the right one.
    """

    date: float | None = None

    def call_of(self, method: str, path: str, headers: Mapping[str, str]) -> str:
        return headers.get("X-TC-Action") or path.partition("?")[0]

    def usual(self, asked: Asked) -> Answer:
        return "InvalidAction"

    def reply(self, asked: Asked, answer: Answer) -> Reply | None:
        if answer is None:
            return None
        date = formatdate(time.time() if self.date is None else self.date, usegmt=True)
        status, content = answer if isinstance(answer, tuple) else (200, _enveloped(asked.call, answer))
        return Reply(status, content, {"Date": date, "Content-Type": "application/json", **STORED})


def _enveloped(call: str, answer: Mapping[str, Any] | str) -> bytes:
    """What comes in an envelope does, which what has a path does not."""
    held = {"Error": {"Code": answer, "Message": "so it is"}} if isinstance(answer, str) else answer
    return json.dumps(held if call.startswith("/") else {"Response": {**held, "RequestId": "r-1"}}).encode()


@pytest.fixture
def script() -> Iterator[TiScript]:
    """The platform by script."""
    script = TiScript()
    yield script
    script.close()


@pytest.fixture
def scripted(script: TiScript, pauses: Pauses, tmp_path: Path) -> Iterator[Callable[..., TiBackend]]:
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
    with emulated("ti", folder, "--data", str(folder / "data")) as (_, keys):
        yield keys


@pytest.fixture
def connect(cloud: Mapping[str, str], tmp_path: Path) -> Iterator[Callable[..., TiBackend]]:
    """Makes clients of the emulator, all on one machine."""
    with ExitStack() as stack:

        def make(**settings: Any) -> TiBackend:
            given: dict[str, Any] = {**cloud, "poll_seconds": 0.05, **settings}
            return stack.enter_context(closing(TiBackend(Settings(**given), tmp_path / "home")))

        yield make


@pytest.fixture
def catalog() -> Catalog:
    """What the documents list."""
    return shipped("2021")
