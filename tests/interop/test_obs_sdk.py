"""esdk-obs-python, unchanged: its own signature with virtual hosts, and S3's with paths."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from obs import DeleteObjectsRequest, ObsClient
from obs import Object as ObsKey

from anyfit_emulator import ObjectStoreServer

pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::ResourceWarning"),
    pytest.mark.usefixtures("wildcard_localhost"),
]
Connect = Callable[..., Any]


@pytest.fixture
def connect(server: ObjectStoreServer) -> Iterator[Connect]:
    """Makes clients."""
    opened = []

    def make(host: str = "127.0.0.1", signature: str = "obs", key: str = "", secret: str = "", token: str = "") -> Any:
        client = ObsClient(
            access_key_id=key or server.access_key,
            secret_access_key=secret or server.secret_key,
            security_token=token or None,
            server=f"http://{host}:{server.s3_port}",
            signature=signature,
            region="cn-north-4",
            max_retry_count=0,
        )
        opened.append(client)
        return client

    yield make
    for client in opened:
        client.close()


def done(answer: Any) -> Any:
    """The body of an answer that has to be good."""
    assert answer.status < 300, (answer.status, answer.errorCode, answer.errorMessage)
    return answer.body


@pytest.mark.parametrize("signature", ["obs", "v2", "v4"])
@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_a_life(
    connect: Connect, server: ObjectStoreServer, host: str, signature: str, key: str, big: bytes, tmp_path: Path
) -> None:
    """Every common call, with each signature, with the bucket in the path and in the host."""
    obs, bucket = connect(host, signature), "another-bucket"
    server.options.min_part = 100 << 10  # OBS's own limit, also for requests that are signed as S3's are
    done(obs.createBucket(bucket, location="cn-north-4"))
    etag = done(obs.putContent(bucket, key, "hello", metadata={"colour": "blue"})).etag
    (tmp_path / "big").write_bytes(big)
    done(obs.putFile(bucket, "file", str(tmp_path / "big")))
    done(obs.uploadFile(bucket, "big", str(tmp_path / "big"), partSize=1 << 20, taskNum=3, enableCheckpoint=True))
    done(obs.downloadFile(bucket, "big", str(tmp_path / "down"), partSize=2 << 20, taskNum=3))
    done(obs.copyObject(bucket, key, bucket, "copy"))
    got = done(obs.getObject(bucket, "copy", loadStreamInMemory=True))

    assert (tmp_path / "down").read_bytes() == big
    assert (got.buffer, got.etag) == (b"hello", etag)
    assert dict(obs.getObjectMetadata(bucket, "copy").header)["colour"] == "blue"
    assert done(obs.headBucket(bucket)) is None
    done(obs.getBucketLocation(bucket))
    assert [item.name for item in done(obs.listBuckets()).buckets] == [bucket, server.bucket]
    page = done(obs.listObjects(bucket, max_keys=2))
    assert ([item.key for item in page.contents], page.is_truncated) == (["big", "copy"], True)
    rest = done(obs.listObjects(bucket, marker=page.next_marker))
    assert [item.key for item in rest.contents] == [key, "file"]
    assert [item.prefix for item in done(obs.listObjects(bucket, delimiter="/")).commonPrefixs] == ["dir/"]
    url = obs.createSignedUrl("GET", bucket, key)
    assert requests.get(url.signedUrl, headers=url.actualSignedRequestHeaders, timeout=60).text == "hello"
    everything = DeleteObjectsRequest(objects=[ObsKey(key=name) for name in ("big", "copy", "file", key)])
    assert len(done(obs.deleteObjects(bucket, everything)).deleted) == 4
    done(obs.deleteBucket(bucket))


def test_its_own_signature_is_used_where_the_bucket_is_in_the_host(connect: Connect, server: ObjectStoreServer) -> None:
    """The SDK asks for the API version and then signs in OBS's way."""
    done(connect("localhost").putContent(server.bucket, "a", "1"))

    assert server.requests.counts == {"GetApiVersion": 1, "PutObject": 1}


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
@pytest.mark.parametrize(
    ("options", "status", "code"),
    [
        ({"key": "NOBODY"}, 403, "InvalidAccessKeyId"),
        ({"secret": "wrong"}, 403, "SignatureDoesNotMatch"),
        ({"key": "TEMP", "secret": "S", "token": "other"}, 400, "InvalidToken"),
        ({"key": "TEMP", "secret": "S", "token": "TOK"}, 404, "NoSuchKey"),
    ],
)
def test_refusals(
    connect: Connect, server: ObjectStoreServer, host: str, options: dict[str, str], status: int, code: str
) -> None:
    """Errors are the SDK's errors."""
    server.add_credential("TEMP", "S", token="TOK", expires_in=60)
    answer = connect(host, **options).getObject(server.bucket, "nothing")

    assert (answer.status, answer.errorCode) == (status, code)
    assert answer.requestId
