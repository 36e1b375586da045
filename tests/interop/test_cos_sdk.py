"""cos-python-sdk-v5, unchanged, pointed at the server as section 6.4 of the reference says."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import requests
from qcloud_cos import CosConfig, CosS3Client
from qcloud_cos.cos_exception import CosServiceError

from anyfit_emulator import ObjectStoreServer

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::ResourceWarning")


def connect(
    server: ObjectStoreServer, key: str = "", secret: str = "", token: str | None = None, *, proxy: bool = False
) -> Any:
    """A client that keeps COS's host names and connects to the server, by address or as its proxy."""
    way: dict[str, Any] = {"IP": "127.0.0.1", "Port": server.cos_port, "ServiceDomain": f"127.0.0.1:{server.cos_port}"}
    config = CosConfig(
        Region="ap-guangzhou",
        SecretId=key or server.access_key,
        SecretKey=secret or server.secret_key,
        Token=token,
        Scheme="http",
        **({"Proxies": {"http": server.cos_endpoint}} if proxy else way),
    )
    return CosS3Client(config, retry=0)


@pytest.mark.parametrize("proxy", [False, True])
def test_a_life(server: ObjectStoreServer, proxy: bool, key: str, big: bytes, tmp_path: Path) -> None:
    """Every call that a backend needs."""
    cos, bucket = connect(server, proxy=proxy), "other-1250000000"
    cos.create_bucket(Bucket=bucket)
    put = cos.put_object(
        Bucket=bucket, Key=key, Body=b"hello", EnableMD5=True, Metadata={"x-cos-meta-colour": "blue"}, ContentType="a/b"
    )
    (tmp_path / "big").write_bytes(big)
    cos.upload_file(Bucket=bucket, Key="big", LocalFilePath=str(tmp_path / "big"), EnableMD5=True)
    cos.download_file(Bucket=bucket, Key="big", DestFilePath=str(tmp_path / "down"), PartSize=2, EnableCRC=True)
    source = {"Bucket": bucket, "Key": key, "Region": "ap-guangzhou"}
    cos.copy_object(Bucket=bucket, Key="copy", CopySource=source)
    cos.copy_object(Bucket=bucket, Key="copy2", CopySource={**source, "Key": "big"})
    head = cos.head_object(Bucket=bucket, Key="copy")

    assert (tmp_path / "down").read_bytes() == big
    assert (head["ETag"], head["x-cos-meta-colour"], head["Content-Type"]) == (put["ETag"], "blue", "a/b")
    assert head["x-cos-hash-crc64ecma"] == put["x-cos-hash-crc64ecma"]
    assert cos.get_object(Bucket=bucket, Key=key, Range="bytes=1-2")["Body"].get_raw_stream().read() == b"el"
    names = [item["Name"] for item in cos.list_buckets()["Buckets"]["Bucket"]]
    assert names == [server.bucket, bucket]
    listed = cos.list_objects(Bucket=bucket, Prefix="", MaxKeys=2)
    assert [item["Key"] for item in listed["Contents"]] == ["big", "copy"]
    assert listed["IsTruncated"] == "true"
    rest = cos.list_objects(Bucket=bucket, Marker=listed["NextMarker"])
    assert [item["Key"] for item in rest["Contents"]] == ["copy2", key]
    assert cos.list_objects(Bucket=bucket, Delimiter="/")["CommonPrefixes"] == [{"Prefix": "dir/"}]
    everything = {"Object": [{"Key": name} for name in ("big", "copy", "copy2", key)]}
    assert len(cos.delete_objects(Bucket=bucket, Delete=everything)["Deleted"]) == 4
    cos.delete_bucket(Bucket=bucket)
    assert not cos.bucket_exists(Bucket=bucket)


def test_listing_by_an_awkward_prefix(server: ObjectStoreServer) -> None:
    """The SDK sends a space of a query as a plus sign, and a plus sign as %2B."""
    cos = connect(server)
    for name in ("a b/1", "a+b/2", "a%2Bb/3"):
        cos.put_object(Bucket=server.bucket, Key=name, Body=b"x")
        listed = cos.list_objects(Bucket=server.bucket, Prefix=name[:-1])
        assert [item["Key"] for item in listed["Contents"]] == [name]


