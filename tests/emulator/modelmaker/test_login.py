"""Tokens and keys: who is let in, and for how long."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError


def test_login_gives_a_token_with_a_life(rig: Any) -> None:
    """The answer holds the token and its duration in seconds."""
    body = {"username": rig.keys["username"], "password": rig.keys["password"]}
    response = rig.send("POST", "/v1/auth-token", body)

    assert response.status_code == 200
    assert response.json()["duration"] == 86400
    assert isinstance(response.json()["token"], str)


def test_a_wrong_password_is_401(rig: Any) -> None:
    """Login failures travel by status, since the official client looks at nothing else there."""
    for body in ({"username": rig.keys["username"], "password": "x"}, {}, {"username": None}):
        response = rig.send("POST", "/v1/auth-token", body)

        assert (response.status_code, response.json()["errorCode"]) == (401, 1001)


@pytest.mark.parametrize("path", ["/v1/train", "/v1/train/7", "/v1/resource/TRAIN", "/v1/model", "/v1/service/1"])
def test_an_unknown_token_is_a_business_error(rig: Any, path: str) -> None:
    """It comes with HTTP 200, whatever was asked."""
    response = rig.send("GET", path, **{"Auth-Token": "nonsense"})

    assert (response.status_code, response.json()["errorCode"]) == (200, 1002)


def test_an_unknown_token_gets_no_keys(rig: Any) -> None:
    """For keys the client looks at the status alone."""
    assert rig.send("GET", "/v1/account/auth-access", **{"Auth-Token": "nonsense"}).status_code == 401


def test_a_token_expires(make_rig: Callable[..., Any]) -> None:
    """Afterwards every call answers 1003 until the next login; what was refused changed nothing."""
    now = [1000.0]
    rig = make_rig(clock=lambda: now[0])
    rig.login()
    now[0] += 86399
    assert rig.get("/v1/train") == {"trainTasks": []}
    now[0] += 1

    assert rig.get("/v1/train")["errorCode"] == 1003
    assert rig.post("/v1/train", rig.custom("true"))["errorCode"] == 1003
    rig.login()
    assert rig.get("/v1/train") == {"trainTasks": []}


def test_tokens_can_be_ended_early(make_rig: Callable[..., Any]) -> None:
    """So that a client's renewal can be tried."""
    rig = make_rig()
    rig.login()
    rig.service.account.expire_tokens()

    assert rig.get("/v1/train")["errorCode"] == 1003


def test_keys_open_the_object_store(rig: Any) -> None:
    """The six members are there, and the keys are good for reading and writing, in any region."""
    keys = rig.get("/v1/account/auth-access")
    s3 = boto3.client(
        "s3",
        endpoint_url=keys["s3"]["url"],
        aws_access_key_id=keys["s3"]["ak"],
        aws_secret_access_key=keys["s3"]["sk"],
        region_name=keys["s3"]["region"],
    )
    s3.put_object(Bucket=rig.bucket, Key="keys/a", Body=b"1")

    assert s3.get_object(Bucket=rig.bucket, Key="keys/a")["Body"].read() == b"1"
    assert set(keys["mirror"]) == {"auth", "url"}
    s3.close()


def test_keys_expire_and_are_renewed(make_rig: Callable[..., Any]) -> None:
    """A client gets the same keys until half of their life is over, and old ones are refused at its end."""
    now = [0.0]
    rig = make_rig(clock=lambda: now[0])
    rig.service.account.token_seconds = 1e9
    first = rig.get("/v1/account/auth-access")["s3"]["ak"]
    now[0] += 43000
    same = rig.get("/v1/account/auth-access")["s3"]["ak"]
    now[0] += 1000
    other = rig.get("/v1/account/auth-access")["s3"]["ak"]

    assert first == same != other
    assert rig.service.account.secret_of(first) is not None
    now[0] = 86400
    assert rig.service.account.secret_of(first) is None
    assert rig.service.account.secret_of(other) is not None


def test_foreign_keys_stay_outside(rig: Any) -> None:
    """The object store checks signatures."""
    s3 = boto3.client(
        "s3",
        endpoint_url=rig.keys["s3_endpoint"],
        aws_access_key_id=rig.keys["access_key"],
        aws_secret_access_key="x",
        region_name="js01",
    )
    with pytest.raises(ClientError, match="SignatureDoesNotMatch"):
        s3.list_objects(Bucket=rig.bucket)
    s3.close()
