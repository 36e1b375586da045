"""Signatures: vectors from the reference documents, and what the official signers make."""

from __future__ import annotations

import calendar
from base64 import b64encode
from hashlib import sha1, sha256
from hmac import digest
from typing import Any
from urllib.parse import quote, urlsplit

import pytest
from botocore.auth import HmacV1Auth, HmacV1QueryAuth, S3SigV4Auth, S3SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from hypothesis import given, settings
from hypothesis import strategies as st

from anyfit_emulator.storage.auth import Claim, authenticate
from anyfit_emulator.storage.auth.aws4 import signature, signing_key
from anyfit_emulator.storage.auth.values import StreamSigner, parse_query
from anyfit_emulator.storage.chunked import ChunkedBody
from anyfit_emulator.storage.credentials import Credential, CredentialTable
from anyfit_emulator.storage.errors import StoreError

KEYS = Credential("AKEXAMPLE0000000001", "SKexampleSecretKey0000000000000000000001")
OBS_TIME = calendar.timegm((2026, 1, 2, 3, 4, 5))
OBS_DATE = "Fri, 02 Jan 2026 03:04:05 GMT"
COS_KEYS = Credential("AKIDEXAMPLE0001", "SecretExample0001")
HOST = "bkt-1250000000.cos.ap-guangzhou.myqcloud.com"


def table(*credentials: Credential, now: float = OBS_TIME) -> CredentialTable:
    """Known keys, and a clock that stands still."""
    return CredentialTable(*credentials, clock=lambda: now)


def refused(claim: Claim, known: CredentialTable) -> str:
    """The code of the refusal."""
    with pytest.raises(StoreError) as caught:
        authenticate(claim, known)
    return caught.value.code


OBS_VECTORS = [
    ("OBS", "PUT", "/dir/a%20b.txt", "", "EwA7/EEavg5TUm8qdrdoJAuncM8="),
    ("AWS", "PUT", "/dir/a%20b.txt", "", "A51VAzsBwBDn235xk2TsBT5blYI="),
    ("OBS", "GET", "/", "prefix=dir/", "Lz+qAKj1kvcCSquWbmoZ1jftEw0="),
    ("AWS", "GET", "/", "prefix=dir/", "Lz+qAKj1kvcCSquWbmoZ1jftEw0="),
    ("OBS", "POST", "/big.bin", "uploads", "MJ7APxmtYIyOPXoMu3HGfu1wUBE="),
]


@pytest.mark.parametrize(("kind", "method", "path", "query", "expected"), OBS_VECTORS)
@pytest.mark.parametrize("bucket_in_host", [True, False])
def test_reference_vectors_of_obs(
    kind: str, method: str, path: str, query: str, expected: str, bucket_in_host: bool
) -> None:
    """OBS's own signature and its AWS twin are verified, wherever the bucket stands."""
    headers = {"date": OBS_DATE, "authorization": f"{kind} {KEYS.access_key}:{expected}"}
    token = ""
    if method == "PUT":
        token = "TOK"
        headers |= {"content-type": "text/plain", f"x-{'obs' if kind == 'OBS' else 'amz'}-security-token": token}
    bucket = "demo-bucket" if bucket_in_host else ""
    claim = Claim(method, path if bucket else f"/demo-bucket{path}", parse_query(query), headers, bucket)
    credential = Credential(KEYS.access_key, KEYS.secret_key, token)

    assert authenticate(claim, table(credential)).credential == credential
    claim.method = "DELETE"
    assert refused(claim, table(credential)) == "SignatureDoesNotMatch"


def test_reference_vector_of_a_path_style_bucket() -> None:
    """A lone bucket is signed without a slash in path style."""
    headers = {"date": OBS_DATE, "authorization": f"AWS {KEYS.access_key}:QoBQ7AYzcAqwD4zm9x3AjViIwI0="}

    assert authenticate(Claim("GET", "/demo-bucket", parse_query("prefix=dir/"), headers), table(KEYS))


