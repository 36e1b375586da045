"""Every documented error of the platform, over HTTP, as one of anyfit's."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from anyfit.backend import JobRef
from anyfit.errors import AnyfitError, AuthError, Conflict, NotFound, ServiceError, SpecError, UsageError
from anyfit_modelmaker.backend import ModelMakerBackend
from anyfit_modelmaker.errors import CODES, STALE

Make = Callable[..., ModelMakerBackend]
REF = JobRef("modelmaker", "js01", "1/2")

TABLE = {
    1001: AuthError,
    1002: AuthError,
    1003: AuthError,
    1004: SpecError,
    101004: NotFound,
    101005: UsageError,
    101009: Conflict,
    102004: NotFound,
    102005: UsageError,
    102009: Conflict,
    103004: NotFound,
    103005: UsageError,
    103009: Conflict,
    999999: ServiceError,
}


@pytest.mark.parametrize(("code", "kind"), TABLE.items())
def test_code(script: Any, scripted: Make, code: int, kind: type[AnyfitError]) -> None:
    """A code becomes its error, with the platform's message and the code as data."""
    script.on("GET /v1/train/version/2/resource-monitor", {"errorCode": code, "errorMessage": "the platform's words"})
    with pytest.raises(AnyfitError) as caught:
        scripted().utilization(REF)

    assert type(caught.value) is kind
    assert caught.value.status == str(code)
    assert caught.value.backend == "modelmaker"
    assert "the platform's words" in str(caught.value) or code in STALE


def test_every_code_is_tested() -> None:
    """The table of the package and the table above know the same codes."""
    assert set(CODES) == set(TABLE) - {999999}
    assert all(hint for _, hint in CODES.values())


@pytest.mark.parametrize(
    ("status", "kind"),
    [(400, ServiceError), (403, AuthError), (404, ServiceError), (500, ServiceError), (502, ServiceError)],
)
def test_status(script: Any, scripted: Make, status: int, kind: type[AnyfitError]) -> None:
    """An HTTP status that is no success becomes an error, whatever the body."""
    for body in (b"", b"<html>", b'{"errorMessage": "words"}'):
        script.on("GET /v1/train", (status, body))
        with pytest.raises(AnyfitError) as caught:
            scripted().list()

        assert type(caught.value) is kind
        assert caught.value.status == str(status)


@pytest.mark.parametrize("body", [b"[]", b"3", b"\xff\xfe"])
def test_no_object(script: Any, scripted: Make, body: bytes) -> None:
    """An answer that is no JSON object is a fault of the service."""
    script.on("GET /v1/train", (200, body))
    with pytest.raises(ServiceError):
        scripted().list()


def test_lenient_reading(script: Any, scripted: Make) -> None:
    """Nulls, booleans, unknown members, ids as digits and lists of another name are understood."""
    tasks = [{"id": "7", "name": "j", "new": None, "yes": True}, {"name": "without id"}]
    script.on("GET /v1/train", {"tasks": tasks, "errorCode": 0, "total": 1})
    script.on("GET /v1/train/7", {"versionList": [{"id": 7, "versionId": 9, "status": "FINISH"}]})

    assert [(each.name, str(each.ref)) for each in scripted().list()] == [("j", "modelmaker://js01/7/9")]
