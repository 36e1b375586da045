"""The wire protocol, seen by a client that looks closely."""

from __future__ import annotations

import hashlib
import socket
from base64 import b64encode
from collections.abc import Callable
from email.utils import formatdate
from typing import Any
from urllib.parse import quote

import pytest
import requests

from anyfit_emulator import ObjectStoreServer

Code = Callable[[requests.Response], str]
BIG = bytes(range(256)) * 4096  # a megabyte: more than is gathered on the event loop


@pytest.mark.parametrize("body", [b"", b"hello", BIG])
def test_objects_come_back_as_they_went(client: Any, body: bytes) -> None:
    """Content, ETag, type and metadata survive, for every way a body can take through the server."""
    put = client("PUT", "/a", body, Content_Type="text/x", x_amz_meta_Colour="blue", Cache_Control="no-store")
    got = client("GET", "/a")
    head = client("HEAD", "/a")

    assert put.headers["ETag"] == got.headers["ETag"] == f'"{hashlib.md5(body).hexdigest()}"'
    assert got.content == body
    assert (got.headers["Content-Type"], got.headers["x-amz-meta-colour"]) == ("text/x", "blue")
    assert got.headers["Cache-Control"] == "no-store"
    assert head.headers["Content-Length"] == str(len(body))
    assert head.content == b""
    assert got.headers["x-amz-request-id"] != head.headers["x-amz-request-id"]


@pytest.mark.parametrize(
    "key",
    [
        "a b",
        "100%",
        "%41",
        "数据/训练.csv",
        "a+b",
        "..",
        "../../x",
        "/lead",
        "a//b",
        "a/",
        "x" * 1024,
        "é" * 512,
        "~%~",
    ],
)
def test_every_key_is_kept_apart(client: Any, key: str) -> None:
    """Keys that are awkward as paths or in URLs are objects like any other."""
    path = "/" + quote(key, safe="/-_.~")
    client("PUT", path, key.encode())

    assert client("GET", path).content == key.encode()
    assert client("GET", "/a").status_code == 404
    listed = client("GET", "?list-type=2&encoding-type=url").text
    assert f"<Key>{quote(key, safe='/-_.~*')}</Key>" in listed
    assert client("DELETE", path).status_code == 204
    assert client("GET", path).status_code == 404


def test_a_key_of_1025_bytes_is_too_long(client: Any, error_code: Code) -> None:
    """The services' limit holds."""
    assert error_code(client("PUT", "/" + "x" * 1025, b"")) == "KeyTooLongError"


@pytest.mark.parametrize("body", [b"0123456789", b"0123456789" * 100_000])
def test_ranges(client: Any, body: bytes, error_code: Code) -> None:
    """A range is answered with 206, an impossible one with 416 and the size."""
    client("PUT", "/a", body)
    part = client("GET", "/a", Range=f"bytes=2-{len(body) - 3}")
    tail = client("GET", "/a", Range="bytes=-3")
    beyond = client("GET", "/a", Range=f"bytes={len(body)}-")

    assert (part.status_code, part.content) == (206, body[2:-2])
    assert part.headers["Content-Range"] == f"bytes 2-{len(body) - 3}/{len(body)}"
    assert tail.content == body[-3:]
    assert (beyond.status_code, beyond.headers["Content-Range"]) == (416, f"bytes */{len(body)}")
    assert error_code(beyond) == "InvalidRange"


def test_conditional_reads(client: Any) -> None:
    """Unchanged objects are not sent, changed ones not taken for what they were."""
    etag = client("PUT", "/a", b"1").headers["ETag"]
    modified = client("HEAD", "/a").headers["Last-Modified"]
    before = formatdate(1_000_000_000, usegmt=True)

    assert client("GET", "/a", If_Match=etag).status_code == 200
    assert client("GET", "/a", If_Match='"0"').status_code == 412
    assert client("GET", "/a", If_None_Match=etag).status_code == 304
    assert client("GET", "/a", If_None_Match='"0"').status_code == 200
    assert client("GET", "/a", If_Modified_Since=modified).status_code == 304
    assert client("GET", "/a", If_Modified_Since=before).status_code == 200
    assert client("GET", "/a", If_Unmodified_Since=modified).status_code == 200
    assert client("GET", "/a", If_Unmodified_Since=before).status_code == 412
    assert client("GET", "/a", If_Match=etag, If_Unmodified_Since=before).status_code == 200
    assert client("GET", "/a", Range="bytes=0-0", If_Range='"0"').status_code == 200


