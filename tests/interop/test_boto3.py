"""boto3, unchanged."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from typing import Any

import boto3
import pytest
import requests
from boto3.s3.transfer import TransferConfig
from botocore.config import Config
from botocore.exceptions import ClientError

from anyfit_emulator import ObjectStoreServer

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")
Connect = Callable[..., Any]


@pytest.fixture
def connect(server: ObjectStoreServer) -> Iterator[Connect]:
    """Makes clients; virtual-host ones reach `bucket.localhost` through the server as a proxy."""
    opened = []

    def make(signature: str = "s3v4", style: str = "path", token: str | None = None, **options: Any) -> Any:
        virtual = style == "virtual"
        details: Any = {"addressing_style": style, **options.pop("s3", {})}
        client = boto3.client(
            "s3",
            endpoint_url=f"http://localhost:{server.s3_port}" if virtual else server.s3_endpoint,
            aws_access_key_id=options.pop("key", server.access_key),
            aws_secret_access_key=options.pop("secret", server.secret_key),
            aws_session_token=token,
            region_name="us-east-1",
            config=Config(
                signature_version=signature,
                s3=details,
                proxies={"http": server.s3_endpoint} if virtual else None,
                retries={"total_max_attempts": 1},
                **options,
            ),
        )
        opened.append(client)
        return client

    yield make
    for client in opened:
        client.close()


@pytest.mark.parametrize("style", ["path", "virtual"])
@pytest.mark.parametrize("signature", ["s3v4", "s3"])
def test_a_life(connect: Connect, server: ObjectStoreServer, signature: str, style: str, key: str, big: bytes) -> None:
    """Every common call works with both signatures and both ways to name a bucket."""
    s3, bucket = connect(signature, style), "other.bucket"
    s3.create_bucket(Bucket=bucket)
    s3.put_object(Bucket=bucket, Key=key, Body=b"hello", Metadata={"colour": "blue"}, ContentType="text/x")
    s3.upload_fileobj(io.BytesIO(big), bucket, "big", Config=TransferConfig(multipart_chunksize=5 << 20))
    target = io.BytesIO()
    s3.download_fileobj(bucket, "big", target)
    s3.copy_object(Bucket=bucket, Key="copy", CopySource={"Bucket": bucket, "Key": key})
    s3.copy({"Bucket": bucket, "Key": "big"}, bucket, "big2", Config=TransferConfig(multipart_threshold=5 << 20))

    assert target.getvalue() == big
    assert s3.head_object(Bucket=bucket, Key="copy")["Metadata"] == {"colour": "blue"}
    assert s3.head_object(Bucket=bucket, Key="copy")["ContentType"] == "text/x"
    assert s3.get_object(Bucket=bucket, Key="big2", Range="bytes=3-9")["Body"].read() == big[3:10]
    url = s3.generate_presigned_url("get_object", Params={"Bucket": bucket, "Key": key}, ExpiresIn=60)
    assert requests.get(url, proxies={"http": server.s3_endpoint}, timeout=60).text == "hello"
    assert [b["Name"] for b in s3.list_buckets()["Buckets"]] == [server.bucket, bucket]
    s3.head_bucket(Bucket=bucket)
    s3.get_bucket_location(Bucket=bucket)
    keys = [item["Key"] for item in s3.list_objects(Bucket=bucket)["Contents"]]
    assert keys == ["big", "big2", "copy", key]
    deleted = s3.delete_objects(Bucket=bucket, Delete={"Objects": [{"Key": name} for name in keys]})["Deleted"]
    assert len(deleted) == 4
    s3.delete_bucket(Bucket=bucket)


@pytest.mark.parametrize("algorithm", ["CRC32", "SHA1", "SHA256", None])
@pytest.mark.parametrize("calculation", ["when_supported", "when_required"])
@pytest.mark.parametrize("signed", [True, False])
def test_every_checksum_and_way_to_send_it(
    connect: Connect, server: ObjectStoreServer, algorithm: str | None, calculation: str, signed: bool, big: bytes
) -> None:
    """Checksums in headers and trailers, signed and unsigned bodies; what was verified is shown again."""
    s3 = connect(request_checksum_calculation=calculation, s3={"payload_signing_enabled": signed})
    extra = {"ChecksumAlgorithm": algorithm} if algorithm else {}
    for body in (b"small", io.BytesIO(big)):
        s3.put_object(Bucket=server.bucket, Key="one", Body=body, **extra)
    s3.upload_fileobj(io.BytesIO(big), server.bucket, "parts", ExtraArgs=extra)
    head = s3.head_object(Bucket=server.bucket, Key="one", ChecksumMode="ENABLED")

    for name in ("one", "parts"):
        assert s3.get_object(Bucket=server.bucket, Key=name)["Body"].read() == big
    expected = algorithm or ("CRC32" if calculation == "when_supported" else "")
    assert not expected or head[f"Checksum{expected}"]


def test_pages(connect: Connect, server: ObjectStoreServer) -> None:
    """Paginators see every key and prefix once."""
    s3 = connect()
    keys = [f"d{n % 7}/{n:02}" for n in range(40)]
    for name in keys:
        s3.put_object(Bucket=server.bucket, Key=name, Body=b"")

    for operation in ("list_objects", "list_objects_v2"):
        pages = s3.get_paginator(operation)
        settings = {"PageSize": 3}
        flat = [
            item["Key"]
            for page in pages.paginate(Bucket=server.bucket, PaginationConfig=settings)
            for item in page["Contents"]
        ]
        prefixes = [
            item["Prefix"]
            for page in pages.paginate(Bucket=server.bucket, Delimiter="/", PaginationConfig=settings)
            for item in page["CommonPrefixes"]
        ]
        assert flat == sorted(keys)
        assert prefixes == [f"d{n}/" for n in range(7)]
    versions = s3.list_object_versions(Bucket=server.bucket, Prefix="d1/")["Versions"]
    assert [version["Key"] for version in versions] == sorted(name for name in keys if name.startswith("d1/"))


@pytest.mark.parametrize("signature", ["s3v4", "s3"])
@pytest.mark.parametrize(
    ("options", "code"),
    [
        ({"key": "NOBODY"}, "InvalidAccessKeyId"),
        ({"secret": "wrong"}, "SignatureDoesNotMatch"),
        ({"key": "TEMP", "secret": "S"}, "InvalidAccessKeyId"),
        ({"key": "TEMP", "secret": "S", "token": "other"}, "InvalidToken"),
        ({"key": "OLD", "secret": "S", "token": "TOK"}, "ExpiredToken"),
    ],
)
def test_wrong_keys(
    connect: Connect, server: ObjectStoreServer, signature: str, options: dict[str, str], code: str
) -> None:
    """Refusals arrive as boto3's errors."""
    server.add_credential("TEMP", "S", token="TOK", expires_in=60)
    server.add_credential("OLD", "S", token="TOK", expires_in=0)

    connect(signature, key="TEMP", secret="S", token="TOK").list_buckets()
    with pytest.raises(ClientError) as caught:
        connect(signature, **options).put_object(Bucket=server.bucket, Key="a", Body=b"1")
    assert caught.value.response["Error"]["Code"] == code


def test_conditional_puts(connect: Connect, server: ObjectStoreServer) -> None:
    """If-None-Match and If-Match on writes."""
    s3 = connect()
    etag = s3.put_object(Bucket=server.bucket, Key="a", Body=b"1", IfNoneMatch="*")["ETag"]

    with pytest.raises(ClientError, match="PreconditionFailed"):
        s3.put_object(Bucket=server.bucket, Key="a", Body=b"2", IfNoneMatch="*")
    s3.put_object(Bucket=server.bucket, Key="a", Body=b"2", IfMatch=etag)
    assert s3.get_object(Bucket=server.bucket, Key="a")["Body"].read() == b"2"