def cos_claim(host: str = HOST, **changes: str) -> Claim:
    """The request of the reference's COS vector."""
    fields = {
        "q-sign-algorithm": "sha1",
        "q-ak": COS_KEYS.access_key,
        "q-sign-time": "1700000000;1700010060",
        "q-key-time": "1700000000;1700010060",
        "q-header-list": "content-length;content-type;host;x-cos-security-token",
        "q-url-param-list": "partnumber;uploadid",
        "q-signature": "4f535a348553496a2438c79471c0635ab05a97d3",
    } | {name.replace("_", "-"): value for name, value in changes.items()}
    headers = {
        "host": host,
        "content-length": "2",
        "content-type": "text/plain",
        "x-cos-security-token": "TOKEN1",
        "authorization": "&".join(f"{name}={value}" for name, value in fields.items()),
    }
    return Claim("PUT", quote("/dir/训 练+a.txt"), parse_query("partNumber=1&uploadId=u%2F1"), headers)


@pytest.mark.parametrize("host", [HOST, f"{HOST}:8080"])
def test_reference_vector_of_cos(host: str) -> None:
    """`q-sign` is verified, with a host that was signed without its port too."""
    known = table(Credential(COS_KEYS.access_key, COS_KEYS.secret_key, "TOKEN1"), now=1_700_000_100)

    assert authenticate(cos_claim(host), known).scheme == "cos"


@pytest.mark.parametrize(
    ("changes", "now", "code"),
    [
        ({"q_signature": "0" * 40}, 1_700_000_100, "SignatureDoesNotMatch"),
        ({"q_ak": "nobody"}, 1_700_000_100, "InvalidAccessKeyId"),
        ({}, 1_700_010_061, "RequestIsExpired"),
        ({}, 1_699_990_000, "RequestTimeTooSkewed"),
        ({"q_sign_time": "soon"}, 1_700_000_100, "InvalidArgument"),
        ({"q_sign_algorithm": "md5"}, 1_700_000_100, "InvalidArgument"),
    ],
)
def test_wrong_cos_signatures_are_refused(changes: dict[str, str], now: float, code: str) -> None:
    """Each fault has the service's word."""
    known = table(Credential(COS_KEYS.access_key, COS_KEYS.secret_key, "TOKEN1"), now=now)

    assert refused(cos_claim(**changes), known) == code


TEXT = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=12)


def signed(signer: Any, method: str, key: str, query: dict[str, str], headers: dict[str, str]) -> Claim:
    """What a server gets of a request that an official signer signed."""
    url = "http://127.0.0.1:9000/demo-bucket/" + quote(key, safe="/-_.~")
    if query:
        url += "?" + "&".join(f"{quote(k, safe='-_.~')}={quote(v, safe='-_.~')}" for k, v in query.items())
    request = AWSRequest(method, url, data=b"", headers=headers)
    signer.add_auth(request)
    parts = urlsplit(str(request.url))
    received = {name.lower(): value for name, value in request.headers.items()} | {"host": "127.0.0.1:9000"}
    return Claim(method, str(parts.path), parse_query(str(parts.query)), received)


@settings(deadline=None)
@given(TEXT, st.dictionaries(TEXT, TEXT, max_size=3), st.sampled_from(["GET", "PUT", "DELETE"]))
@pytest.mark.parametrize("kind", ["header", "query"])
def test_botocores_fourth_version_is_verified(kind: str, key: str, query: dict[str, str], method: str) -> None:
    """Any key and query that botocore signs is accepted, and nothing else is."""
    keys = Credentials(KEYS.access_key, KEYS.secret_key, "TOKEN")
    signer = S3SigV4Auth(keys, "s3", "r1") if kind == "header" else S3SigV4QueryAuth(keys, "s3", "r1", expires=60)
    claim = signed(signer, method, key, query, {"x-amz-meta-a": "one  two"})
    known = CredentialTable(Credential(KEYS.access_key, KEYS.secret_key, "TOKEN"))

    assert authenticate(claim, known).scheme == "aws4"
    claim.path += "x"
    assert refused(claim, known) == "SignatureDoesNotMatch"


