"""Requests that are signed with access keys."""

from __future__ import annotations

import time
from hashlib import sha256
from typing import Any

import pytest

from anyfit_modelarts.emulator.signing import Claim, canonical_request, parse_header, signature

PROJECT = "0123456789abcdef0123456789abcdef"
SECRET = "SKexampleSecretKey0000000000000000000001"
HEADERS = {"host": "modelarts.cn-north-4.myhuaweicloud.com", "x-sdk-date": "20260102T030405Z"}
FOUR = ["content-type", "host", "x-project-id", "x-sdk-date"]
VECTORS = [
    (
        Claim(
            "GET",
            f"/v1/{PROJECT}/job/resource-specs",
            "job_type=train",
            {**HEADERS, "content-type": "application/json", "x-project-id": PROJECT},
        ),
        FOUR,
        "4dcae4e650e3c178045317c45dd372d593bd519222b33ba1cdb44b807fb12485",
        "5962aae23f85b45010e636ff81bea6698e1ecccf85a40d32055db78bc4478cd3",
    ),
    (
        Claim(
            "POST",
            f"/v2/{PROJECT}/training-job-searches",
            "",
            {**HEADERS, "content-type": "application/json;charset=UTF-8", "x-project-id": PROJECT},
            b'{"offset": 0, "limit": 10}',
        ),
        FOUR,
        "f8a445de39d1f2236037743bbb23bfe99dba705e2d7ef71590d4076adedd1c2c",
        "c72c163c9aa6c90e64798af081f39df2494daaf4cb35b3b45e8e5c99e36e1b93",
    ),
    (
        Claim("GET", "/v1/p/training-jobs", "search_content=a+b%2Fc~d&page=1&order=asc", HEADERS),
        ["host", "x-sdk-date"],
        "9b00086be55759bb30a61bd9177b11519b654f8da38e6dd64d1a34c9b73abb56",
        "0e7c12ce55eb4ccd1cb321fb79e97cf76a393d9a096c3d5085d957922bd6cb5a",
    ),
]
SEARCHES = "/v1/{p}/job/resource-specs"
BEYOND = 15 * 60 + 3600  # seconds; the moments are worked out long before the tests run


@pytest.mark.parametrize(("claim", "signed", "digest", "expected"), VECTORS, ids=["V1", "V2", "V3"])
def test_vectors(claim: Claim, signed: list[str], digest: str, expected: str) -> None:
    """The reference's vectors give its digests and signatures."""
    assert sha256(canonical_request(claim, signed).encode()).hexdigest() == digest
    assert signature(claim, signed, SECRET) == expected


@pytest.mark.parametrize("text", ["", "SDK-HMAC-SHA256 Access=a", "SDK-HMAC-SHA256 Credential=a/b/sdk_request"])
def test_other_headers_are_none(text: str) -> None:
    """A header of another form is no signature."""
    assert parse_header(text) is None


@pytest.mark.parametrize(
    ("changes", "fragment"),
    [
        ({"access_key": "NOBODY"}, "ak NOBODY not exist"),
        ({"secret_key": "wrong"}, "verify aksk signature fail"),
        ({"x-security-token": "unexpected"}, "verify aksk signature fail"),
        ({"moment": time.time() - BEYOND}, "signature expired"),
        ({"moment": time.time() + BEYOND}, "signature expired"),
    ],
)
def test_refusals(rig: Any, changes: dict[str, Any], fragment: str) -> None:
    """Unknown keys, wrong signatures and clocks that differ by more than 15 minutes are refused by the gateway."""
    response = rig.signed("GET", "/v3/projects", **changes)
    answer = response.json()

    assert (response.status_code, answer["error_code"]) == (401, "APIGW.0301")
    assert fragment in answer["error_msg"]
    assert answer["request_id"] == response.headers["X-Request-Id"]


def test_signed_requests_are_let_in(rig: Any) -> None:
    """With the account's keys, and with a clock that differs by less."""
    for moment in (time.time() - 600, time.time() + 600):
        response = rig.signed("GET", "/v3/projects?name=cn-north-4", moment=moment)
        assert [project["id"] for project in response.json()["projects"]] == [rig.project]


def test_temporary_keys_need_their_token(rig: Any) -> None:
    """Keys of the token service are good together with their security token, until they expire."""
    asked = {"auth": {"identity": {"methods": ["token"], "token": {"duration_seconds": 900}}}}
    made = rig.post("/v3.0/OS-CREDENTIAL/securitytokens", asked, 201)["credential"]
    keys = {"access_key": made["access"], "secret_key": made["secret"]}

    assert rig.signed("GET", "/v3/projects", **keys, **{"x-security-token": made["securitytoken"]}).status_code == 200
    assert rig.signed("GET", "/v3/projects", **keys).json()["error_code"] == "APIGW.0301"
    assert rig.post("/v3.0/OS-CREDENTIAL/securitytokens", {"auth": {"identity": {}}}, 400)["error"]["code"] == 400


def test_a_body_that_was_changed_is_refused(rig: Any) -> None:
    """The signature covers the body, unless it says that it does not."""
    path, body, other = "/v3.0/OS-CREDENTIAL/credentials", b'{"credential": {"user_id": "x"}}', b"{}"
    lied = {"x-sdk-content-sha256": sha256(body).hexdigest()}

    assert rig.signed("POST", path, body).status_code == 404
    assert rig.signed("POST", path, body, sent=other).status_code == 401
    assert rig.signed("POST", path, body, sent=other, **lied).status_code == 401
    assert rig.signed("POST", path, body, payload="UNSIGNED-PAYLOAD", sent=other).status_code == 400
    assert rig.signed("POST", path, b"x" * (13 << 20)).status_code == 413
