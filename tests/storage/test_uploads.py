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
from anyfit.storage import Progress, Report, StoreSettings, Uri, open_store, sync
from anyfit.storage.crc64 import crc64
from anyfit.storage.retry import Retry
from anyfit.storage.wire import Origin, Wire
from anyfit_emulator.storage import ObjectStoreServer
from anyfit_emulator.storage.call import Options


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


@pytest.mark.parametrize("checksums", ["kept", "ignored", "refused"])
def test_parts_are_proven_as_the_service_can(
    tmp_path: Path, settings_of: Callable[..., StoreSettings], checksums: Any
) -> None:
    """Parts go with the CRC-32 where the service promises to check it, else with a signed SHA-256; damage is seen."""
    data = os.urandom(6 << 20)
    options = Options(checksums=checksums)
    with ObjectStoreServer(tmp_path / "objects", options=options, faults="corrupt=1,only=UploadPart,times=1") as server:
        store = open_store(Uri("s3", server.bucket), settings_of(server))
        store.retry = Retry(first=0.001)
        with closing(store):
            upload = store.start_upload("large")
            parts = [store.put_part("large", upload, 1, data)]
            faults = [line.fault for line in server.requests.recent if line.operation == "UploadPart"]
            store.finish_upload("large", upload, parts)
            assert store.read("large") == data
        kept = server.store.stat(server.bucket, "large").meta.checksums

    assert faults == ["corrupt", ""]
    assert [bool(part.crc32) for part in parts] == [checksums == "kept"]
    assert kept.get("type") == ("COMPOSITE" if checksums == "kept" else None)


def test_an_upload_with_checked_parts_goes_on_by_any_road(
    own_server: ObjectStoreServer, settings_of: Callable[..., StoreSettings]
) -> None:
    """Parts that were sent with their CRC-32 by the direct path are listed with it, and the library goes on so."""
    first, second = os.urandom(5 << 20), b"the end"
    place = Uri("s3", own_server.bucket)
    with closing(open_store(place, settings_of(own_server))) as direct:
        upload = direct.start_upload("large")
        direct.put_part("large", upload, 1, first)
    with closing(open_store(place, settings_of(own_server, fast=False))) as library:
        (known,) = library.list_parts("large", upload)
        assert known.crc32
        library.finish_upload("large", upload, [known, library.put_part("large", upload, 2, second)])
        assert library.read("large") == first + second


def test_a_line_that_others_may_change_gets_signed_bodies() -> None:
    """A CRC-32 alone goes only over TLS with a checked certificate, or within this machine."""
    private = {
        (url, verify): Wire(Origin.of(url), verify=verify).private
        for url in ("http://10.0.0.1:9000", "https://host", "http://localhost:1", "http://127.0.0.1")
        for verify in (True, False)
    }

    assert private == {
        ("http://10.0.0.1:9000", True): False,
        ("http://10.0.0.1:9000", False): False,
        ("https://host", True): True,
        ("https://host", False): False,
        ("http://localhost:1", True): True,
        ("http://localhost:1", False): True,
        ("http://127.0.0.1", True): True,
        ("http://127.0.0.1", False): True,
    }


@pytest.mark.parametrize("data", [b"123456789", bytearray(b"123456789"), memoryview(b"0123456789")[1:]])
def test_the_checksum_of_cos(data: Any) -> None:
    """It is CRC-64/XZ in decimal, of any kind of bytes."""
    assert crc64(data) == str(0x995DC9BBDF1939FA)


@pytest.mark.parametrize("fast", [True, False])
@pytest.mark.parametrize("known", [True, False])
def test_parts_to_cos_are_proven_by_its_answer(
    own_server: ObjectStoreServer,
    settings_of: Callable[..., StoreSettings],
    monkeypatch: pytest.MonkeyPatch,
    fast: bool,
    known: bool,
) -> None:
    """The CRC-64 that COS answers is compared with ours, or an MD5 is sent along; a damaged part is sent again."""
    if not known:
        monkeypatch.setattr("anyfit.storage.crc64._function", lambda: None)
    data = os.urandom(3 << 20)
    own_server.faults = "corrupt=1,only=UploadPart,times=1"
    store = open_store(Uri("cos", own_server.bucket), settings_of(own_server, "cos", fast=fast))
    store.retry = Retry(first=0.001)
    with closing(store):
        upload = store.start_upload("large")
        store.finish_upload("large", upload, [store.put_part("large", upload, 1, data)])
        assert store.read("large") == data

    statuses = [line.status for line in own_server.requests.recent if line.operation == "UploadPart"]
    assert statuses == ([200, 200] if known else [400, 200])


@pytest.mark.parametrize("up", [True, False], ids=["up", "down"])
def test_two_move_the_same_at_once(
    own_server: ObjectStoreServer, settings_of: Callable[..., StoreSettings], tmp_path: Path, up: bool
) -> None:
    """Neither ends what the other has begun: both arrive, and nothing is left of either."""
    data = os.urandom(20 << 20)
    (tmp_path / "source").write_bytes(data)
    settings, state = settings_of(own_server), tmp_path / "state"
    place = f"s3://{own_server.bucket}/large"
    sync(tmp_path / "source", place, settings=settings, state_dir=state)
    ways = (tmp_path / "source", place) if up else (place, tmp_path / "back/large")
    others: list[Report] = []

    def meanwhile(progress: Progress) -> None:
        if progress.bytes and not others:
            others.append(sync(*ways, settings=settings, state_dir=state, compare="always"))

    first = sync(*ways, settings=settings, state_dir=state, compare="always", on_progress=meanwhile)

    assert [report.failures for report in (first, *others)] == [(), ()]
    assert up or [(path.name, path.read_bytes()) for path in (tmp_path / "back").iterdir()] == [("large", data)]
    assert list(state.iterdir()) == []
    assert "AbortMultipartUpload" not in own_server.requests.counts


def test_an_upload_goes_on_in_the_process_that_was_interrupted(
    own_server: ObjectStoreServer, settings_of: Callable[..., StoreSettings], tmp_path: Path
) -> None:
    """As in a notebook, where the same call is made again."""
    (tmp_path / "source").write_bytes(os.urandom(60 << 20))
    place = f"s3://{own_server.bucket}/large"

    def interrupt(progress: Progress) -> None:
        if progress.bytes > 24 << 20:
            raise KeyboardInterrupt

    def again(on_progress: Callable[[Progress], None] | None = None) -> Report:
        return sync(
            tmp_path / "source",
            place,
            settings=settings_of(own_server),
            state_dir=tmp_path / "state",
            jobs=2,
            on_progress=on_progress,
        )

    with pytest.raises(KeyboardInterrupt):
        again(interrupt)
    assert again().failures == ()
    assert own_server.requests.counts["CreateMultipartUpload"] == 1
