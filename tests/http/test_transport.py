"""The transport against a real server that misbehaves by script."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from anyfit.errors import LostAnswer, Refused, ServiceError
from anyfit.http import Transport
from ports import deaf_port
from scripted import Listener, Pauses, Reply


class Scripted(Listener):
    """A server that gives its answers in turn and remembers what it was asked."""

    def __init__(self) -> None:
        self.answers: list[Reply | None] = []
        self.asked: list[tuple[str, str, bytes]] = []
        self.headers: list[Mapping[str, str]] = []
        super().__init__()

    def take(self, method: str, path: str, body: bytes, headers: Mapping[str, str]) -> Reply | None:
        self.asked.append((method, path, body))
        self.headers.append(headers)
        return self.answers.pop(0)


@pytest.fixture
def server() -> Iterator[Scripted]:
    scripted = Scripted()
    yield scripted
    scripted.close()


@pytest.fixture
def transport(pauses: Pauses) -> Iterator[Transport]:
    made = Transport("test", policy=pauses.policy(attempts=3))
    yield made
    made.close()


OK = Reply(200, b"{}")


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
def test_a_repeatable_call_is_repeated(server: Scripted, transport: Transport, pauses: Pauses, status: int) -> None:
    """A GET is tried again after a fault of the service, with growing pauses."""
    server.answers = [Reply(status, b""), Reply(status, b""), OK]

    response = transport.send("GET", f"{server.url}/x")

    assert response.status_code == 200
    assert pauses == [0.5, 1.0]


def test_the_last_refusal_is_answered(server: Scripted, transport: Transport) -> None:
    """When every try fails, the caller sees the service's own last answer."""
    server.answers = [Reply(503, b"1"), Reply(503, b"2"), Reply(503, b"busy")]

    response = transport.send("GET", server.url)

    assert (response.status_code, response.content) == (503, b"busy")


def test_a_creating_call_is_not_repeated_blindly(server: Scripted, transport: Transport) -> None:
    """A POST whose answer is lost, or that broke the service, is sent once."""
    server.answers = [Reply(500, b""), None]

    assert transport.send("POST", server.url, json={"a": 1}).status_code == 500
    with pytest.raises(ServiceError, match="no answer") as caught:
        transport.send("POST", server.url, json={"a": 2})

    assert "look whether the call had its effect" in caught.value.hint
    assert [body for _, _, body in server.asked] == [b'{"a": 1}', b'{"a": 2}']


def test_a_busy_service_is_asked_again_even_to_create(server: Scripted, transport: Transport) -> None:
    """429 says that nothing was done, so a POST is tried again; 503 may come from a gateway and says no such thing."""
    server.answers = [Reply(429, b""), OK, Reply(503, b"")]

    assert transport.send("POST", server.url, json={}).status_code == 200
    assert transport.send("POST", server.url, json={}).status_code == 503


def test_a_redirection_is_not_followed(server: Scripted, transport: Transport) -> None:
    """What a signer wrote for one host goes to no other, and an empty answer of a portal is no success."""
    server.answers = [Reply(302, b"", {"Location": f"{server.url}/elsewhere?secret=1"})]
    with pytest.raises(ServiceError) as caught:
        transport.send("POST", server.url, headers={"X-Auth-Token": "t"})

    assert caught.value.message.endswith(f"redirects to {server.url}/elsewhere")
    assert caught.value.hint == "check the endpoint"
    assert len(server.asked) == 1


def test_no_password_comes_from_netrc(
    server: Scripted, transport: Transport, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a user's ~/.netrc has for a host, or for every one, neither goes there nor takes the place of ours."""
    (tmp_path / "netrc").write_text("default login me password mine\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    server.answers = [OK]
    transport.send("GET", server.url, headers={"Authorization": "ours"})

    assert server.headers[-1]["Authorization"] == "ours"


def test_a_lost_answer_is_told_from_one_that_never_left(server: Scripted, transport: Transport) -> None:
    """Only a request that went out may have had its effect."""
    server.answers = [None]
    with pytest.raises(LostAnswer):
        transport.send("POST", server.url, json={})
    server.close()
    with pytest.raises(ServiceError) as caught:
        transport.send("POST", server.url, json={})

    assert not isinstance(caught.value, LostAnswer)
    with pytest.raises(ServiceError, match=r"nowhere\.invalid") as caught:
        transport.send("POST", "http://nowhere.invalid/", json={})
    assert not isinstance(caught.value, LostAnswer)
    assert caught.value.hint == "check the endpoint, the network and the proxy"


def test_a_lost_answer_to_a_get_is_asked_for_again(server: Scripted, transport: Transport) -> None:
    """A connection that breaks under a GET is made again."""
    server.answers = [None, OK]

    assert transport.send("GET", server.url).status_code == 200


def test_retry_after_is_honoured_within_reason(server: Scripted, transport: Transport, pauses: Pauses) -> None:
    """The service's own wish decides the pause, up to the longest."""
    server.answers = [Reply(503, b"", {"Retry-After": "3"}), Reply(503, b"", {"Retry-After": "9999"}), OK]

    transport.send("GET", server.url)

    assert pauses == [3.0, 20.0]


def test_refusals_are_not_repeated(server: Scripted, transport: Transport) -> None:
    """4xx is an answer like any other."""
    server.answers = [Reply(404, b"no")]

    assert transport.send("GET", server.url).status_code == 404


def test_nobody_listens(transport: Transport) -> None:
    """An endpoint that nobody serves is named, without what may be secret in its URL."""
    with deaf_port() as port, pytest.raises(ServiceError) as caught:
        transport.send("POST", f"http://user:pw@127.0.0.1:{port}/path", params={"token": "hush"})

    assert isinstance(caught.value, Refused)
    assert f"127.0.0.1:{port}" in str(caught.value)
    assert "pw" not in str(caught.value)
    assert "hush" not in str(caught.value)


def test_a_proxy_that_nobody_runs_is_no_refusal(transport: Transport, monkeypatch: pytest.MonkeyPatch) -> None:
    """A refusal by a proxy says nothing of the service behind it, nor does a name that nobody knows."""
    with deaf_port() as port:
        monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{port}")
        with pytest.raises(ServiceError) as behind:
            transport.send("GET", "http://service.example/")
    monkeypatch.delenv("http_proxy")
    with pytest.raises(ServiceError) as unknown:
        transport.send("GET", "http://nowhere.invalid/")

    assert not isinstance(behind.value, Refused)
    assert not isinstance(unknown.value, Refused)


def test_nothing_secret_is_logged(server: Scripted, transport: Transport, caplog: pytest.LogCaptureFixture) -> None:
    """The log shows method, path and status, and neither queries nor headers nor bodies."""
    server.answers = [OK]
    with caplog.at_level(logging.DEBUG, logger="anyfit.http"):
        transport.send(
            "POST", f"{server.url}/login", params={"q": "hush1"}, headers={"X-Auth": "hush2"}, json={"p": "hush3"}
        )

    assert "/login 200" in caplog.text
    assert "hush" not in caplog.text
