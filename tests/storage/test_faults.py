"""What goes wrong on the way, and what comes of it: each fault is made by the server, the disk or a signal."""

from __future__ import annotations

import errno
import itertools
import json
import os
import resource
import signal
import socket
import subprocess
import sys
import textwrap
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta, timezone
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from attrs import evolve

from anyfit.errors import AuthError, NotFound, StorageError
from anyfit.storage import Action, Entry, FileStore, Progress, Report, Store, StoreSettings, Uri, open_store, sync
from anyfit.storage.retry import Retry
from anyfit.storage.sums import PieceSums
from anyfit_emulator.running.ports import free_port
from anyfit_emulator.storage import Faults, ObjectStoreServer
from anyfit_emulator.storage.requestlog import LoggedRequest
from ports import deaf_port

MIB = 1 << 20
_PAIR = ("s3", "cos")
SettingsOf = Callable[..., StoreSettings]

_ROADS = [("s3", True), ("s3", False), ("obs", True), ("cos", True), ("cos", False)]


@pytest.fixture(params=_ROADS, ids=lambda road: f"{road[0]}-{'direct' if road[1] else 'library'}")
def store(request: pytest.FixtureRequest, own_server: ObjectStoreServer, settings_of: SettingsOf) -> Iterator[Store]:
    """A bucket on a server whose faults belong to the test, by each road."""
    scheme, fast = request.param
    opened = open_store(Uri(scheme, own_server.bucket), settings_of(own_server, scheme, fast=fast))
    yield opened
    opened.close()


def _sync(source: Uri | Path, target: Uri | Path, store: Store, state: Path, **options: Any) -> Report:
    def opener(uri: Uri) -> Store:
        return FileStore() if uri.is_local else store

    return sync(source, target, open=opener, state_dir=state, compare="always", part_size=MIB, **options)


def _tree(directory: Path) -> dict[str, bytes]:
    tree = {f"d{n % 4}/f{n}": os.urandom(2000 + n) for n in range(40)} | {"empty": b""}
    tree |= {"middle": os.urandom(700_000), "large": os.urandom(11 * MIB + 5)}
    for name, data in tree.items():
        FileStore(directory).put(name, data)
    return tree


def _files(directory: Path) -> dict[str, bytes]:
    return {str(path.relative_to(directory)): path.read_bytes() for path in directory.rglob("*") if path.is_file()}


@pytest.mark.parametrize(
    "faults",
    [
        "error=500:0.1,error=503:0.05,slowdown=0.05",
        "reset=0.15",
        "truncate=0.2",
        "shorten=0.2",
        "corrupt=0.2",
        "lost=0.15",
    ],
    ids=lambda text: text.partition("=")[0],
)
def test_everything_arrives(store: Store, own_server: ObjectStoreServer, tmp_path: Path, faults: str) -> None:
    """With a fifth of the requests going wrong, every file arrives whole in both directions, and no other content."""
    tree = _tree(tmp_path / "source")
    remote = Uri(store.scheme, store.bucket, "data/")
    own_server.faults = faults
    up = _sync(tmp_path / "source", remote, store, tmp_path / "state")
    down = _sync(remote, tmp_path / "back", store, tmp_path / "state")
    own_server.faults = ""

    assert up.failures == down.failures == ()
    assert down.unproven == 0
    assert _files(tmp_path / "back") == tree
    assert {entry.key.removeprefix("data/"): entry.size for entry in store.list("data/")} == {
        name: len(data) for name, data in tree.items()
    }


def test_a_lost_answer_to_the_last_request_of_an_upload(
    store: Store, own_server: ObjectStoreServer, tmp_path: Path
) -> None:
    """An upload whose completion was done, but never answered, is a success."""
    (tmp_path / "large").write_bytes(os.urandom(6 * MIB))
    own_server.faults = "lost=1,times=1,only=CompleteMultipartUpload"
    report = _sync(tmp_path / "large", Uri(store.scheme, store.bucket, "large"), store, tmp_path / "state")

    assert (report.failures, report.copied) == ((), 1)