@pytest.mark.parametrize("body", [b"2", BIG])
def test_conditional_writes(client: Any, body: bytes, error_code: Code) -> None:
    """A put can insist on being the first, or on replacing what it knows."""
    first = client("PUT", "/a", b"1", If_None_Match="*")
    etag = first.headers["ETag"]

    assert first.status_code == 200
    assert client("PUT", "/a", body, If_None_Match="*").status_code == 412
    assert client("PUT", "/a", body, If_Match='"0"').status_code == 412
    assert error_code(client("PUT", "/b", body, If_Match=etag)) == "NoSuchKey"
    assert client("GET", "/a").content == b"1"
    assert client("PUT", "/a", body, If_Match=etag).status_code == 200


@pytest.mark.parametrize("body", [b"hello", BIG])
@pytest.mark.parametrize(
    ("headers", "code"),
    [
        ({"Content_MD5": b64encode(hashlib.md5(b"other").digest()).decode()}, "BadDigest"),
        ({"Content_MD5": "nonsense"}, "InvalidDigest"),
        ({"x_amz_checksum_sha256": b64encode(hashlib.sha256(b"other").digest()).decode()}, "BadDigest"),
        ({"x_amz_checksum_crc32": "AAAAAQ=="}, "BadDigest"),
    ],
)
def test_content_that_is_not_what_was_said_is_refused(
    client: Any, body: bytes, headers: dict[str, str], code: str, error_code: Code
) -> None:
    """Every checksum that a client sends is held against the content, and nothing is stored if one is wrong."""
    refusal = client("PUT", "/a", body, **headers)

    assert (refusal.status_code, error_code(refusal)) == (400, code)
    assert client("GET", "/a").status_code == 404


@pytest.mark.parametrize("body", [b"hello", BIG])
def test_another_body_than_the_signed_one_is_refused(client: Any, body: bytes, error_code: Code) -> None:
    """The signature covers the content."""
    client.claimed = b"other"

    assert error_code(client("PUT", "/a", body)) == "XAmzContentSHA256Mismatch"
    client.claimed = None
    assert client("GET", "/a").status_code == 404


@pytest.mark.parametrize("body", [b"hello", BIG * 20])
@pytest.mark.parametrize(
    ("spoil", "status", "code"),
    [("key", 403, "InvalidAccessKeyId"), ("secret", 403, "SignatureDoesNotMatch")],
)
def test_wrong_keys_are_refused(client: Any, body: bytes, spoil: str, status: int, code: str, error_code: Code) -> None:
    """Also when a large body is under way: the client gets to read why."""
    setattr(client, spoil, "wrong")
    refusal = client("PUT", "/a", body)

    assert (refusal.status_code, error_code(refusal)) == (status, code)
    assert refusal.headers["x-amz-request-id"] in refusal.text


def test_temporary_keys_expire(server: ObjectStoreServer, client: Any, error_code: Code) -> None:
    """Keys added while the server runs are let in with their token, until their time is over."""
    server.add_credential("TEMP", "SECRET", token="TOK", expires_in=100)
    client.key, client.secret, client.token = "TEMP", "SECRET", "TOK"

    assert client("PUT", "/a", b"1").status_code == 200
    server.add_credential("TEMP", "SECRET", token="TOK", expires_in=0)
    refusal = client("PUT", "/a", b"2")
    assert (refusal.status_code, error_code(refusal)) == (400, "ExpiredToken")


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/nothing", 404, "NoSuchKey"),
        ("DELETE", "/nothing", 204, ""),
        ("GET", "?list-type=2&continuation-token=%25", 400, "InvalidArgument"),
        ("GET", "?max-keys=many", 400, "InvalidArgument"),
        ("GET", "?acl", 501, "NotImplemented"),
        ("PATCH", "/a", 501, "NotImplemented"),
        ("GET", "/a%FF", 400, "InvalidURI"),
        ("PUT", "/a?partNumber=1&uploadId=none", 404, "NoSuchUpload"),
        ("POST", "?delete", 400, "MalformedXML"),
    ],
)
def test_refusals(client: Any, method: str, path: str, status: int, code: str, error_code: Code) -> None:
    """What is wrong has the service's status and word."""
    answer = client(method, path)

    assert (answer.status_code, error_code(answer)) == (status, code)


