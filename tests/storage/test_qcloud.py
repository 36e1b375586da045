"""What only the road through the library of COS has to keep."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from qcloud_cos import CosS3Client

from anyfit.storage import Store
from anyfit_emulator.storage import ObjectStoreServer


def test_a_copy_in_parts_keeps_what_goes_with_the_bytes(
    server: ObjectStoreServer, open_in: Callable[..., Store], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The library looks after nothing of it where it copies in parts: of another class, or between endpoints."""
    monkeypatch.setattr("anyfit.storage.qcloud._MAX_COPY", 3)
    monkeypatch.setattr("qcloud_cos.cos_client.SINGLE_UPLOAD_LENGTH", 3)
    # The library looks at the source in the cloud itself, wherever other requests go.
    monkeypatch.setattr(CosS3Client, "_head_object_when_copy", lambda *_, **__: (11 << 20, "standard_ia"))
    store = open_in("cos", fast=False)
    store.put("page.html", bytes(11 << 20), checksum="crc32:1")
    entry = store.copy(store, "page.html", "the copy")
    made = server.store.lookup(store.bucket, "the copy")

    assert (entry.size, entry.etag[-2:], entry.checksum) == (11 << 20, "-2", "crc32:1")
    assert made and made.meta.headers["content-type"] == "text/html"