@pytest.mark.parametrize(("scheme", "fast"), _ROADS)
def test_nobody_there(settings_of: SettingsOf, own_server: ObjectStoreServer, scheme: str, fast: bool) -> None:
    """Where nobody listens, a listing and a stat fail soon, and name what could not be reached."""
    with deaf_port() as port:
        settings = evolve(settings_of(own_server, scheme, fast=fast), endpoint=f"http://127.0.0.1:{port}")
        store = open_store(Uri(scheme, own_server.bucket), settings)
        store.retry = Retry(attempts=1_000_000, first=0.001)
        for ask in (lambda: list(store.list()), lambda: store.stat("key")):
            with pytest.raises(StorageError, match=r"onnect") as caught:
                ask()
            assert caught.value.hint == "check endpoint and network"
        store.close()


def test_a_network_that_goes_away_for_good_ends_a_transfer(
    own_server: ObjectStoreServer, settings_of: SettingsOf, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is left is not tried object by object, each for half a minute; what was done is kept."""
    for n in range(300):
        FileStore(tmp_path / "source").put(f"{n:03}", bytes(100_000))
    connect, attempts, gone = socket.create_connection, itertools.count(), threading.Event()

    def connected(*args: Any, **options: Any) -> socket.socket:
        if not gone.is_set():
            return connect(*args, **options)
        next(attempts)
        raise OSError(errno.ENETUNREACH, "Network is unreachable")

    done: list[str] = []

    def leave(action: Action) -> None:
        done.append(action.target)
        if len(done) == 20:
            own_server.faults = "reset=1"
            gone.set()

    monkeypatch.setattr(socket, "create_connection", connected)
    store = open_store(Uri("s3", own_server.bucket), settings_of(own_server))
    store.retry = Retry(attempts=4, first=0.001)
    target = Uri("s3", own_server.bucket, "x/")
    with pytest.raises(StorageError, match="Network is unreachable") as ended:
        _sync(tmp_path / "source", target, store, tmp_path / "state", on_action=leave)
    own_server.faults = ""
    gone.clear()

    assert "run it again" in ended.value.hint
    assert next(attempts) <= 3 * 16 * 4
    assert set(done) <= {f"{target.root}{entry.key}" for entry in store.list("x/")}
    store.close()


def test_a_service_that_is_gone_for_a_while(settings_of: SettingsOf, tmp_path: Path) -> None:
    """A service that has answered before is waited for."""
    port = free_port()
    with ObjectStoreServer(tmp_path / "objects", s3_port=port) as before:
        store = open_store(Uri("s3", before.bucket), settings_of(before))
        store.retry = Retry(attempts=1_000_000, first=0.001, longest=0.01)
        store.put("key", b"content")
    answers: list[bytes] = []
    asking = threading.Thread(target=lambda: answers.append(store.read("key")))
    asking.start()
    asking.join(0.05)
    with ObjectStoreServer(tmp_path / "objects", s3_port=port):
        asking.join(60)
        store.close()

    assert answers == [b"content"]


def test_damage_is_never_delivered(store: Store, own_server: ObjectStoreServer, tmp_path: Path) -> None:
    """When every read is damaged, files of any size are reported and not written, and nothing half-written is left."""
    for name, size in {"a": 10_000, "b": 500_000, "c": 3 * MIB, "d": 6 * MIB}.items():
        store.put(f"data/{name}", b"x" * size)
    own_server.faults = "corrupt=1"
    store.retry = Retry(attempts=3, first=0.001)
    with pytest.raises(StorageError, match="damaged"):
        store.read("data/a")
    report = _sync(Uri(store.scheme, store.bucket, "data/"), tmp_path / "back", store, tmp_path / "state")

    assert len(report.failures) == 4
    assert _files(tmp_path / "back") == {}


@pytest.mark.parametrize("kind", ["whole", "parts", "sums"])
@pytest.mark.parametrize("faults", ["", "corrupt=1,only=GetObject,times=1", "corrupt=0.3,only=GetObject"])
def test_no_damage_goes_from_store_to_store(
    own_server: ObjectStoreServer, settings_of: SettingsOf, tmp_path: Path, kind: str, faults: str
) -> None:
    """What is sent on in parts is held against the source's ETag or sums, and only what is damaged is read again."""
    data = os.urandom(22 * MIB)
    stores = {scheme: open_store(Uri(scheme, own_server.bucket), settings_of(own_server, scheme)) for scheme in _PAIR}
    for store in stores.values():
        store.retry = Retry(first=0.001)
    if kind == "whole":
        stores["s3"].put("data/k", data)
    else:
        sums = str(PieceSums.of(data)) if kind == "sums" else ""
        upload = stores["s3"].start_upload("data/k", checksum=sums)
        pieces = enumerate((data[at : at + 8 * MIB] for at in range(0, len(data), 8 * MIB)), 1)
        parts = [stores["s3"].put_part("data/k", upload, number, piece) for number, piece in pieces]
        stores["s3"].finish_upload("data/k", upload, parts)
    own_server.faults = faults
    report = sync(
        Uri("s3", own_server.bucket, "data/"),
        Uri("cos", own_server.bucket, "copy/"),
        open=lambda uri: stores[uri.scheme],
        state_dir=tmp_path / "state",
        part_size=5 * MIB,
        jobs=3,
    )
    own_server.faults = ""
    reads = own_server.requests.counts["GetObject"]

    assert (report.failures, report.unproven, report.copied) == ((), 0, 1)
    assert stores["cos"].read("copy/k") == data
    assert faults or reads == 5
    for store in stores.values():
        store.close()


@pytest.mark.parametrize("operation", ["GetObject", "UploadPart"])
def test_nobody_waits_for_a_part_that_fails(
    own_server: ObjectStoreServer, settings_of: SettingsOf, tmp_path: Path, operation: str
) -> None:
    """Between stores the parts are proven in their order; one that never comes ends the object and nothing else."""
    stores = {scheme: open_store(Uri(scheme, own_server.bucket), settings_of(own_server, scheme)) for scheme in _PAIR}
    for n in range(3):
        stores["s3"].put(f"data/{n}", os.urandom(20 * MIB))
    for store in stores.values():
        store.retry = Retry(attempts=1)
    own_server.faults = f"error=500:1,only={operation},times=1"
    report = sync(
        Uri("s3", own_server.bucket, "data/"),
        Uri("cos", own_server.bucket, "copy/"),
        open=lambda uri: stores[uri.scheme],
        state_dir=tmp_path / "state",
        part_size=MIB,
        jobs=16,
    )

    assert (report.copied, report.unproven, len(report.failures)) == (2, 0, 1)
    for store in stores.values():
        store.close()


@pytest.mark.parametrize("fast", [True, False])
def test_parts_of_an_unusual_size_are_proven_where_the_service_tells_it(
    own_server: ObjectStoreServer, settings_of: SettingsOf, tmp_path: Path, fast: bool
) -> None:
    """S3 says how large the first part of an object is, which nobody could guess."""
    data, part = os.urandom(12 * MIB), 5 * MIB + 1
    store = open_store(Uri("s3", own_server.bucket), settings_of(own_server, fast=fast))
    upload = store.start_upload("data/parts")
    pieces = (data[at : at + part] for at in range(0, len(data), part))
    parts = [store.put_part("data/parts", upload, number, piece) for number, piece in enumerate(pieces, 1)]
    store.finish_upload("data/parts", upload, parts)
    report = _sync(Uri("s3", own_server.bucket, "data/"), tmp_path / "back", store, tmp_path / "state")
    told = store.part_size("data/parts")
    store.close()

    assert (report.failures, report.unproven, told) == ((), 0, part)
    assert _files(tmp_path / "back") == {"parts": data}


def test_objects_of_other_tools_are_proven_too(
    own_server: ObjectStoreServer, settings_of: SettingsOf, tmp_path: Path
) -> None:
    """Large objects without sums of ours are proven by their ETag, and damaged ranges found by reading again."""
    data = os.urandom(20 * MIB)
    store = open_store(Uri("s3", own_server.bucket), settings_of(own_server))
    upload = store.start_upload("data/parts")
    parts = [store.put_part("data/parts", upload, n + 1, data[n * 5 * MIB : (n + 1) * 5 * MIB]) for n in range(4)]
    store.finish_upload("data/parts", upload, parts)
    store.put("data/whole", data)
    own_server.faults = "corrupt=0.1,seed=3"
    report = _sync(Uri("s3", own_server.bucket, "data/"), tmp_path / "back", store, tmp_path / "state")
    store.close()

    assert (report.failures, report.unproven) == ((), 0)
    assert _files(tmp_path / "back") == {"parts": data, "whole": data}


def test_what_nobody_went_on_with_is_cleared_away(
    own_server: ObjectStoreServer, settings_of: SettingsOf, tmp_path: Path
) -> None:
    """After two weeks the next transfer forgets an unfinished upload and download, with their parts and half file."""
    settings, state = settings_of(own_server), tmp_path / "state"
    store = open_store(Uri("s3", own_server.bucket), settings)
    store.retry = Retry(attempts=1)
    (tmp_path / "large").write_bytes(os.urandom(6 * MIB))
    store.put("fetched", os.urandom(6 * MIB))
    place = Uri("s3", own_server.bucket)
    own_server.faults = "error=500:1,only=CompleteMultipartUpload"
    assert _sync(tmp_path / "large", place.join("sent"), store, state).failures
    own_server.faults = "error=500:1,only=GetObject"
    assert _sync(place.join("fetched"), tmp_path / "back/fetched", store, state).failures
    own_server.faults = ""
    (head,) = (text for path in state.iterdir() if '"upload"' in (text := path.read_text()))
    upload = json.loads(head.split("\n")[0])["upload"]

    def next_transfer() -> int:
        (tmp_path / "small").write_bytes(b"x")
        assert _sync(tmp_path / "small", place.join("small"), store, state).failures == ()
        return len(list(state.iterdir()))

    assert next_transfer() == 2
    assert len(store.list_parts("sent", upload)) == 2
    assert len(list((tmp_path / "back").iterdir())) == 1
    for path in state.iterdir():
        os.utime(path, (time.time() - 15 * 86400,) * 2)
    assert next_transfer() == 0
    assert list((tmp_path / "back").iterdir()) == []
    with pytest.raises(NotFound):
        store.list_parts("sent", upload)
    store.close()


def test_keys_that_expire_on_the_way(own_server: ObjectStoreServer, settings_of: SettingsOf, tmp_path: Path) -> None:
    """Temporary keys that end in the middle are renewed, and the transfer goes on."""
    for n in range(60):
        FileStore(tmp_path / "source").put(f"f{n:02}", os.urandom(3000))
    base = settings_of(own_server)
    given: list[str] = []

    def keys() -> StoreSettings:
        name = f"TEMP{len(given)}"
        own_server.add_credential(name, "secret", token=f"token-{name}")
        given.append(name)
        ends = datetime.now(timezone.utc) + timedelta(hours=1)
        return evolve(base, access_key=name, secret_key="secret", session_token=f"token-{name}", expires_at=ends)

    done: list[Action] = []

    def end_the_first(action: Action) -> None:
        done.append(action)
        if len(done) >= 20:
            own_server.add_credential("TEMP0", "secret", token="token-TEMP0", expires_in=0)

    report = sync(tmp_path / "source", f"s3://{own_server.bucket}/k/", settings=keys, jobs=2, on_action=end_the_first)

    assert report.failures == ()
    assert report.copied == 60
    assert len(given) > 1


def test_keys_are_renewed_before_they_end(own_server: ObjectStoreServer, settings_of: SettingsOf) -> None:
    """Keys that end within minutes are replaced before a request is refused."""
    base = settings_of(own_server)
    asked: list[datetime] = []

    def keys() -> StoreSettings:
        asked.append(datetime.now(timezone.utc))
        return evolve(base, expires_at=asked[-1] + timedelta(seconds=60 if len(asked) == 1 else 3600))

    store = open_store(f"s3://{own_server.bucket}/", keys)
    for _ in range(5):
        assert list(store.list()) == []
    store.close()

    assert len(asked) == 2


@pytest.mark.parametrize("scheme", ["s3", "obs", "cos"])
@pytest.mark.parametrize("fast", [True, False])
def test_wrong_keys_are_refused_at_once(
    own_server: ObjectStoreServer, settings_of: SettingsOf, scheme: str, fast: bool
) -> None:
    """Wrong keys are an AuthError with the service's word and a hint, and are not tried again."""
    base = settings_of(own_server, scheme, fast=fast)
    for access, word in [("nobody", "InvalidAccessKeyId"), (base.access_key, "SignatureDoesNotMatch")]:
        wrong = evolve(base, access_key=access, secret_key="wrong")
        store = open_store(Uri(scheme, own_server.bucket), wrong)
        with pytest.raises(AuthError) as caught:
            store.put("x", b"x")
        store.close()
        assert caught.value.status == word
        assert caught.value.hint
        assert caught.value.request_id

    assert own_server.requests.counts["PutObject"] == 2


_CLIENT = """
    import sys
    from pathlib import Path
    from anyfit.storage import StoreSettings, sync
    source, target, endpoint, access, secret, state = sys.argv[1:]
    settings = StoreSettings(endpoint=endpoint, region="us-east-1", access_key=access, secret_key=secret)
    sync(source, target, settings=settings, state_dir=Path(state), jobs=4).raise_for_failures()
"""


def _client(source: str, target: str, server: ObjectStoreServer, state: Path) -> subprocess.Popen[bytes]:
    arguments = [source, target, server.s3_endpoint, server.access_key, server.secret_key, str(state)]
    return subprocess.Popen([sys.executable, "-c", textwrap.dedent(_CLIENT), *arguments])


def _wait_for(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < end, "it never happened"
        time.sleep(0.005)


def _refuse_after(server: ObjectStoreServer, monkeypatch: pytest.MonkeyPatch, operation: str, count: int) -> None:
    """Let so many requests of a kind pass and no more, until the faults are changed: a transfer stays under way."""
    note, passed = server.requests.add, itertools.count(1)

    def add(request: LoggedRequest) -> None:
        note(request)
        if request.operation == operation and next(passed) == count:
            server.faults = Faults.parse(f"error=503:1,only={operation}")

    monkeypatch.setattr(server.requests, "add", add)


def test_a_killed_upload_goes_on(
    own_server: ObjectStoreServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After kill -9 in a 300 MiB upload, the next run sends the missing parts and none of the finished ones."""
    data = os.urandom(MIB) * 300
    (tmp_path / "big").write_bytes(data)
    target = f"s3://{own_server.bucket}/big"

    def finished() -> Counter[int]:
        recent = own_server.requests.recent
        return Counter(entry.part for entry in recent if entry.operation == "UploadPart" and entry.status == 200)

    _refuse_after(own_server, monkeypatch, "UploadPart", 10)
    process = _client(str(tmp_path / "big"), target, own_server, tmp_path / "state")
    _wait_for(lambda: len(finished()) >= 10)
    process.send_signal(signal.SIGKILL)
    process.wait()
    own_server.faults = ""
    before = len(finished())
    assert _client(str(tmp_path / "big"), target, own_server, tmp_path / "state").wait() == 0

    assert before < 38
    assert set(finished()) == set(range(1, 39))
    assert sum(finished().values()) <= 38 + 4, "no more than the parts that were under way are sent again"
    assert own_server.requests.counts["CreateMultipartUpload"] == 1
    assert (own_server.data_dir / own_server.bucket / "big").read_bytes() == data
    assert not list((tmp_path / "state").glob("*.jsonl"))


def test_a_killed_download_goes_on(
    own_server: ObjectStoreServer, settings_of: SettingsOf, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After kill -9 in a download, nothing half is at the target, and the next run fetches only what is missing."""
    data = os.urandom(MIB) * 120
    (tmp_path / "source").write_bytes(data)
    place = f"s3://{own_server.bucket}/big"
    sync(tmp_path / "source", place, settings=settings_of(own_server), state_dir=tmp_path / "state")
    target = tmp_path / "got/big"
    state = tmp_path / "state"

    def finished() -> int:
        return sum(path.read_bytes().count(b"\n") - 1 for path in state.glob("*.jsonl"))

    _refuse_after(own_server, monkeypatch, "GetObject", 6)
    process = _client(place, str(target), own_server, state)
    _wait_for(lambda: finished() >= 4)
    process.send_signal(signal.SIGKILL)
    process.wait()
    own_server.faults = ""
    done = finished()
    half = target.exists()
    before = own_server.requests.counts["GetObject"]
    assert _client(place, str(target), own_server, state).wait() == 0

    assert not half
    asked = own_server.requests.counts["GetObject"] - before
    assert 15 - done <= asked <= 15 - done + 4, "those that were under way may be counted late"
    assert target.read_bytes() == data
    assert [path.name for path in target.parent.iterdir()] == ["big"]


_FULL = """
    import resource, sys
    from pathlib import Path
    from anyfit.storage import StoreSettings, sync
    source, target, endpoint, access, secret, state = sys.argv[1:]
    resource.setrlimit(resource.RLIMIT_FSIZE, (3 << 20, 3 << 20))
    settings = StoreSettings(endpoint=endpoint, region="us-east-1", access_key=access, secret_key=secret)
    report = sync(source, target, settings=settings, state_dir=Path(state), part_size=1 << 20)
    print([failure.source.rpartition("/")[2] for failure in report.failures], report.copied)
"""


def test_a_disk_that_takes_no_more(own_server: ObjectStoreServer, settings_of: SettingsOf, tmp_path: Path) -> None:
    """What does not fit on the disk is reported; what fits arrives; nothing half-written stays."""
    source = FileStore(tmp_path / "source")
    for name, size in {"a": 100, "b": 5 * MIB, "c": 200, "d": 900_000, "e": 4 * MIB}.items():
        source.put(name, os.urandom(size))
    place = f"s3://{own_server.bucket}/data/"
    sync(tmp_path / "source", place, settings=settings_of(own_server), state_dir=tmp_path / "state")
    arguments = [place, str(tmp_path / "back"), own_server.s3_endpoint, own_server.access_key, own_server.secret_key]
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(_FULL), *arguments, str(tmp_path / "state")],
        capture_output=True,
        text=True,
        check=True,
    )

    assert done.stdout.strip() == "['b', 'e'] 3"
    assert sorted(path.name for path in (tmp_path / "back").iterdir()) == ["a", "c", "d"]
    assert resource.getrlimit(resource.RLIMIT_FSIZE)[0] != 3 << 20


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of four MiB."""
    place = tmp_path / "small"
    place.mkdir()
    if sys.platform == "darwin":
        pytest.skip("needs tmpfs, which CI has")
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", str(place)], check=True)
    yield place
    subprocess.run(["umount", "--lazy", str(place)], check=True)


def test_a_full_disk(store: Store, small_disk: Path, tmp_path: Path) -> None:
    """Objects in parts or whole that do not fit are named with the reason, leave nothing, and what fits arrives."""
    for name, size in {"a": 100_000, "b": 8 * MIB, "c": 200_000, "d": 5_000_000, "e": 900_000}.items():
        store.put(f"data/{name}", name.encode() * size)
    for part_size in (MIB, 16 * MIB):
        report = sync(
            Uri(store.scheme, store.bucket, "data/"),
            small_disk / "back",
            open=lambda uri: FileStore() if uri.is_local else store,
            state_dir=tmp_path / "state",
            compare="always",
            part_size=part_size,
            jobs=1,
        )
        assert [failure.source.rpartition("/")[2] for failure in report.failures] == ["b", "d"]
        assert all("the disk is full" in failure.reason for failure in report.failures)
        files = _files(small_disk / "back")
        assert {name: data[:1] * len(data) for name, data in files.items()} == files
        assert {name: len(data) for name, data in files.items()} == {"a": 100_000, "c": 200_000, "e": 900_000}
    assert not list((tmp_path / "state").glob("*"))


def test_a_disk_filled_by_small_files(store: Store, small_disk: Path, tmp_path: Path) -> None:
    """Of files that together do not fit each is whole or reported, and no temporary file takes room."""
    for n in range(100):
        store.put(f"data/{n:02}", b"%02d" % n * 30_000)
    report = _sync(Uri(store.scheme, store.bucket, "data/"), small_disk / "back", store, tmp_path / "state")

    files = _files(small_disk / "back")
    assert files and all(data == name.encode() * 30_000 for name, data in files.items())
    assert len(report.failures) == 100 - len(files) > 0
    assert all("the disk is full" in failure.reason for failure in report.failures)


def test_an_object_that_changes_while_it_is_read(
    own_server: ObjectStoreServer, settings_of: SettingsOf, tmp_path: Path
) -> None:
    """A large object replaced in the middle of its download arrives as one version, never as a mixture."""
    store = open_store(Uri("s3", own_server.bucket), settings_of(own_server))
    old, new = b"o" * (12 * MIB), b"n" * (12 * MIB)
    store.put("data/x", old)
    replaced: list[Entry] = []

    def replace(progress: Progress) -> None:
        if not replaced:
            replaced.append(store.put("data/x", new))

    report = _sync(
        Uri("s3", own_server.bucket, "data/"), tmp_path / "back", store, tmp_path / "state", jobs=1, on_progress=replace
    )
    store.close()

    assert report.failures == ()
    assert (tmp_path / "back/x").read_bytes() == new


def test_a_file_that_changes_while_it_is_sent(
    own_server: ObjectStoreServer, settings_of: SettingsOf, tmp_path: Path
) -> None:
    """A large file rewritten in the middle of its upload arrives as one version, never as a mixture."""
    path = tmp_path / "source/x"
    FileStore(path.parent).put("x", b"o" * (30 * MIB))
    store = open_store(Uri("s3", own_server.bucket), settings_of(own_server))
    rewritten: list[int] = []

    def rewrite(progress: Progress) -> None:
        if not rewritten:
            with path.open("r+b") as file:
                rewritten.append(file.write(b"n" * (30 * MIB)))

    report = _sync(
        path.parent, Uri("s3", own_server.bucket, "data/"), store, tmp_path / "state", jobs=1, on_progress=rewrite
    )
    stored = store.read("data/x")
    store.close()

    assert report.failures == ()
    assert stored == b"n" * (30 * MIB)


def test_a_server_that_is_not_there(settings_of: SettingsOf, tmp_path: Path) -> None:
    """When nobody answers, the error names the host after some attempts."""
    with ObjectStoreServer(tmp_path / "objects") as server:
        settings = settings_of(server)
    store = open_store(f"s3://{server.bucket}/", settings)
    store.retry = Retry(attempts=3, first=0.001)
    with pytest.raises(StorageError, match=r"cannot connect to 127\.0\.0\.1"):
        store.stat("x")
    store.close()


_LISTING = """
    import resource, sys
    from anyfit.storage import StoreSettings, Uri, open_store
    endpoint, access, secret, bucket, fast = sys.argv[1:]
    settings = StoreSettings(
        endpoint=endpoint, region="us-east-1", access_key=access, secret_key=secret, fast=fast == "True"
    )
    store = open_store(Uri("s3", bucket), settings)
    entries = store.list("many/")
    next(entries)
    for _ in range(1999):
        next(entries)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    rest = sum(1 for _ in entries)
    print(2000 + rest, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""


class _ManyKeys(BaseHTTPRequestHandler):
    """A service with very many keys that it makes up page by page."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        query = dict(parse_qsl(urlsplit(self.path).query, keep_blank_values=True))
        first = int(query["marker"].rpartition("/")[2]) + 1 if query.get("marker") else 0
        count = int(urlsplit(self.path).path.strip("/").removeprefix("keys-"))
        last = min(first + 1000, count)
        rows = "".join(
            f"<Contents><Key>many/{n:06}</Key><LastModified>2026-01-02T03:04:05.000Z</LastModified>"
            f"<ETag>&quot;{n:032x}&quot;</ETag><Size>{n}</Size></Contents>"
            for n in range(first, last)
        )
        more = str(last < count).lower()
        body = f"<ListBucketResult><IsTruncated>{more}</IsTruncated>{rows}</ListBucketResult>".encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


@pytest.mark.parametrize(("fast", "keys"), [(True, 100_000), (False, 20_000)])
def test_a_hundred_thousand_keys(fast: bool, keys: int) -> None:
    """Listing 100,000 keys takes no more memory than listing two thousand; boto3 is too slow for so many."""
    with ThreadingHTTPServer(("127.0.0.1", 0), _ManyKeys) as server:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, daemon=True).start()
        arguments = [f"http://127.0.0.1:{server.server_port}", "access", "secret", f"keys-{keys}", str(fast)]
        done = subprocess.run(
            [sys.executable, "-c", textwrap.dedent(_LISTING), *arguments], capture_output=True, text=True, check=True
        )
        server.shutdown()
    count, growth_kib = map(int, done.stdout.split())

    assert count == keys
    assert growth_kib < 4096
