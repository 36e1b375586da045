"""What people write with cos-python-sdk-v5: its `upload_file` and `download_file` in a pool of threads."""

from __future__ import annotations

import os
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import urlsplit

from qcloud_cos import CosConfig, CosS3Client

way, local, remote = sys.argv[1], Path(sys.argv[2]), sys.argv[3]
bucket, _, prefix = remote.partition("/")
endpoint = urlsplit(os.environ["BENCH_COS"])
client = CosS3Client(
    CosConfig(
        Region="ap-guangzhou",
        SecretId=os.environ["AWS_ACCESS_KEY_ID"],
        SecretKey=os.environ["AWS_SECRET_ACCESS_KEY"],
        Scheme="http",
        IP=endpoint.hostname,
        Port=endpoint.port,
        ServiceDomain=endpoint.netloc,
        PoolMaxSize=16,
    )
)


def listed() -> dict[str, int]:
    found, marker = {}, ""
    while True:
        page = client.list_objects(bucket, Prefix=prefix, Marker=marker)
        found |= {item["Key"].removeprefix(prefix): int(item["Size"]) for item in page.get("Contents", ())}
        if page["IsTruncated"] != "true":
            return found
        marker = page["NextMarker"]


def upload(path: Path) -> None:
    client.upload_file(bucket, prefix + path.relative_to(local).as_posix(), str(path), PartSize=8)


def download(name: str) -> None:
    target = local / name
    target.parent.mkdir(parents=True, exist_ok=True)
    client.download_file(bucket, prefix + name, str(target))


with ThreadPoolExecutor(16) as pool:
    if way == "down":
        list(pool.map(download, listed()))
    else:
        there = listed() if way == "same" else {}
        files = [path for path in local.rglob("*") if path.is_file()]
        new = [p for p in files if there.get(p.relative_to(local).as_posix()) != p.stat().st_size]
        list(pool.map(upload, new))
