"""Tokens: how one gets them, what they are good for, how they end."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

LOGIN = "/v3/auth/tokens"


def test_the_documented_login(rig: Any) -> None:
    """201, the token in a header alone, and who it belongs to in the body."""
    response = rig.send("POST", LOGIN, rig.login_body())
    token = response.json()["token"]

    assert response.status_code == 201
    assert response.headers["X-Subject-Token"].startswith("MII")
    assert token["project"] == {
        "id": rig.project,
        "name": "cn-north-4",
        "domain": {"id": token["user"]["domain"]["id"], "name": rig.keys["domain"]},
    }
    assert token["catalog"] == []
    assert "catalog" not in rig.send("POST", f"{LOGIN}?nocatalog=true", rig.login_body()).json()["token"]
    assert rig.send("POST", LOGIN, rig.login_body(project={"id": rig.project})).status_code == 201


@pytest.mark.parametrize(
    ("change", "status", "title"),
    [
        (lambda body: body["auth"]["identity"]["password"]["user"].update(password="wrong"), 401, "Unauthorized"),
        (lambda body: body["auth"]["identity"]["password"]["user"].update(name="nobody"), 401, "Unauthorized"),
        (lambda body: body["auth"]["identity"]["password"]["user"].pop("domain"), 400, "Bad Request"),
        (lambda body: body["auth"]["identity"].update(methods=["magic"]), 400, "Bad Request"),
        (lambda body: body["auth"]["scope"].update(project={"name": "mars-1"}), 401, "Unauthorized"),
        (lambda body: body.clear(), 400, "Bad Request"),
    ],
)
def test_refused_logins(rig: Any, change: Callable[[Any], Any], status: int, title: str) -> None:
    """Errors have the shape of IAM's own."""
    body = rig.login_body()
    change(body)
    response = rig.send("POST", LOGIN, body)
    error = response.json()["error"]

    assert (response.status_code, error["code"], error["title"]) == (status, status, title)
    assert "X-Subject-Token" not in response.headers


def test_projects(rig: Any) -> None:
    """The project is found by its name, another is not."""
    [project] = rig.get("/v3/projects?name=cn-north-4")["projects"]

    assert (project["id"], project["enabled"], project["is_domain"]) == (rig.project, True, False)
    assert rig.get("/v3/projects?name=elsewhere")["projects"] == []


def test_tokens_that_are_none(rig: Any) -> None:
    """No token, an unknown one."""
    for headers, fragment in (({"X-Auth-Token": ""}, "not found"), ({"X-Auth-Token": "x"}, "decrypt token fail")):
        response = rig.send("GET", "/v3/projects", **headers)
        answer = response.json()
        assert (response.status_code, answer["error_code"]) == (401, "APIGW.0301")
        assert fragment in answer["error_msg"]


def test_tokens_expire(make_rig: Callable[..., Any]) -> None:
    """By time, or when a test says so; new ones are good, and earlier ones live beside them."""
    now = [1_800_000_000.0]
    rig = make_rig(clock=lambda: now[0])
    first = rig.login()
    second = rig.login()
    assert first != second
    for token in (first, second):
        assert rig.send("GET", "/v3/projects", **{"X-Auth-Token": token}).status_code == 200
    now[0] += 86401
    refused = rig.send("GET", "/v3/projects")
    assert (refused.status_code, refused.json()["error_code"]) == (401, "APIGW.0307")
    rig.login()
    assert rig.send("GET", "/v3/projects").status_code == 200
    rig.service.account.expire_tokens()
    assert rig.send("GET", "/v3/projects").status_code == 401


def test_what_does_not_exist(rig: Any) -> None:
    """The gateway knows no other paths; a known path says what it allows."""
    unknown = rig.send("GET", "/v9/nothing")
    wrong = rig.send("DELETE", LOGIN)

    assert (unknown.status_code, unknown.json()["error_code"]) == (404, "APIGW.0101")
    assert wrong.status_code == 405


def test_temporary_keys_by_a_token_in_the_body(rig: Any) -> None:
    """The token may stand in the body; without any the identity service refuses."""
    token = rig.send("POST", LOGIN, rig.login_body()).headers["X-Subject-Token"]
    path = "/v3.0/OS-CREDENTIAL/securitytokens"
    body: dict[str, Any] = {"auth": {"identity": {"methods": ["token"], "token": {"id": token}}}}
    made = rig.send("POST", path, body, **{"X-Auth-Token": ""})
    assert (made.status_code, made.json()["credential"]["access"] != rig.keys["access_key"]) == (201, True)
    body["auth"]["identity"]["token"] = {}

    assert rig.send("POST", path, body, **{"X-Auth-Token": ""}).status_code == 401
