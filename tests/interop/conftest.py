"""A server with temporary and permanent keys, and the environment of tools that are pointed at it."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from anyfit_emulator import ObjectStoreServer

BIG = bytes(range(256)) * (9 << 12)  # nine MiB: more than every client puts in one piece
KEY = "dir/训 练 + %41.txt"


@pytest.fixture
def server(tmp_path: Path) -> Iterator[ObjectStoreServer]:
    """A server with an empty bucket."""
    with ObjectStoreServer(tmp_path / "data") as running:
        yield running


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A folder of files with awkward names, one of them large, one empty."""
    root = tmp_path / "tree"
    for name, data in (("a b/数据%.txt", b"1"), ("a b/c+d", b"22"), ("empty", b""), ("big.bin", BIG)):
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return root


@pytest.fixture
def environment(server: ObjectStoreServer, tmp_path: Path) -> dict[str, str]:
    """Variables for AWS's own tools and those that follow them."""
    return {
        "PATH": os.environ["PATH"],
        "HOME": str(tmp_path),
        "LANG": "C.UTF-8",
        "AWS_ACCESS_KEY_ID": server.access_key,
        "AWS_SECRET_ACCESS_KEY": server.secret_key,
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_REGION": "us-east-1",
        "AWS_ENDPOINT_URL": server.s3_endpoint,
        "S3_ENDPOINT_URL": server.s3_endpoint,
        "AWS_EC2_METADATA_DISABLED": "true",
    }


@pytest.fixture
def wildcard_localhost(monkeypatch: pytest.MonkeyPatch) -> None:
    """Names below localhost resolve, as they do with systemd; plain glibc does not know them."""
    resolve = socket.getaddrinfo

    def local(host: Any, *rest: Any, **named: Any) -> Any:
        return resolve("127.0.0.1" if str(host).endswith(".localhost") else host, *rest, **named)

    monkeypatch.setattr(socket, "getaddrinfo", local)


def contents(root: Path) -> dict[str, bytes]:
    """Every file below `root`."""
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in root.rglob("*") if path.is_file()}


@pytest.fixture
def contents_of() -> Any:
    """Reads a whole folder."""
    return contents


@pytest.fixture
def big() -> bytes:
    """Content that every client sends in parts."""
    return BIG


@pytest.fixture
def key() -> str:
    """A key that has to be escaped in several ways."""
    return KEY
