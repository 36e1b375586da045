"""What only the road through boto3 has to keep."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing, nullcontext
from typing import Literal

import pytest
from botocore.loaders import JSONFileLoader

from anyfit.errors import UsageError
from anyfit.storage import Store, StoreSettings, Uri, open_store
from anyfit.values import evolve
from anyfit_emulator.storage import ObjectStoreServer


def test_descriptions_of_services_are_read_once(
    server: ObjectStoreServer, bucket: str, settings_of: Callable[..., StoreSettings], monkeypatch: pytest.MonkeyPatch
) -> None:
    """However many stores a process opens: reading botocore's files takes longer than all the rest of opening one."""
    read: list[str] = []
    load = JSONFileLoader.load_file

    def told(loader: JSONFileLoader, path: str) -> object:
        read.append(path)
        return load(loader, path)

    settings = settings_of(server, fast=False)
    with closing(open_store(Uri("s3", bucket), settings)) as store:
        store.put("key", b"content")
    monkeypatch.setattr(JSONFileLoader, "load_file", told)
    with closing(open_store(Uri("s3", bucket), settings)) as store:
        content = store.read("key")

    assert content == b"content"
    assert read == []


@pytest.mark.parametrize("signature", ["v4", "v2"])
def test_urls_that_are_good_for_long(
    server: ObjectStoreServer, bucket: str, settings_of: Callable[..., StoreSettings], signature: Literal["v4", "v2"]
) -> None:
    """Signatures of version 4 are good for seven days at most, others as long as one likes."""
    settings = evolve(settings_of(server, fast=False), signature=signature)
    with closing(open_store(Uri("s3", bucket), settings)) as store:
        store.presign("key", expires=7 * 86400)
        with pytest.raises(UsageError) if signature == "v4" else nullcontext():
            store.presign("key", expires=7 * 86400 + 1)


@pytest.mark.parametrize("version", ["s3transfer 0.11", "s3transfer 0.19"])
def test_a_copy_in_parts_keeps_what_goes_with_the_bytes(
    server: ObjectStoreServer, open_in: Callable[..., Store], monkeypatch: pytest.MonkeyPatch, version: str
) -> None:
    """Whether the library looks after that or, as older ones, knows nothing of it."""
    monkeypatch.setattr("anyfit.storage.boto._MAX_COPY", 3)
    if version == "s3transfer 0.11":
        monkeypatch.setattr("s3transfer.copies.CopySubmissionTask.PRESERVED_METADATA_FIELDS", [], raising=False)
    store = open_in("s3", fast=False)
    store.put("page.html", bytes(9 << 20), checksum="crc32:1")
    entry = store.copy(store, "page.html", "the copy")
    made = server.store.lookup(store.bucket, "the copy")

    assert (entry.size, entry.etag[-2:], entry.checksum) == (9 << 20, "-2", "crc32:1")
    assert made and made.meta.headers["content-type"] == "text/html"


def test_objects_too_large_for_one_copy(open_in: Callable[..., Store], monkeypatch: pytest.MonkeyPatch) -> None:
    """They are copied inside the service all the same."""
    monkeypatch.setattr("anyfit.storage.boto._MAX_COPY", 3)
    store = open_in("s3", fast=False)
    store.put("key", b"content")
    entry = store.copy(store, "key", "the copy")

    assert entry.size == 7
    assert store.read("the copy") == b"content"
