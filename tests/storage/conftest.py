"""An object store on loopback for all tests here, and settings to reach it by each road."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from anyfit.storage import Store, StoreSettings, Uri, open_store
from anyfit_emulator.storage import ObjectStoreServer

_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ObjectStoreServer]:
    """One server for the whole run; each test has a bucket of its own."""
    with ObjectStoreServer(tmp_path_factory.mktemp("objects")) as running:
        yield running


@pytest.fixture
def own_server(tmp_path: Path) -> Iterator[ObjectStoreServer]:
    """A server whose faults and log belong to one test."""
    with ObjectStoreServer(tmp_path / "objects") as running:
        yield running


SettingsOf = Callable[..., StoreSettings]


@pytest.fixture
def settings_of() -> SettingsOf:
    """Settings for a scheme on a server, by the direct path or the vendor's library."""

    def make(server: ObjectStoreServer, scheme: str = "s3", *, fast: bool = True) -> StoreSettings:
        region = {"s3": "us-east-1", "obs": "cn-north-1", "cos": "ap-guangzhou"}[scheme]
        endpoint = server.cos_endpoint if scheme == "cos" else server.s3_endpoint
        return StoreSettings(
            endpoint=endpoint,
            region=region,
            access_key=server.access_key,
            secret_key=server.secret_key,
            fast=fast,
            timeout=20,
        )

    return make


@pytest.fixture
def bucket(server: ObjectStoreServer) -> str:
    """A new empty bucket."""
    name = f"bucket-{next(_numbers)}-1250000000"
    server.store.create_bucket(name)
    return name


Opener = Callable[..., Store]


@pytest.fixture
def open_in(server: ObjectStoreServer, bucket: str, settings_of: SettingsOf) -> Iterator[Opener]:
    """Opens the test's bucket by scheme."""
    opened: list[Store] = []

    def open_it(scheme: str = "s3", *, fast: bool = True) -> Store:
        store = open_store(Uri(scheme, bucket), settings_of(server, scheme, fast=fast))
        opened.append(store)
        return store

    yield open_it
    for store in opened:
        store.close()
