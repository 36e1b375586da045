"""Signatures, checked against published vectors and the vendor's own code."""

from __future__ import annotations

import hashlib
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from requests import Request
from tencentcloud.common.sign import Sign

from anyfit_ti.signing import ClsAuth, Credential, Tc3Auth, cls_signature

KEY = Credential("AKIDEXAMPLE0001", "SecretExample0001")
BODY = rb'{"TrainingJobName": "\u8bad\u7ec3-1"}'


def signed(credential: Credential, url: str, body: bytes, now: float, service: str = "tione") -> dict[str, str]:
    """The headers of a signed request."""
    auth = Tc3Auth(credential, service, clock=lambda: now)
    request = Request("POST", url, data=body, headers={"Content-Type": "application/json"}, auth=auth).prepare()
    return dict(request.headers)


def test_vector() -> None:
    """The reference's vector comes out, with the time that was passed in."""
    headers = signed(KEY, "http://127.0.0.1:8080/", BODY, 1700000000.9)

    assert headers["X-TC-Timestamp"] == "1700000000"
    assert headers["Authorization"] == (
        "TC3-HMAC-SHA256 Credential=AKIDEXAMPLE0001/2023-11-14/tione/tc3_request, SignedHeaders=content-type;host,"
        " Signature=3ec34848bc6a12eb645f91868b12a9a416a303d11e650fa9ac85edafae886a5e"
    )
    assert "X-TC-Token" not in headers


def test_token() -> None:
    """A session token goes along and is not signed."""
    plain = signed(KEY, "http://127.0.0.1:8080/", BODY, 1700000000)
    other = signed(Credential(KEY.secret_id, KEY.secret_key, "TOKEN"), "http://127.0.0.1:8080/", BODY, 1700000000)

    assert other.pop("X-TC-Token") == "TOKEN"
    assert other == plain


@given(
    secret=st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1),
    body=st.binary(max_size=200),
    now=st.integers(0, 4 * 10**9),
    service=st.sampled_from(["tione", "tiems", "monitor", "sts"]),
)
def test_official_signer(secret: str, body: bytes, now: int, service: str) -> None:
    """For any key, body and moment the vendor's own signer agrees."""
    headers = signed(Credential("AKID", secret), f"https://{service}.tencentcloudapi.com/", body, now, service)
    date = time.strftime("%Y-%m-%d", time.gmtime(now))
    request = (
        f"POST\n/\n\ncontent-type:application/json\nhost:{service}.tencentcloudapi.com\n\n"
        f"content-type;host\n{hashlib.sha256(body).hexdigest()}"
    )
    text = f"TC3-HMAC-SHA256\n{now}\n{date}/{service}/tc3_request\n{hashlib.sha256(request.encode()).hexdigest()}"

    assert headers["Authorization"].endswith(f"Signature={Sign.sign_tc3(secret, date, service, text)}")


def test_log_service_vector() -> None:
    """The reference's vector of the older log service comes out."""
    parameters = {
        "logset_id": "ls1",
        "topic_ids": "tp1",
        "query": "job:job-1",
        "limit": "100",
        "sort": "asc",
        "start_time": "2023-11-15 06:00:00",
        "end_time": "2023-11-15 06:13:20",
        "context": "",
    }
    header = cls_signature(KEY, "/searchlog", parameters, "ap-guangzhou.cls.tencentcs.com", 1700000060)
    request = Request(
        "GET",
        "http://ap-guangzhou.cls.tencentcs.com/searchlog",
        auth=ClsAuth(Credential(KEY.secret_id, KEY.secret_key, "T"), parameters, clock=lambda: 1700000060),
    ).prepare()

    assert "q-sign-time=1700000000;1700000360&" in header
    assert header.endswith("q-signature=e9db77370d7ede79f59d43f1f9416bb83cb95851")
    assert request.headers["Authorization"] == header
    assert request.headers["x-cls-Token"] == "T"


@pytest.mark.parametrize("secret", ["AKIDEXAMPLE0001", "SecretExample0001", "TOKEN"])
def test_nothing_is_shown(secret: str) -> None:
    """Who asks does not show in its own words."""
    assert secret not in repr(Credential("AKIDEXAMPLE0001", "SecretExample0001", "TOKEN"))