def test_multipart_by_hand(server: ObjectStoreServer) -> None:
    """Parts, their listings, abort and complete."""
    cos, bucket, part = connect(server), server.bucket, b"x" * (1 << 20)
    upload = cos.create_multipart_upload(Bucket=bucket, Key="a")["UploadId"]
    etags = [cos.upload_part(bucket, "a", part, n, upload)["ETag"] for n in (1, 2)]

    assert [p["PartNumber"] for p in cos.list_parts(bucket, "a", upload)["Part"]] == ["1", "2"]
    assert [u["UploadId"] for u in cos.list_multipart_uploads(bucket)["Upload"]] == [upload]
    parts = [{"PartNumber": n, "ETag": etag} for n, etag in enumerate(etags, 1)]
    cos.complete_multipart_upload(bucket, "a", upload, {"Part": parts})
    assert cos.get_object(bucket, "a")["Body"].get_raw_stream().read() == part * 2
    gone = cos.create_multipart_upload(Bucket=bucket, Key="b")["UploadId"]
    cos.abort_multipart_upload(bucket, "b", gone)
    with pytest.raises(CosServiceError) as caught:
        cos.list_parts(bucket, "b", gone)
    assert caught.value.get_error_code() == "NoSuchUpload"


def test_presigned_urls(server: ObjectStoreServer, key: str) -> None:
    """A signed URL works for its method alone."""
    cos = connect(server)
    cos.put_object(Bucket=server.bucket, Key=key, Body=b"hello")
    host = f"{server.bucket}.cos.ap-guangzhou.myqcloud.com"
    signer = CosS3Client(
        CosConfig(Region="ap-guangzhou", SecretId=server.access_key, SecretKey=server.secret_key, Scheme="http")
    )
    url = signer.get_presigned_url(server.bucket, key, "GET").replace(host, f"127.0.0.1:{server.cos_port}")
    headers = {"Host": host}

    assert requests.get(url, headers=headers, timeout=60).text == "hello"
    assert requests.put(url, data=b"x", headers=headers, timeout=60).status_code == 403


@pytest.mark.parametrize(
    ("options", "status", "code"),
    [
        (("NOBODY", "x", None), 403, "InvalidAccessKeyId"),
        (("", "wrong", None), 403, "SignatureDoesNotMatch"),
        (("OLD", "S", "TOK"), 403, "ExpiredToken"),
        (("", "", None), 404, "NoSuchKey"),
        (("TEMP", "S", "TOK"), 404, "NoSuchKey"),
    ],
)
def test_refusals(server: ObjectStoreServer, options: tuple[str, str, str | None], status: int, code: str) -> None:
    """Errors carry everything that the SDK reads."""
    server.add_credential("TEMP", "S", token="TOK", expires_in=60)
    server.add_credential("OLD", "S", token="TOK", expires_in=0)

    with pytest.raises(CosServiceError) as caught:
        connect(server, *options).get_object(Bucket=server.bucket, Key="nothing")
    error = caught.value
    assert (error.get_status_code(), error.get_error_code()) == (status, code)
    assert "unknown" not in {
        word.lower() for word in (error.get_request_id(), error.get_trace_id(), error.get_resource_location())
    }


def test_both_endpoints_show_the_same_objects(server: ObjectStoreServer) -> None:
    """What COS put, S3 gets, and COS's own endpoint speaks S3 as well."""
    import boto3

    connect(server).put_object(Bucket=server.bucket, Key="a", Body=b"hello")
    for endpoint in (server.s3_endpoint, server.cos_endpoint):
        s3 = boto3.client(
            "s3",
            endpoint_url=endpoint,
            aws_access_key_id=server.access_key,
            aws_secret_access_key=server.secret_key,
            region_name="ap-guangzhou",
        )
        assert s3.get_object(Bucket=server.bucket, Key="a")["Body"].read() == b"hello"
        s3.close()
