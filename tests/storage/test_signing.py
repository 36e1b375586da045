"""Signatures against the vendors' own signers and the vectors of their documents."""

from __future__ import annotations

from datetime import datetime, timezone
from urllib.parse import quote

import botocore.auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from hypothesis import given
from hypothesis import strategies as st
from qcloud_cos import CosConfig
from qcloud_cos.cos_auth import CosS3Auth

from anyfit.storage import StoreSettings
from anyfit.storage.signing import quote_key, sign_cos, sign_v4

NOW = 1767323045.0
KEYS = st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=30)


@given(key=KEYS, prefix=KEYS, token=st.sampled_from(["", "a-token/+="]), method=st.sampled_from(["GET", "PUT"]))
def test_v4_is_botocores(key: str, prefix: str, token: str, method: str) -> None:
    """For any key, query and token the signature is the one that botocore makes."""
    settings = StoreSettings(access_key="AKID", secret_key="secret", session_token=token, region="eu-west-1")
    query = [("marker", prefix), ("uploads", ""), ("partNumber", "7")]
    digest = "0" * 64
    headers = {"host": "example.com:9000", "x-amz-content-sha256": digest, "range": "bytes=0-9"}
    sign_v4(settings, method, "/bucket/" + quote_key(key), query, headers, NOW)
    text = "&".join(f"{quote(name, safe='-_.~')}={quote(value, safe='-_.~')}" for name, value in query)
    request = AWSRequest(
        method,
        f"http://example.com:9000/bucket/{quote_key(key)}?{text}",
        headers={"x-amz-content-sha256": digest, "range": "bytes=0-9"},
    )
    signer = _Fixed(Credentials("AKID", "secret", token or None), "s3", "eu-west-1")
    signer.add_auth(request)

    # botocore writes a blank after each comma
    assert headers["authorization"].replace(",", ", ") == request.headers["Authorization"]


class _Fixed(botocore.auth.S3SigV4Auth):  # type: ignore[misc]
    """botocore's signer at a fixed time, with the digest that was given."""

    def add_auth(self, request: AWSRequest) -> None:
        moment = datetime.fromtimestamp(NOW, timezone.utc)
        request.context["timestamp"] = moment.strftime("%Y%m%dT%H%M%SZ")
        self._modify_request_before_signing(request)
        canonical = self.canonical_request(request)
        signature = self.signature(self.string_to_sign(request, canonical), request)
        self._inject_signature_to_request(request, signature)

    def payload(self, request: AWSRequest) -> str:
        return "0" * 64


def test_cos_vector() -> None:
    """The vector of the wire-protocol reference: odd key, query, token, all headers that the SDK signs."""
    settings = StoreSettings(
        access_key="AKIDEXAMPLE0001", secret_key="SecretExample0001", session_token="TOKEN1", region="ap-guangzhou"
    )
    headers = {
        "host": "bkt-1250000000.cos.ap-guangzhou.myqcloud.com",
        "content-length": "2",
        "content-type": "text/plain",
    }
    query = [("partNumber", "1"), ("uploadId", "u/1")]
    sign_cos(settings, "PUT", "/" + quote_key("dir/训 练+a.txt"), query, headers, 1700000060.0)

    assert headers["authorization"] == (
        "q-sign-algorithm=sha1&q-ak=AKIDEXAMPLE0001&q-sign-time=1700000000;1700010060"
        "&q-key-time=1700000000;1700010060&q-header-list=content-length;content-type;host;x-cos-security-token"
        "&q-url-param-list=partnumber;uploadid&q-signature=4f535a348553496a2438c79471c0635ab05a97d3"
    )


@given(key=KEYS, prefix=KEYS, token=st.sampled_from(["", "a-token"]))
def test_cos_is_the_sdks(key: str, prefix: str, token: str) -> None:
    """For any key, query and token the signature is the one that cos-python-sdk-v5 makes."""
    host = "bkt-1250000000.cos.ap-guangzhou.myqcloud.com"
    path = "/" + quote_key(key)
    query = {"prefix": prefix, "uploads": ""}
    headers = {"host": host, "range": "bytes=0-9"}
    theirs = _Request("GET", f"http://{host}{path}", dict(headers))
    if token:
        theirs.headers["x-cos-security-token"] = token
    config = CosConfig(Region="ap-guangzhou", SecretId="AKID", SecretKey="secret", Token=token or None)
    CosS3Auth(config, key=f"/{key}" if key.startswith("/") else key, params=dict(query))(theirs)
    start = int(theirs.headers["Authorization"].partition("q-sign-time=")[2].partition(";")[0])
    settings = StoreSettings(access_key="AKID", secret_key="secret", session_token=token)
    sign_cos(settings, "GET", path, list(query.items()), headers, start + 60)

    assert headers["authorization"] == theirs.headers["Authorization"]


class _Request:
    """As much of a request as the SDK's signer looks at."""

    def __init__(self, method: str, url: str, headers: dict[str, str]) -> None:
        self.method = method
        self.url = url
        self.headers = headers