def test_buckets(client: Any, server: ObjectStoreServer, error_code: Code) -> None:
    """Making one's own bucket again is no error; only an empty one can go."""
    client("PUT", "/a", b"1")

    assert client("PUT", "", b"").status_code == 200
    assert error_code(client("DELETE", "")) == "BucketNotEmpty"
    client("DELETE", "/a")
    assert client("DELETE", "").status_code == 204
    assert client("HEAD", "").status_code == 404
    assert error_code(client("GET", "/a")) == "NoSuchBucket"
    assert error_code(client("PUT", "/a", BIG)) == "NoSuchBucket"
    assert server.store.buckets() == []


def test_framing_is_unpacked_unless_the_service_would_not(client: Any, server: ObjectStoreServer) -> None:
    """`aws-chunked` bodies lose their frames; with `unpack=False` they are stored as they came, as OBS does."""
    wire = b"5\r\nhello\r\n0\r\nx-amz-checksum-crc32:NhCmhg==\r\n\r\n"
    headers = {
        "X_Amz_Content_SHA256": "STREAMING-UNSIGNED-PAYLOAD-TRAILER",
        "Content_Encoding": "aws-chunked",
        "x_amz_decoded_content_length": "5",
        "x_amz_trailer": "x-amz-checksum-crc32",
    }
    client.payload = "STREAMING-UNSIGNED-PAYLOAD-TRAILER"
    unpacked = client("PUT", "/unpacked", wire, **headers)
    spoilt = client("PUT", "/spoilt", wire.replace(b"NhCmhg", b"AAAAAA"), **headers)
    server.options.unpack = False
    client("PUT", "/packed", wire, **headers)
    client.payload = ""

    assert unpacked.headers["ETag"] == f'"{hashlib.md5(b"hello").hexdigest()}"'
    assert spoilt.status_code == 400
    got = client("GET", "/unpacked")
    assert (got.content, "Content-Encoding" in got.headers) == (b"hello", False)
    assert client("GET", "/packed").content == wire


def listing(keys: str) -> bytes:
    """A document that asks to delete keys."""
    return f"<Delete>{''.join(f'<Object><Key>{key}</Key></Object>' for key in keys)}</Delete>".encode()


def test_many_are_deleted_at_once(client: Any) -> None:
    """Each key is answered for, also one that was not there."""
    for key in "ab":
        client("PUT", f"/{key}", b"1")
    answer = client("POST", "?delete", listing("abc"))

    assert answer.text.count("<Deleted>") == 3
    assert "<Contents>" not in client("GET", "").text


def test_document_types_are_refused(client: Any, error_code: Code) -> None:
    """A document cannot define entities."""
    body = b'<!DOCTYPE x [<!ENTITY e "a">]><Delete><Object><Key>&e;</Key></Object></Delete>'

    assert error_code(client("POST", "?delete", body)) == "MalformedXML"


def talk(server: ObjectStoreServer, *pieces: bytes) -> bytes:
    """Send raw bytes, waiting for an answer before each further piece, and read to the end."""
    with socket.create_connection(("127.0.0.1", server.s3_port), timeout=20) as sock:
        answer = b""
        for piece in pieces:
            if answer == b"" and piece is not pieces[0]:
                answer = sock.recv(65536)
            sock.sendall(piece)
        while data := sock.recv(65536):
            answer += data
    return answer


