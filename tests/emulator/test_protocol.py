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
        ("GET", "?max-keys=%C2%B2", 400, "InvalidArgument"),
        ("GET", "?encoding-type=base64", 400, "InvalidArgument"),
        ("GET", "?uploads&max-uploads=0", 400, "InvalidArgument"),
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


def test_a_trailer_that_was_announced_has_to_come(client: Any, error_code: Code) -> None:
    """Else whoever cuts it off would go unnoticed."""
    client.payload = "STREAMING-UNSIGNED-PAYLOAD-TRAILER"
    headers = {"Content_Encoding": "aws-chunked", "x_amz_decoded_content_length": "5"}
    named = headers | {"x_amz_trailer": "x-amz-checksum-crc32", "X_Amz_Content_SHA256": client.payload}
    answer = client("PUT", "/a", b"5\r\nhello\r\n0\r\n\r\n", **named)
    client.payload = ""

    assert error_code(answer) == "MalformedTrailerError"
    assert client("GET", "/a").status_code == 404


@pytest.mark.parametrize(
    ("payload", "code"),
    [
        (hashlib.sha256(b"hello").hexdigest().upper(), ""),
        (hashlib.sha256(b"other").hexdigest().upper(), "XAmzContentSHA256Mismatch"),
        ("hello", "InvalidArgument"),
        ("STREAMING", "InvalidArgument"),
    ],
)
def test_a_hash_that_is_none_is_refused(client: Any, payload: str, code: str, error_code: Code) -> None:
    """A body is never taken unseen, unless the client says that it has not signed it."""
    client.payload = payload

    assert error_code(client("PUT", "/a", b"hello", X_Amz_Content_SHA256=payload)) == code


def listing(keys: str) -> bytes:
    """A document that asks to delete keys."""
    return f"<Delete>{''.join(f'<Object><Key>{key}</Key></Object>' for key in keys)}</Delete>".encode()


def delete_many(client: Any, body: bytes) -> requests.Response:
    """Ask to delete what a document lists."""
    answer: requests.Response = client(
        "POST", "?delete", body, Content_MD5=b64encode(hashlib.md5(body).digest()).decode()
    )
    return answer


def test_many_are_deleted_at_once(client: Any) -> None:
    """Each key is answered for, also one that was not there."""
    for key in "ab":
        client("PUT", f"/{key}", b"1")
    answer = delete_many(client, listing("abc"))

    assert answer.text.count("<Deleted>") == 3
    assert "<Contents>" not in client("GET", "").text


def test_many_are_not_deleted_without_a_checksum(client: Any, error_code: Code) -> None:
    """No service takes a list of keys on trust."""
    client("PUT", "/a", b"1")

    assert error_code(client("POST", "?delete", listing("a"))) == "InvalidRequest"
    assert client("GET", "/a").status_code == 200


@pytest.mark.parametrize(
    ("condition", "code"),
    [
        ("<ETag>&quot;0&quot;</ETag>", "PreconditionFailed"),
        ("<VersionId>other</VersionId>", "NotImplemented"),
        ("<VersionId>null</VersionId>", ""),
    ],
)
def test_of_many_only_what_is_meant_is_deleted(client: Any, condition: str, code: str) -> None:
    """Another version than the one that is there stays, and a quiet answer tells of nothing else."""
    client("PUT", "/a", b"1")
    body = f"<Delete><Quiet>true</Quiet><Object><Key>a</Key>{condition}</Object><Object><Key>b</Key></Object></Delete>"
    answer = delete_many(client, body.encode()).text

    assert "<Deleted>" not in answer
    assert (f"<Key>a</Key><Code>{code}</Code>" in answer) == bool(code)
    assert client("GET", "/a").status_code == (200 if code else 404)


def test_many_are_deleted_by_escaped_keys(client: Any) -> None:
    """In OBS a list can be escaped as a listing can."""
    client("PUT", "/a%20%2Bb", b"1")
    body = b"<Delete><EncodingType>url</EncodingType><Object><Key>a+%2Bb</Key></Object></Delete>"
    answer = delete_many(client, body).text

    assert "<EncodingType>url</EncodingType><Deleted><Key>a+%2Bb</Key></Deleted>" in answer
    assert client("GET", "/a%20%2Bb").status_code == 404


