"""The contract suite on every store, by the direct path and by the vendors' libraries."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from anyfit.storage import FileStore, Store
from anyfit.testing.storage import StorageContract

_SERVICE_KEYS = (
    *StorageContract.odd_keys,
    "/leading",
    "//two",
    "a//b",
    "../up",
    "a/../b",
    "./here",
    "x" * 1024,
)


class TestFile(StorageContract):
    """Local files, which cannot have the keys that would lead elsewhere."""

    refused_keys = ("/leading", "a//b", "../up", "a/../b", "./here", "n" * 300)

    @pytest.fixture
    def store(self, tmp_path: Path) -> Store:
        return FileStore(tmp_path / "root")


class _Service(StorageContract):
    odd_keys = _SERVICE_KEYS
    scheme = "s3"
    fast = True

    @pytest.fixture
    def store(self, open_in: Callable[..., Store]) -> Store:
        return open_in(self.scheme, fast=self.fast)


class TestS3(_Service):
    """S3 by the direct path."""


class TestS3Library(_Service):
    """S3 by boto3 alone."""

    fast = False


class TestObs(_Service):
    """OBS by the direct path."""

    scheme = "obs"


class TestObsLibrary(_Service):
    """OBS by boto3 alone."""

    scheme = "obs"
    fast = False


class TestCos(_Service):
    """COS by the direct path, with COS' own signature."""

    scheme = "cos"


class TestCosLibrary(_Service):
    """COS by cos-python-sdk-v5 alone."""

    scheme = "cos"
    fast = False
