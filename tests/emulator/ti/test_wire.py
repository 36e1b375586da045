"""Who is let in, and in what form things are asked and answered."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Callable
from typing import Any

import pytest

from anyfit_emulator.http import Body, Request
from anyfit_emulator.storage import Credential
from anyfit_emulator.storage.credentials import CredentialTable
from anyfit_ti.emulator.signatures import authenticate
from anyfit_ti.emulator.wire import read

STS = "2018-08-13"
ROLE = {"RoleArn": "qcs::cam::uin/1:roleName/x", "RoleSessionName": "s"}


def lent(rig: Any, **more: Any) -> tuple[str, str, str]:
    """Keys with a token."""
    keys = rig.call("AssumeRole", {**ROLE, **more}, STS, service="sts")["Credentials"]
    return keys["TmpSecretId"], keys["TmpSecretKey"], keys["Token"]


def request(body: bytes, method: str = "POST", query: str = "", **headers: str) -> Request:
    """A request that has arrived."""
    arrived = Body(len(body))
    arrived.feed(body)
    arrived.complete = True
    return Request(method, "/", query, {name.replace("_", "-"): value for name, value in headers.items()}, arrived)


def test_the_signature_of_the_reference() -> None:
    """The test vector that the official signer gave."""
    table = CredentialTable(Credential("AKIDEXAMPLE0001", "SecretExample0001"), clock=lambda: 1700000100.0)
    signature = "3ec34848bc6a12eb645f91868b12a9a416a303d11e650fa9ac85edafae886a5e"
    credential = "AKIDEXAMPLE0001/2023-11-14/tione/tc3_request"
    incoming = read(
        request(
            b'{"TrainingJobName": "\\u8bad\\u7ec3-1"}',
            host="127.0.0.1:8080",
            content_type="application/json",
            authorization=f"TC3-HMAC-SHA256 Credential={credential}, SignedHeaders=content-type;host, "
            f"Signature={signature}",
            x_tc_timestamp="1700000000",
        )
    )

    assert authenticate(incoming, table) == "tione"
    assert incoming.parameters == {"TrainingJobName": "训练-1"}


def test_the_older_signature_of_the_reference() -> None:
    """Its test vector: a form that carries everything among its parameters."""
    table = CredentialTable(Credential("AKIDEXAMPLE0001", "SecretExample0001"), clock=lambda: 1700000100.0)
    form = (
        b"Action=StopTrainingJob&Version=2019-10-22&Region=ap-guangzhou&Timestamp=1700000000&Nonce=11886"
        b"&SecretId=AKIDEXAMPLE0001&SignatureMethod=HmacSHA256&TrainingJobName=job+a"
        b"&Signature=7bAnxAErVWXpivMATo6FVCtm54wDrsnPwcw98KeawPo%3D"
    )
    kind = "application/x-www-form-urlencoded"
    incoming = read(request(form, host="tione.tencentcloudapi.com", content_type=kind))

    assert authenticate(incoming, table) == ""
    assert incoming.parameters == {"TrainingJobName": "job a"}
    assert incoming.common["Action"] == "StopTrainingJob"


def test_lists_and_objects_in_a_query() -> None:
    """Their members are spelled out in the names."""
    query = "Filters.0.Name=status&Filters.0.Values.1=b&Filters.0.Values.0=a&Data.Deep.X=1&Plain=2"
    incoming = read(request(b"", "GET", query, content_type="application/x-www-form-urlencoded", authorization="x"))

    filters = [{"Name": "status", "Values": ["a", "b"]}]
    assert incoming.parameters == {"Filters": filters, "Data": {"Deep": {"X": "1"}}, "Plain": "2"}


@pytest.mark.parametrize(
    ("how", "code"),
    [
        ({"keys": ("AKIDNOBODY", "x", "")}, "AuthFailure.SecretIdNotFound"),
        ({"shift": -400}, "AuthFailure.SignatureExpire"),
        ({"shift": 400}, "AuthFailure.SignatureExpire"),
        ({"told": 1}, "AuthFailure.SignatureFailure"),
        ({"X_TC_Timestamp": "soon"}, "MissingParameter"),
        ({"Authorization": "TC3-HMAC-SHA256 Credential=x"}, "AuthFailure.InvalidAuthorization"),
        ({"Authorization": "SKIP"}, "AuthFailure.InvalidAuthorization"),
        ({"X_TC_Token": "t"}, "AuthFailure.TokenFailure"),
        ({"service": "cvm"}, "NoSuchProduct"),
        ({"version": "2017-01-01"}, "NoSuchVersion"),
        ({"action": "CreateCar"}, "InvalidAction"),
        ({"action": ""}, "MissingParameter"),
        ({"Content_Type": "text/plain"}, "UnsupportedProtocol"),
        ({"parameters": [1]}, "InvalidRequest"),
        ({"parameters": {"DurationSeconds": "many", **ROLE}}, "InvalidParameter"),
        ({"parameters": {"DurationSeconds": 50_000, **ROLE}}, "InvalidParameterValue"),
        ({"parameters": {"RoleArn": "x"}}, "MissingParameter"),
    ],
)
def test_refusals(rig: Any, how: dict[str, Any], code: str) -> None:
    """Everything that keeps a request out has a code of its own, and HTTP status 200."""
    given = {"service": "sts", **how}
    action, version = given.pop("action", "AssumeRole"), given.pop("version", STS)
    parameters = given.pop("parameters", ROLE)
    if "shift" in given:
        given["at"] = int(time.time()) + given.pop("shift")
    if "told" in given:
        given["X_TC_Timestamp"] = str(int(time.time()) + given.pop("told"))

    assert rig.refusal(action, parameters, version, **given) == code


def test_temporary_keys(rig: Any) -> None:
    """They need their token, and end."""
    secret_id, secret_key, token = lent(rig)

    def again(*keys: str) -> Any:
        return rig.refusal("AssumeRole", ROLE, STS, service="sts", keys=keys)

    rig.call("AssumeRole", ROLE, STS, service="sts", keys=(secret_id, secret_key, token))
    assert again(secret_id, secret_key, "") == "AuthFailure.TokenFailure"
    assert again(secret_id, secret_key, token + "x") == "AuthFailure.TokenFailure"
    keys = lent(rig, DurationSeconds=1)
    later = time.time() + 2
    rig.room.storage.credentials.clock = lambda: later
    try:
        assert again(*keys) == "AuthFailure.TokenFailure"
    finally:
        rig.room.storage.credentials.clock = time.time


def test_temporary_keys_outlive_the_emulator(make_rig: Callable[..., Any]) -> None:
    """A client need not notice that the emulator was started again."""
    rig = make_rig()
    keys = lent(rig)
    rig.close()

    assert make_rig(rig.room.data_dir).call("AssumeRole", ROLE, STS, service="sts", keys=keys)["Credentials"]


def test_a_host_with_a_scheme(rig: Any, sign: Callable[..., Any], answer: Callable[..., Any]) -> None:
    """The official SDK signs and sends one when its endpoint is a URL."""
    host, body = rig.keys["endpoint"], json.dumps(ROLE).encode()
    headers = sign(rig.keys["secret_id"], rig.keys["secret_key"], host, body, service="sts")
    headers |= {"X-TC-Action": "AssumeRole", "X-TC-Version": STS}

    assert answer(rig.http.post(host + "/", data=body, headers=headers, timeout=30))["Credentials"]


def test_get_under_both_signatures(rig: Any, sign: Callable[..., Any], answer: Callable[..., Any]) -> None:
    """Numbers come as text there, and are taken for numbers."""
    host = rig.keys["endpoint"].partition("://")[2]
    query = "RoleArn=r&RoleSessionName=s&DurationSeconds=100"
    kind = "application/x-www-form-urlencoded"
    keys = (rig.keys["secret_id"], rig.keys["secret_key"])
    headers = sign(*keys, host, b"", service="sts", method="GET", query=query, kind=kind)
    headers |= {"X-TC-Action": "AssumeRole", "X-TC-Version": STS}
    assert answer(rig.http.get(f"{rig.keys['endpoint']}/?{query}", headers=headers, timeout=30))["ExpiredTime"]

    flat = dict(word.split("=") for word in query.split("&"))
    flat |= {"Action": "AssumeRole", "Version": STS, "Timestamp": str(int(time.time())), "Nonce": "7"}
    flat |= {"SecretId": keys[0]}
    for method in ("GET", "POST"):
        text = f"{method}{host}/?" + "&".join(f"{name}={flat[name]}" for name in sorted(flat))
        mac = hmac.new(keys[1].encode(), text.encode(), hashlib.sha1).digest()
        whole = {**flat, "Signature": base64.b64encode(mac).decode()}
        how: dict[str, Any] = {"params": whole} if method == "GET" else {"data": whole}
        assert answer(rig.http.request(method, rig.keys["endpoint"] + "/", timeout=30, **how))["ExpiredTime"]


def test_elsewhere_is_nothing(rig: Any) -> None:
    """The API has one path."""
    assert rig.http.get(rig.keys["endpoint"] + "/v1", timeout=30).status_code == 404
