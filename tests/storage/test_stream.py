"""Objects through pipes."""

from __future__ import annotations

import io
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from anyfit.errors import StorageError
from anyfit.storage import Store, StoreSettings, Uri, copy_tree, open_store
from anyfit.storage.file import FileStore
from anyfit.storage.retry import Retry
from anyfit.storage.stream import read_pipe, read_stream, write_stream
from anyfit_emulator.storage import ObjectStoreServer

MIB = 1 << 20
DATA = bytes(range(256)) * (9 * MIB // 256)


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where uploads under way are remembered."""
    monkeypatch.setenv("ANYFIT_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


class Trickle(io.RawIOBase):
    """A pipe that gives a little at a time, and may break."""

    def __init__(self, data: bytes, broken: bool = False) -> None:
        self.rest = memoryview(data)
        self.broken = broken

    def read(self, size: int = -1, /) -> bytes:
        """Some of it."""
        if not self.rest and self.broken:
            raise OSError("the other side is gone")
        piece, self.rest = self.rest[: min(size, 70_000)], self.rest[min(size, 70_000) :]
        return bytes(piece)


def send_in_parts(store: Store, key: str, data: bytes, part: int) -> None:
    """Make an object as other tools do, which keep no sums."""
    upload = store.start_upload(key)
    pieces = (data[at : at + part] for at in range(0, len(data), part))
    parts = [store.put_part(key, upload, number, piece) for number, piece in enumerate(pieces, 1)]
    store.finish_upload(key, upload, parts)


@pytest.mark.parametrize("scheme", ["s3", "obs", "cos"])
@pytest.mark.parametrize("size", [0, 5, 9 * MIB])
def test_there_and_back(open_in: Callable[..., Store], scheme: str, size: int) -> None:
    """What goes in comes out, of any size, however the pipe gives it."""
    store = open_in(scheme)

    assert write_stream(Trickle(DATA[:size]), store, "k") == size
    assert b"".join(read_stream(store, "k")) == DATA[:size]


def test_the_bandwidth_is_kept(open_in: Callable[..., Store]) -> None:
    """In both directions a stream takes the time that its bytes have at this rate, but for the last few."""
    store = open_in("s3")
    begin = time.monotonic()
    assert write_stream(io.BytesIO(DATA), store, "k", bandwidth=20 * MIB) == len(DATA)
    assert time.monotonic() - begin >= 8 / 20
    begin = time.monotonic()
    assert b"".join(read_stream(store, "k", bandwidth=20 * MIB)) == DATA
    assert time.monotonic() - begin >= 8 / 20
    assert b"".join(read_pipe(io.BytesIO(DATA), bandwidth=1000 * MIB)) == DATA


def test_a_file(tmp_path: Path) -> None:
    """A local file appears when the pipe has ended."""
    store = FileStore(tmp_path / "files")
    (tmp_path / "files").mkdir()
    with pytest.raises(OSError, match="gone"):
        write_stream(Trickle(DATA, broken=True), store, "k")

    assert list((tmp_path / "files").iterdir()) == []
    assert write_stream(Trickle(DATA), store, "k") == len(DATA)
    assert b"".join(read_stream(store, "k")) == DATA


def test_a_broken_pipe_leaves_nothing(
    own_server: ObjectStoreServer, settings_of: Callable[..., StoreSettings], home: Path
) -> None:
    """Neither an object nor an upload that has begun."""
    store = open_store(Uri("s3", own_server.bucket), settings_of(own_server))
    with pytest.raises(OSError, match="gone"):
        write_stream(Trickle(DATA, broken=True), store, "k")

    assert list(store.list()) == []
    assert own_server.requests.counts["AbortMultipartUpload"] == 1
    assert list((home / "transfers").iterdir()) == []
    store.close()


def test_each_part_is_tried_again(own_server: ObjectStoreServer, settings_of: Callable[..., StoreSettings]) -> None:
    """A service that refuses, drops and damages every third part gets all of them in the end."""
    store = open_store(Uri("s3", own_server.bucket), settings_of(own_server))
    store.retry = Retry(first=0.001)
    own_server.faults = "error=503:0.15,reset=0.1,corrupt=0.1,only=UploadPart,seed=7"
    data = DATA * 4

    assert write_stream(Trickle(data), store, "k") == len(data)
    assert own_server.requests.counts["UploadPart"] > 5
    own_server.faults = ""
    assert b"".join(read_stream(store, "k")) == data
    store.close()


def test_damage_without_sums_is_told_at_the_end(
    own_server: ObjectStoreServer, settings_of: Callable[..., StoreSettings]
) -> None:
    """An object that anyfit did not send has one sum for all; it is compared with what was read."""
    store = open_store(Uri("s3", own_server.bucket), settings_of(own_server))
    store.put("k", DATA)
    own_server.faults = "corrupt=1,only=GetObject,times=1"
    with pytest.raises(StorageError, match="arrived damaged"):
        list(read_stream(store, "k"))

    assert b"".join(read_stream(store, "k")) == DATA
    store.close()


@pytest.mark.parametrize("part", [5 * MIB, 5 * MIB + 1])
@pytest.mark.parametrize("scheme", ["s3", "cos"])
def test_damage_of_objects_in_parts_is_told_at_the_end(
    own_server: ObjectStoreServer, settings_of: Callable[..., StoreSettings], scheme: str, part: int
) -> None:
    """Their ETag proves them where the size of the parts is usual or told, and another reading elsewhere."""
    store = open_store(Uri(scheme, own_server.bucket), settings_of(own_server, scheme))
    send_in_parts(store, "k", DATA, part)
    own_server.faults = "corrupt=1,only=GetObject,times=1"
    with pytest.raises(StorageError, match="arrived damaged"):
        list(read_stream(store, "k"))
    own_server.requests.clear()

    assert b"".join(read_stream(store, "k")) == DATA
    told = scheme == "s3" or part == 5 * MIB
    assert own_server.requests.counts["GetObject"] == (2 if told else 4)
    store.close()


def test_damage_of_another_reading_is_none_of_the_first(
    own_server: ObjectStoreServer, settings_of: Callable[..., StoreSettings]
) -> None:
    """What was given out is right, though it can only be proven by reading again, and that goes wrong at first."""
    store = open_store(Uri("cos", own_server.bucket), settings_of(own_server, "cos"))
    send_in_parts(store, "k", DATA, 5 * MIB + 1)
    read = b""
    for data in read_stream(store, "k"):
        read += data
        own_server.faults = "corrupt=1,only=GetObject,times=1" if read == DATA else ""

    assert read == DATA
    store.close()


@pytest.mark.parametrize("fast", [True, False])
@pytest.mark.parametrize("scheme", ["s3", "cos"])
@pytest.mark.parametrize(("size", "part"), [(9 * MIB // 4, 3 * MIB // 2), (200_000, 200_000), (40_000, 40_000)])
def test_damage_of_small_objects_in_parts_is_never_delivered(
    own_server: ObjectStoreServer,
    settings_of: Callable[..., StoreSettings],
    tmp_path: Path,
    scheme: str,
    size: int,
    part: int,
    fast: bool,
) -> None:
    """What would go in one piece is read again until it is right, whatever the size of its parts."""
    own_server.options.min_part = 0
    store = open_store(Uri(scheme, own_server.bucket), settings_of(own_server, scheme, fast=fast))
    store.retry = Retry(first=0.001)
    data = DATA[7 : 7 + size]
    send_in_parts(store, "d/k", data, part)
    for target in (tmp_path / "back", tmp_path / "again"):
        own_server.faults = "corrupt=1,only=GetObject,times=1"
        report = copy_tree(Uri(scheme, own_server.bucket, "d/"), target, open=lambda uri: store)
        assert (report.failures, (target / "k").read_bytes()) == ((), data)
    own_server.faults = "corrupt=1,only=GetObject,times=1"
    assert store.read("d/k") == data
    store.close()


def test_lost_connections_are_taken_up_again(
    own_server: ObjectStoreServer, settings_of: Callable[..., StoreSettings]
) -> None:
    """Pieces that did not come whole are fetched again, and only these."""
    store = open_store(Uri("s3", own_server.bucket), settings_of(own_server))
    store.put("k", DATA)
    own_server.faults = "reset=1,only=GetObject,times=2"

    assert b"".join(read_stream(store, "k")) == DATA
    assert own_server.requests.counts["GetObject"] == 4
    store.close()
