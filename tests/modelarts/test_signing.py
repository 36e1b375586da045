"""Signed calls against the documents' vectors and the vendor's own signer."""

from __future__ import annotations

import hashlib
from datetime import datetime, timezone
from types import SimpleNamespace
from urllib.parse import parse_qsl, quote, urlsplit

import pytest
from huaweicloudsdkcore.sdk_request import SdkRequest
from huaweicloudsdkcore.signer.signer import Signer
from hypothesis import given
from hypothesis import strategies as st
from requests import PreparedRequest, Request

from anyfit_modelarts.signing import SignedAuth, canonical_request

ACCESS, SECRET = "AKEXAMPLE0000000001", "SKexampleSecretKey0000000000000000000001"
PROJECT = "0123456789abcdef0123456789abcdef"
HOST = "modelarts.cn-north-4.myhuaweicloud.com"
NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=timezone.utc).timestamp()


def signed(request: Request, **more: str) -> PreparedRequest:
    """The request with nothing but the headers that the vendor's client would send, signed."""
    prepared = request.prepare()
    prepared.headers.pop("Content-Length", None)
    return SignedAuth(ACCESS, SECRET, clock=lambda: NOW, **more)(prepared)


VECTORS = {
    "V1": (
        Request(
            "GET",
            f"https://{HOST}/v1/{PROJECT}/job/resource-specs",
            params={"job_type": "train"},
            headers={"Content-Type": "application/json", "X-Project-Id": PROJECT},
        ),
        "content-type;host;x-project-id;x-sdk-date",
        "4dcae4e650e3c178045317c45dd372d593bd519222b33ba1cdb44b807fb12485",
        "5962aae23f85b45010e636ff81bea6698e1ecccf85a40d32055db78bc4478cd3",
    ),
    "V2": (
        Request(
            "POST",
            f"https://{HOST}/v2/{PROJECT}/training-job-searches",
            data=b'{"offset": 0, "limit": 10}',
            headers={"Content-Type": "application/json;charset=UTF-8", "X-Project-Id": PROJECT},
        ),
        "content-type;host;x-project-id;x-sdk-date",
        "f8a445de39d1f2236037743bbb23bfe99dba705e2d7ef71590d4076adedd1c2c",
        "c72c163c9aa6c90e64798af081f39df2494daaf4cb35b3b45e8e5c99e36e1b93",
    ),
    "V3": (
        Request(
            "GET",
            f"https://{HOST}/v1/p/training-jobs",
            params={"search_content": "a b/c~d", "page": "1", "order": "asc"},
        ),
        "host;x-sdk-date",
        "9b00086be55759bb30a61bd9177b11519b654f8da38e6dd64d1a34c9b73abb56",
        "0e7c12ce55eb4ccd1cb321fb79e97cf76a393d9a096c3d5085d957922bd6cb5a",
    ),
}


@pytest.mark.parametrize("name", VECTORS)
def test_documented_vectors(name: str) -> None:
    """A request is signed as the documents' vectors have it."""
    request, names, digest, signature = VECTORS[name]
    made = signed(request)
    headers = {each: str(made.headers[each]) for each in names.split(";")}
    body = made.body if isinstance(made.body, bytes) else b""
    canonical = canonical_request(made.method or "", made.url or "", headers, body)

    assert hashlib.sha256(canonical.encode()).hexdigest() == digest
    assert made.headers["X-Sdk-Date"] == "20260102T030405Z"
    assert made.headers["Authorization"] == (
        f"SDK-HMAC-SHA256 Access={ACCESS}, SignedHeaders={names}, Signature={signature}"
    )


def official(made: PreparedRequest) -> str:
    """What the vendor's own signer puts into the header."""
    parts = urlsplit(made.url or "")
    headers = {name: str(value) for name, value in made.headers.items() if name != "Authorization"}
    request = SdkRequest(
        method=made.method,
        schema=parts.scheme,
        host=parts.netloc,
        resource_path=parts.path,
        query_params=parse_qsl(parts.query, keep_blank_values=True),
        header_params=headers,
        body=made.body or "",
    )
    done = Signer(SimpleNamespace(ak=ACCESS, sk=SECRET)).sign(request)
    return str(done.header_params["Authorization"])


TEXT = st.text(st.characters(exclude_categories=("Cs", "Cc")), max_size=12)


@given(
    method=st.sampled_from(["GET", "POST", "PUT", "DELETE"]),
    parts=st.lists(st.text("abc-._~ %/äé中", min_size=1, max_size=6), max_size=4),
    query=st.dictionaries(TEXT, TEXT, max_size=4),
    body=st.binary(max_size=40),
    content_type=st.sampled_from(["application/json", "application/json;charset=UTF-8", "multipart/form-data; b=x"]),
    token=st.sampled_from(["", "temporary+token=="]),
)
def test_official_signer(
    method: str, parts: list[str], query: dict[str, str], body: bytes, content_type: str, token: str
) -> None:
    """Any request is signed as the vendor's own signer does it."""
    path = "/".join(quote(part, safe="") for part in parts)
    request = Request(
        method,
        f"http://127.0.0.1:8080/v1/{path}",
        params=query,
        data=body,
        headers={"Content-Type": content_type, "X-Stage": "RELEASE"},
    )
    made = signed(request, project_id=PROJECT, security_token=token)

    assert made.headers["Authorization"] == official(made)


def test_signing_again() -> None:
    """A request that is sent again is signed anew, and nothing of the old signature is signed."""
    times = iter([NOW, NOW + 60])
    auth = SignedAuth(ACCESS, SECRET, clock=lambda: next(times))
    prepared = Request("GET", "http://127.0.0.1/x").prepare()
    first = str(auth(prepared).headers["Authorization"])
    second = str(auth(prepared).headers["Authorization"])

    assert first != second
    assert "authorization" not in second.partition("SignedHeaders=")[2]
