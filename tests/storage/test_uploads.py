"""A plan's uploads on their way to a service."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from anyfit.backend import Upload
from anyfit.stage import put_uploads
from anyfit.storage import StoreSettings, Uri, open_store
from anyfit_emulator.storage import ObjectStoreServer


def test_a_large_archive_goes_in_parts(
    own_server: ObjectStoreServer,
    settings_of: Callable[..., StoreSettings],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """An archive of code is sent part by part, and not again when it is there."""
    monkeypatch.setenv("ANYFIT_HOME", str(tmp_path / "home"))
    data = os.urandom(17 << 20)
    (tmp_path / "code.tar").write_bytes(data)
    target = f"s3://{own_server.bucket}/code/4711.tar"
    with closing(open_store(Uri.parse(target), settings_of(own_server))) as store:
        backend: Any = SimpleNamespace(store=lambda uri: store)
        upload = Upload(target=target, source=str(tmp_path / "code.tar"))
        assert put_uploads(backend, [upload]) == [len(data)]
        assert put_uploads(backend, [upload]) == [None]
        assert store.read("code/4711.tar") == data

    assert own_server.requests.counts["UploadPart"] == 3
    assert "PutObject" not in own_server.requests.counts