@settings(deadline=None)
@given(TEXT, st.sampled_from(["", "uploads", "uploadId"]))
@pytest.mark.parametrize("kind", ["header", "query"])
def test_botocores_second_version_is_verified(kind: str, key: str, name: str) -> None:
    """The same for version 2."""
    keys = Credentials(KEYS.access_key, KEYS.secret_key)
    signer = HmacV1Auth(keys) if kind == "header" else HmacV1QueryAuth(keys, expires=60)
    claim = signed(signer, "GET", key, {name: "a"} if name else {}, {})
    known = CredentialTable(KEYS)

    assert authenticate(claim, known).scheme == "aws2"
    claim.method = "PUT"
    assert refused(claim, known) == "SignatureDoesNotMatch"


@pytest.mark.parametrize(
    ("token", "expires", "sent", "code"),
    [
        ("T", None, None, "InvalidAccessKeyId"),
        ("T", None, "other", "InvalidToken"),
        ("", None, "T", "InvalidToken"),
        ("T", 0.0, "T", "ExpiredToken"),
    ],
)
def test_temporary_keys_need_their_token_in_time(
    token: str, expires: float | None, sent: str | None, code: str
) -> None:
    """A right signature is not enough for temporary keys."""
    signer = S3SigV4Auth(Credentials(KEYS.access_key, KEYS.secret_key, sent), "s3", "r1")
    known = CredentialTable(Credential(KEYS.access_key, KEYS.secret_key, token, expires))

    assert refused(signed(signer, "GET", "a", {}, {}), known) == code


def test_clocks_must_agree() -> None:
    """Fifteen minutes are the limit; a presigned URL has its own."""
    keys = Credentials(KEYS.access_key, KEYS.secret_key)
    header = signed(S3SigV4Auth(keys, "s3", "r1"), "GET", "a", {}, {})
    second = signed(HmacV1Auth(keys), "GET", "a", {}, {})
    url = signed(S3SigV4QueryAuth(keys, "s3", "r1", expires=60), "GET", "a", {}, {})
    real = CredentialTable(KEYS).clock

    for minutes in (-16, 16):
        known = CredentialTable(KEYS, clock=lambda minutes=minutes: real() + 60 * minutes)  # type: ignore[misc]
        assert refused(header, known) == "RequestTimeTooSkewed"
        assert refused(second, known) == "RequestTimeTooSkewed"
        assert refused(url, known) == "AccessDenied"


@pytest.mark.parametrize("kind", ["header", "query"])
def test_headers_of_the_service_must_be_signed(kind: str) -> None:
    """Nobody slips in an x-amz- header behind the signature, nor with somebody else's presigned URL."""
    keys = Credentials(KEYS.access_key, KEYS.secret_key)
    signer = S3SigV4Auth(keys, "s3", "r1") if kind == "header" else S3SigV4QueryAuth(keys, "s3", "r1", expires=60)
    claim = signed(signer, "PUT", "a", {}, {})
    claim.headers["x-amz-copy-source"] = "/other/secret"

    assert refused(claim, CredentialTable(KEYS)) == "AccessDenied"


@pytest.mark.parametrize(
    ("headers", "code"),
    [
        ({}, "AccessDenied"),
        ({"authorization": "Basic abc"}, "InvalidArgument"),
        ({"authorization": "AWS4-HMAC-SHA256 nonsense"}, "AuthorizationHeaderMalformed"),
        ({"authorization": "AWS nonsense"}, "InvalidArgument"),
        ({"authorization": "q-sign-algorithm=sha1"}, "InvalidArgument"),
    ],
)
def test_other_authorizations_are_refused(headers: dict[str, str], code: str) -> None:
    """Anonymous and malformed requests are told so."""
    assert refused(Claim("GET", "/b/k", [], headers), table(KEYS)) == code