def presigned(client: Any, method: str, key: str) -> bytes:
    """A target that needs no further signature."""
    import boto3

    server = client.server
    s3 = boto3.client(
        "s3",
        endpoint_url=server.s3_endpoint,
        aws_access_key_id=server.access_key,
        aws_secret_access_key=server.secret_key,
        region_name="us-east-1",
    )
    operation = {"PUT": "put_object", "GET": "get_object"}[method]
    url = s3.generate_presigned_url(operation, Params={"Bucket": server.bucket, "Key": key})
    s3.close()
    return str(url).removeprefix(server.s3_endpoint).encode()


@pytest.mark.parametrize("size", [0, 5, 1 << 20])
def test_a_client_may_wait_for_100_continue(client: Any, size: int) -> None:
    """The body is asked for, also an empty one, and the answer follows it."""
    host = f"127.0.0.1:{client.server.s3_port}".encode()
    head = b"PUT %b HTTP/1.1\r\nHost: %b\r\nContent-Length: %d\r\nExpect: 100-continue\r\nConnection: close\r\n\r\n"
    answer = talk(client.server, head % (presigned(client, "PUT", "a"), host, size), b"x" * size)

    assert answer.startswith(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK")
    assert client("GET", "/a").content == b"x" * size


def test_a_refused_client_is_not_asked_for_a_large_body(client: Any) -> None:
    """Who waits for 100 Continue hears the refusal first."""
    head = b"PUT /b/k HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 99999999\r\nExpect: 100-continue\r\n\r\n"

    assert talk(client.server, head).startswith(b"HTTP/1.1 403 Forbidden")


@pytest.mark.parametrize("count", [1, 40])
def test_chunked_transfer_encoding(client: Any, count: int) -> None:
    """A body whose length nobody knows is taken, small or large."""
    host = f"127.0.0.1:{client.server.s3_port}".encode()
    head = b"PUT %b HTTP/1.1\r\nHost: %b\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
    chunk = b"4000\r\n" + b"y" * 0x4000 + b"\r\n"
    answer = talk(client.server, head % (presigned(client, "PUT", "a"), host) + chunk * count + b"0\r\n\r\n")

    assert answer.startswith(b"HTTP/1.1 200 OK")
    assert client("GET", "/a").content == b"y" * 0x4000 * count


def test_requests_may_be_sent_before_the_last_answer_came(client: Any) -> None:
    """Pipelined requests are answered in order, large bodies between them."""
    client("PUT", "/small", b"small")
    client("PUT", "/big", BIG)
    host = f"127.0.0.1:{client.server.s3_port}".encode()
    request = b"GET %b HTTP/1.1\r\nHost: %b\r\n%b\r\n"
    small, big = presigned(client, "GET", "small"), presigned(client, "GET", "big")
    put = b"PUT %b HTTP/1.1\r\nHost: %b\r\nContent-Length: %d\r\n\r\n" % (presigned(client, "PUT", "c"), host, len(BIG))
    wire = request % (small, host, b"") + put + BIG + request % (big, host, b"")
    answer = talk(client.server, wire + request % (small, host, b"Connection: close\r\n"))

    assert answer.count(b"HTTP/1.1 200 OK") == 4
    assert BIG in answer
    assert answer.endswith(b"small")
    assert client("GET", "/c").content == BIG


def test_a_client_that_hangs_up_leaves_nothing(client: Any) -> None:
    """Half an upload is no object, and no temporary file."""
    host = f"127.0.0.1:{client.server.s3_port}".encode()
    head = b"PUT %b HTTP/1.1\r\nHost: %b\r\nContent-Length: 9999999\r\n\r\n" % (presigned(client, "PUT", "a"), host)
    with socket.create_connection(("127.0.0.1", client.server.s3_port)) as sock:
        sock.sendall(head + BIG)
    client.server.stop()  # waits for whoever still works on it

    assert list((client.server.store.system / "tmp").iterdir()) == []
    assert list((client.server.data_dir / client.server.bucket).iterdir()) == []


def test_nonsense_is_a_bad_request(server: ObjectStoreServer) -> None:
    """What is not HTTP is answered and closed."""
    assert talk(server, b"hello\r\n\r\n").startswith(b"HTTP/1.1 400 ")
