"""What people write with boto3: a client and a pool of threads."""

from __future__ import annotations

import os
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import boto3
from botocore.config import Config

way, local, remote = sys.argv[1], Path(sys.argv[2]), sys.argv[3]
bucket, _, prefix = remote.partition("/")
client = boto3.client("s3", endpoint_url=os.environ["BENCH_S3"], config=Config(max_pool_connections=16))


def listed() -> dict[str, int]:
    pages = client.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
    return {item["Key"].removeprefix(prefix): item["Size"] for page in pages for item in page.get("Contents", ())}


def upload(path: Path) -> None:
    client.upload_file(str(path), bucket, prefix + path.relative_to(local).as_posix())


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