# The example of a chunked upload in the description of AWS Signature Version 4.
STAMP, SCOPE = "20130524T000000Z", "20130524/us-east-1/s3/aws4_request"
SEED = "4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9"
CHUNKS = [
    (65536, "ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648"),
    (1024, "0055627c9e194cb4542bae2aa5492e3c1575bbb81b612b7d234b86a503ef5497"),
    (0, "b6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323e279d449df9"),
]


def stream_signer() -> StreamSigner:
    """The signer of that example."""
    key = signing_key("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", "20130524", "us-east-1", "s3", "aws4_request")
    return StreamSigner(key, STAMP, SCOPE, SEED)


def framed(chunks: list[tuple[int, str]]) -> bytes:
    """A chunked body of the letter a."""
    return b"".join(b"%x;chunk-signature=%b\r\n%b\r\n" % (size, given.encode(), b"a" * size) for size, given in chunks)


@pytest.mark.parametrize("step", [1, 7, 1000, 100_000])
def test_signed_chunks_are_verified(step: int) -> None:
    """The published example passes, however the network cuts it."""
    wire = framed(CHUNKS)
    body = ChunkedBody((wire[at : at + step] for at in range(0, len(wire), step)), stream_signer())

    assert b"".join(body) == b"a" * 66560


@pytest.mark.parametrize(
    ("wire", "code"),
    [
        (framed(CHUNKS).replace(b"aaa\r\n", b"aab\r\n", 1), "SignatureDoesNotMatch"),
        (framed([CHUNKS[0], CHUNKS[2]]), "SignatureDoesNotMatch"),
        (framed(CHUNKS[:2]), "IncompleteBody"),
        (framed(CHUNKS)[:60_000], "IncompleteBody"),
        (b"hello", "IncompleteBody"),
    ],
)
def test_spoilt_chunks_are_refused(wire: bytes, code: str) -> None:
    """A changed, missing or cut chunk is noticed."""
    with pytest.raises(StoreError, match=code):
        list(ChunkedBody([wire], stream_signer()))


def test_signed_trailers_are_verified() -> None:
    """What follows the content is signed as well."""
    signer = stream_signer()
    empty = sha256(b"").hexdigest()
    last = signature(signer.key, "AWS4-HMAC-SHA256-PAYLOAD", STAMP, SCOPE, SEED, empty, empty)
    trailer = sha256(b"x-amz-checksum-crc32:AAAAAA==\n").hexdigest()
    end = signature(signer.key, "AWS4-HMAC-SHA256-TRAILER", STAMP, SCOPE, last, trailer)
    wire = f"0;chunk-signature={last}\r\nx-amz-checksum-crc32:AAAAAA==\r\nx-amz-trailer-signature:{end}\r\n\r\n"
    body = ChunkedBody([wire.encode()], signer)

    assert list(body) == []
    assert body.trailers == {"x-amz-checksum-crc32": "AAAAAA=="}
    with pytest.raises(StoreError, match="SignatureDoesNotMatch"):
        list(ChunkedBody([wire.replace("AAAAAA==", "AAAAAQ==").encode()], signer))


def test_a_signed_url_of_obs_is_verified_until_it_expires() -> None:
    """The query form of version 2 with OBS's parameter names."""
    text = f"GET\n\n\n{OBS_TIME + 60}\n/demo-bucket/a"
    given = b64encode(digest(KEYS.secret_key.encode(), text.encode(), sha1)).decode()
    query = f"AccessKeyId={KEYS.access_key}&Expires={OBS_TIME + 60}&Signature={quote(given, safe='')}"
    claim = Claim("GET", "/demo-bucket/a", parse_query(query), {})

    assert authenticate(claim, table(KEYS)).scheme == "obs"
    assert refused(claim, table(KEYS, now=OBS_TIME + 61)) == "AccessDenied"
