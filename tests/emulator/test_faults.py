"""Misbehaviour on request."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest
import requests

from anyfit_emulator import ObjectStoreServer

Code = Callable[[requests.Response], str]
BODIES = [b"0123456789", b"0123456789" * 100_000]


@pytest.fixture(params=BODIES, ids=["small", "large"])
def stored(client: Any, request: pytest.FixtureRequest) -> bytes:
    """An object `/a`."""
    body: bytes = request.param
    client("PUT", "/a", body)
    return body


def test_errors(client: Any, server: ObjectStoreServer, stored: bytes, error_code: Code) -> None:
    """A request is refused without being done."""
    server.faults = "error=500:1,only=PutObject"
    refusal = client("PUT", "/b", stored)
    server.faults = "slowdown=1,only=PutObject"
    slow = client("PUT", "/b", stored)

    assert (refusal.status_code, error_code(refusal)) == (500, "InternalError")
    assert (slow.status_code, error_code(slow)) == (503, "SlowDown")
    assert client("GET", "/b").status_code == 404
    assert [entry.fault for entry in server.requests.recent[1:]] == ["InternalError", "SlowDown", ""]


def test_lost_answers(client: Any, server: ObjectStoreServer, stored: bytes) -> None:
    """The request is done, and nobody hears of it."""
    server.faults = "lost=1,only=PutObject"

    with pytest.raises(requests.ConnectionError):
        client("PUT", "/b", stored)
    assert client("GET", "/b").content == stored


@pytest.mark.parametrize("kind", ["reset", "truncate"])
def test_broken_downloads(client: Any, server: ObjectStoreServer, stored: bytes, kind: str) -> None:
    """The client gets less than was promised, and can notice."""
    server.faults = f"{kind}=1,times=1"

    with pytest.raises((requests.ConnectionError, requests.exceptions.ChunkedEncodingError)):
        client("GET", "/a")
    assert client("GET", "/a").content == stored


def test_corrupt_downloads(client: Any, server: ObjectStoreServer, stored: bytes) -> None:
    """One bit differs, and only the checksum tells."""
    server.faults = "corrupt=1,times=1"
    bad = client("GET", "/a").content

    assert len(bad) == len(stored)
    assert sum(a != b for a, b in zip(bad, stored, strict=True)) == 1
    assert client("GET", "/a").content == stored


def test_no_damage_is_like_the_other(client: Any, server: ObjectStoreServer, stored: bytes) -> None:
    """Who reads twice and gets the same may take it for right."""
    server.faults = "corrupt=1"
    readings = [client("GET", "/a").content for _ in range(5)]

    assert len(set(readings)) > 1


def test_shortened_downloads(client: Any, server: ObjectStoreServer, stored: bytes) -> None:
    """Body and Content-Length agree with each other, and not with the object."""
    server.faults = "shorten=1"
    short = client("GET", "/a")

    assert short.content == stored[: len(stored) // 2]
    assert short.headers["Content-Length"] == str(len(short.content))


def test_broken_uploads(client: Any, server: ObjectStoreServer, stored: bytes) -> None:
    """The connection is reset in the middle, and nothing was done."""
    server.faults = "reset=1,only=PutObject"

    with pytest.raises(requests.ConnectionError):
        client("PUT", "/b", stored * 20)
    assert client("GET", "/b").status_code == 404
    assert server.requests.recent[-2].fault == "reset"


def test_latency(client: Any, server: ObjectStoreServer) -> None:
    """Every answer takes its time."""
    server.faults = "latency=80ms"
    started = time.monotonic()
    client("GET", "/a")

    assert time.monotonic() - started >= 0.08


def test_some_requests_fail_and_their_repetition_passes(client: Any, server: ObjectStoreServer) -> None:
    """With a probability, patience gets everything through, the same way each time."""

    def attempts() -> list[int]:
        server.faults = "error=503:0.3,seed=5"
        counts = []
        for number in range(20):
            count = 1
            while client("PUT", f"/{number}", b"x").status_code != 200:
                count += 1
            counts.append(count)
        return counts

    first = attempts()
    assert max(first) > 1
    assert first == attempts()


def test_the_administration_shows_and_changes(client: Any, server: ObjectStoreServer) -> None:
    """Another process counts requests, sets faults and adds keys over HTTP; changing takes the secret."""
    client("PUT", "/a", b"1")
    url = f"{server.s3_endpoint}/_emulator"
    secret = {"Authorization": f"Bearer {server.secret_key}"}
    seen = requests.get(f"{url}/requests", timeout=60).json()

    assert seen["counts"] == {"PutObject": 1}
    assert seen["recent"][0]["key"] == "a"
    assert requests.put(f"{url}/faults", data="slowdown=1", timeout=60).status_code == 403
    assert requests.put(f"{url}/faults", data="slowdown=1", headers=secret, timeout=60).status_code == 200
    assert client("GET", "/a").status_code == 503
    assert requests.put(f"{url}/faults", data="bang", headers=secret, timeout=60).status_code == 400
    assert requests.put(f"{url}/faults", data="", headers=secret, timeout=60).status_code == 200
    keys: Any = {"access_key": "T", "secret_key": "S", "token": "TOK", "expires_in": 60}
    assert requests.put(f"{url}/credentials", json=keys, headers=secret, timeout=60).status_code == 200
    client.key, client.secret, client.token = "T", "S", "TOK"
    assert client("GET", "/a").status_code == 200
    assert requests.delete(f"{url}/requests", headers=secret, timeout=60).status_code == 200
    assert server.requests.counts == {}
    assert requests.get(f"{url}/other", timeout=60).status_code == 404