@pytest.mark.parametrize("number", ["1", "2", "3"])
def test_a_part_of_an_object_can_be_read(client: Any, number: str) -> None:
    """An object that was sent in parts tells their sizes."""
    client.server.options.min_part = 0
    begun = client("POST", "/a?uploads").text
    upload = begun.partition("<UploadId>")[2].partition("</UploadId>")[0]
    parts = {"1": b"12345", "2": b"6789", "3": b"0"}
    etags = {
        n: client("PUT", f"/a?partNumber={n}&uploadId={upload}", body).headers["ETag"] for n, body in parts.items()
    }
    rows = "".join(f"<Part><PartNumber>{n}</PartNumber><ETag>{etag}</ETag></Part>" for n, etag in etags.items())
    client("POST", f"/a?uploadId={upload}", f"<CompleteMultipartUpload>{rows}</CompleteMultipartUpload>".encode())
    got, head = (client(method, f"/a?partNumber={number}") for method in ("GET", "HEAD"))

    assert (got.status_code, got.content) == (206, parts[number])
    assert (head.status_code, head.headers["Content-Length"]) == (206, str(len(parts[number])))
    assert head.headers["Content-Range"].endswith("/10")
    assert head.headers["x-amz-mp-parts-count"] == "3"
    assert client("GET", "/a?partNumber=4").status_code == 416
    assert client("GET", "/a?partNumber=1", Range="bytes=0-0").status_code == 400


def test_an_object_in_one_piece_has_one_part(client: Any) -> None:
    """Which is all of it."""
    client("PUT", "/a", b"hello")
    client("PUT", "/empty", b"")

    assert (client("GET", "/a?partNumber=1").status_code, client("GET", "/a?partNumber=1").content) == (206, b"hello")
    assert client("GET", "/a?partNumber=2").status_code == 416
    assert client("GET", "/empty?partNumber=1").status_code == 200


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("PUT", "?versioning"),
        ("DELETE", "?abac"),
        ("GET", "?session"),
        ("GET", "/a?attributes"),
        ("GET", "/a?versionId=other"),
        ("PUT", "/a?metadata"),
        ("PUT", "/a?symlink"),
        ("PUT", "/a?uploads"),
        ("DELETE", "/a?annotation"),
        ("DELETE", "/a?versionId=other"),
    ],
)
def test_what_is_not_known_is_not_taken_for_something_else(
    client: Any, method: str, path: str, error_code: Code
) -> None:
    """A request about versions, metadata or the like neither writes nor deletes the object itself."""
    client("PUT", "/a", b"1")
    answer = client(method, path, b"other" if method == "PUT" else b"")

    assert (answer.status_code, error_code(answer)) == (501, "NotImplemented")
    assert client("GET", "/a?versionId=null").content == b"1"


def test_copies(client: Any, error_code: Code) -> None:
    """The source may be spelled with any escapes; what is no version and no directive is refused."""
    client("PUT", "/dir/a%20%2Bb", b"1", x_amz_meta_Colour="blue")
    bucket = client.server.bucket
    spellings = (f"/{bucket}/dir/a%20%2Bb", f"%2F{bucket}%2Fdir%2Fa%20%2Bb", f"{bucket}/dir/a+%2Bb?versionId=null")
    for source in spellings:
        assert client("PUT", "/copy", b"", x_amz_copy_source=source).status_code == 200
        assert client("GET", "/copy").headers["x-amz-meta-colour"] == "blue"
        client("DELETE", "/copy")

    version = client("PUT", "/copy", b"", x_amz_copy_source=f"{spellings[0]}?versionId=other")
    directive = client("PUT", "/copy", b"", x_amz_copy_source=spellings[0], x_amz_metadata_directive="MERGE")
    assert (error_code(version), error_code(directive)) == ("NotImplemented", "InvalidArgument")
    assert client("GET", "/copy").status_code == 404


def test_document_types_are_refused(client: Any, error_code: Code) -> None:
    """A document cannot define entities."""
    body = b'<!DOCTYPE x [<!ENTITY e "a">]><Delete><Object><Key>&e;</Key></Object></Delete>'

    assert error_code(client("POST", "?delete", body)) == "MalformedXML"


def talk(server: ObjectStoreServer, *pieces: bytes) -> bytes:
    """Send raw bytes, waiting for an answer before each further piece, and read to the end."""
    with socket.create_connection(("127.0.0.1", server.s3_port), timeout=60) as sock:
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
