"""What services and what stands before them do that our own emulator never does."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import io
import re
import signal
import socket
import socketserver
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any, Protocol

import pytest

from anyfit.errors import AnyfitError, AuthError, StorageError
from anyfit.storage import FileStore, Report, Store, StoreSettings, Uri, open_store, sync
from anyfit.storage.answers import parse_refusal
from anyfit.storage.places import find_source
from anyfit.storage.retry import Retry, Unsteady
from anyfit.storage.s3 import S3Store
from anyfit.storage.stream import write_stream
from anyfit.storage.verify import read_proven
from anyfit.storage.wire import Origin, Response, Wire
from anyfit.values import frozen
from waiting import hindrance


@frozen
class Asked:
    """A request, as a scripted service has read it; header names in lower case."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes
    connection: int


class Scripted(socketserver.ThreadingTCPServer):
    """A service that answers with the very bytes that a test gives it, and keeps its connections."""

    daemon_threads = True
    allow_reuse_address = True

    def __init__(self, answer: Callable[[Asked], bytes | None]) -> None:
        super().__init__(("127.0.0.1", 0), _Line)
        self.answer = answer
        self.asked: list[Asked] = []
        self.endpoint = f"http://127.0.0.1:{self.server_address[1]}"


class _Line(socketserver.StreamRequestHandler):
    server: Scripted

    def handle(self) -> None:
        with contextlib.suppress(ConnectionError):
            while (asked := self._read()) is not None:
                self.server.asked.append(asked)
                answer = self.server.answer(asked)
                if answer is None:
                    return
                self.wfile.write(answer)
                if b"Connection: close" in answer:
                    return

    def _read(self) -> Asked | None:
        first = self.rfile.readline().decode("latin-1").split()
        if not first:
            return None
        headers = {}
        while line := self.rfile.readline().decode("latin-1").strip():
            name, _, value = line.partition(":")
            headers[name.lower()] = value.strip()
        body = self.rfile.read(int(headers.get("content-length", "0")))
        return Asked(first[0], first[1], headers, body, self.client_address[1])


def reply(body: bytes = b"", status: str = "200 OK", **headers: str) -> bytes:
    """An answer with a length; underscores in the names of headers stand for dashes."""
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode() + body


Script = Callable[[Callable[[Asked], bytes | None]], Scripted]


@pytest.fixture
def scripted() -> Iterator[Script]:
    """Starts a service that a function answers for; where that gives None the connection is closed without a word."""
    with contextlib.ExitStack() as stack:

        def start(answer: Callable[[Asked], bytes | None]) -> Scripted:
            service = stack.enter_context(Scripted(answer))
            threading.Thread(target=service.serve_forever, args=(0.01,), daemon=True).start()
            stack.callback(service.shutdown)
            return service

        yield start


@pytest.fixture
def silence() -> Iterator[threading.Event]:
    """Set when the test is over: until then a service may wait for it and say nothing."""
    over = threading.Event()
    yield over
    over.set()


class Open(Protocol):
    """Opens a bucket of a scripted service."""

    def __call__(
        self, service: Scripted, scheme: str = "s3", *, fast: bool = True, bucket: str = "bucket"
    ) -> Store: ...


@pytest.fixture
def open_at() -> Iterator[Open]:
    """Opens a scripted service; what fails is tried again without waiting."""
    with contextlib.ExitStack() as stack:

        def open_it(service: Scripted, scheme: str = "s3", *, fast: bool = True, bucket: str = "bucket") -> Store:
            settings = StoreSettings(
                endpoint=service.endpoint,
                region="us-east-1",
                access_key="access",
                secret_key="secret",
                timeout=20,
                fast=fast,
            )
            store = stack.enter_context(contextlib.closing(open_store(f"{scheme}://{bucket}/", settings)))
            store.retry = Retry(attempts=4, first=0.001)
            return store

        yield open_it


PAGE = b"""<html><body>Sign in to the console</body></html>"""
LISTING = b"""<?xml version="1.0"?><ListBucketResult><IsTruncated>false</IsTruncated>%s</ListBucketResult>"""
ROW = b"<Contents><Key>%s</Key><LastModified>2026-01-02T03:04:05Z</LastModified><ETag>x</ETag><Size>1</Size></Contents>"


def test_a_web_page_is_no_empty_bucket(scripted: Script, open_at: Open, tmp_path: Path) -> None:
    """Where a web server answers, nothing is taken for a listing or a file, and nothing is deleted for it."""
    service = scripted(lambda asked: reply(PAGE, Content_Type="text/html"))
    store = open_at(service)
    FileStore(tmp_path).put("kept", b"kept")

    with pytest.raises(StorageError, match="no listing"):
        list(store.list())
    with pytest.raises(StorageError, match="no listing"):
        sync(
            "s3://bucket/", tmp_path, open=lambda uri: FileStore() if uri.is_local else store, delete=True
        ).raise_for_failures()
    with pytest.raises(StorageError, match="ETag"):
        store.stat("key")
    with pytest.raises(StorageError, match="ETag"):
        store.read("key")
    with pytest.raises(StorageError, match="ETag"):
        store.put("key", b"x")
    assert (tmp_path / "kept").read_bytes() == b"kept"


@pytest.mark.parametrize("last", [b"b", b"&amp;"])
def test_half_a_listing_is_none(scripted: Script, open_at: Open, last: bytes) -> None:
    """A listing without a length whose connection breaks off is asked for again, not taken for the whole."""
    whole = LISTING % (ROW % b"a" + ROW % last)
    bodies = [whole[: whole.index(ROW % last)], whole]
    service = scripted(lambda asked: b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" + bodies.pop(0))

    assert len(list(open_at(service).list())) == 2


@pytest.mark.parametrize(
    "head",
    [
        "HTTP/1.1 200 OK\r\nContent-Length: 8",
        "HTTP/1.1 206 Partial Content\r\nContent-Length: 4\r\nContent-Range: bytes 0-3/8",
    ],
    ids=["the whole", "another range"],
)
def test_another_range_is_not_taken_for_the_wanted_one(scripted: Script, open_at: Open, head: str) -> None:
    """Where ranges are not passed on, that is an error, and never the object's beginning in every place."""
    store = open_at(scripted(lambda asked: f'{head}\r\nETag: "x"\r\n\r\n01234567'.encode()))
    with pytest.raises(StorageError, match="another one came"):
        store.open("key", start=4, length=4)


def test_another_version_is_not_taken_for_the_wanted_one(scripted: Script, open_at: Open) -> None:
    """A service that does not heed If-Match is found out by the ETag that it answers."""
    store = open_at(scripted(lambda asked: reply(b"new", ETag='"new"')))
    with pytest.raises(StorageError) as caught:
        store.open("key", start=0, length=3, etag="old")
    assert caught.value.status == "PreconditionFailed"


@pytest.mark.parametrize(
    "answer",
    [
        b'HTTP/1.1 200 OK\r\nETag: "x"\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n',
        b'HTTP/1.1 200 OK\r\nETag: "x"\r\nConnection: close\r\n\r\nhello',
    ],
    ids=["chunks", "until the end"],
)
def test_an_object_without_a_length(scripted: Script, open_at: Open, answer: bytes) -> None:
    """Whatever way its end is told, an object is read whole."""
    store = open_at(scripted(lambda asked: answer))
    with store.open("key") as reader:
        assert (reader.entry.size, reader.read()) == (5, b"hello")
    assert store.read("key") == b"hello"


def test_kept_connections_that_the_service_closed(scripted: Script, open_at: Open) -> None:
    """However many of them idled too long, a request that may not be sent twice goes over a new one in time."""
    together = threading.Barrier(8, timeout=60)

    def answer(asked: Asked) -> bytes | None:
        if asked.method == "GET":
            together.wait()
            return reply(LISTING % b"")
        if asked.connection in [earlier.connection for earlier in service.asked[:8]]:
            return None
        return reply(b"<InitiateMultipartUploadResult><UploadId>id</UploadId></InitiateMultipartUploadResult>")

    service = scripted(answer)
    store = open_at(service)
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda n: store.list_page(), range(8)))

    assert store.start_upload("key") == "id"


@pytest.mark.parametrize("said", [b"", b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhell"], ids=["head", "body"])
def test_silence_is_told_as_such(scripted: Script, silence: threading.Event, said: bytes) -> None:
    """Who waits in vain is told how long that was."""

    def answer(asked: Asked) -> bytes | None:
        return said or (reply() if silence.wait(60) else None)

    service = scripted(answer)
    wire = Wire(Origin.of(service.endpoint), timeout=0.2)
    with contextlib.closing(wire), pytest.raises(Unsteady, match=r"nothing came for 0\.2 seconds"):
        wire.request("GET", "/", {}).read()


def test_connections_that_idled_long_are_not_used(scripted: Script) -> None:
    """A router may have forgotten them, and then nobody ever answers: a new one is opened."""
    service = scripted(lambda asked: reply(b"x"))
    now = [1000.0]
    with contextlib.closing(Wire(Origin.of(service.endpoint), clock=lambda: now[0])) as wire:
        for passed in (0, 5, 3600, -7200):
            now[0] += passed
            wire.request("GET", "/", {}).read()

    first, second, third, fourth = (asked.connection for asked in service.asked)
    assert first == second
    assert len({second, third, fourth}) == 3


@pytest.mark.parametrize(
    ("status", "word", "header"),
    [
        ("301 Moved Permanently", "PermanentRedirect", True),
        ("307 Temporary Redirect", "TemporaryRedirect", True),
        ("400 Bad Request", "AuthorizationHeaderMalformed", False),
        ("400 Bad Request", "", True),
    ],
)
def test_a_bucket_in_another_region(scripted: Script, open_at: Open, status: str, word: str, header: bool) -> None:
    """Where the service says in which region the bucket lies, that region is asked from then on."""
    body = f"<Error><Code>{word}</Code><Message>no</Message><Region>eu-west-1</Region></Error>" if word else ""
    more = {"x_amz_bucket_region": "eu-west-1"} if header else {}

    def answer(asked: Asked) -> bytes:
        if "/eu-west-1/s3/" not in asked.headers["authorization"]:
            return reply(body.encode(), status, **more)
        return reply(LISTING % b"")

    service = scripted(answer)
    store = open_at(service)
    assert [list(store.list()) for _ in range(3)] == [[], [], []]
    assert len(service.asked) == 4


def test_a_region_that_does_not_help(scripted: Script, open_at: Open) -> None:
    """A service that sends us away from the region it named itself is not asked for ever."""
    body = b"<Error><Code>PermanentRedirect</Code><Message>go</Message><Region>eu-west-1</Region></Error>"
    service = scripted(lambda asked: reply(body, "301 Moved Permanently"))
    with pytest.raises(StorageError, match="PermanentRedirect") as caught:
        list(open_at(service).list())
    assert "eu-west-1" in caught.value.hint
    assert len(service.asked) == 2


def test_the_endpoint_follows_the_region() -> None:
    """Without an endpoint of one's own it is that of the bucket's region, which in China has a domain of its own."""
    store = S3Store("bucket", StoreSettings(access_key="a", secret_key="s"))
    assert store.current.get().endpoint == "https://s3.us-east-1.amazonaws.com"
    moved = S3Store("bucket", StoreSettings(access_key="a", secret_key="s"))
    assert moved.move("eu-west-1")
    assert moved.current.get().endpoint == "https://s3.eu-west-1.amazonaws.com"
    chinese = S3Store("bucket", StoreSettings(access_key="a", secret_key="s", region="cn-north-1"))
    assert chinese.current.get().endpoint == "https://s3.cn-north-1.amazonaws.com.cn"


@pytest.mark.parametrize(
    ("status", "word", "asked", "error", "hint"),
    [
        ("408 Request Timeout", "", 4, StorageError, ""),
        ("429 Too Many Requests", "", 4, StorageError, ""),
        ("503 Slow Down", "SlowDown", 4, StorageError, ""),
        ("501 Not Implemented", "NotImplemented", 1, StorageError, ""),
        ("403 Forbidden", "InvalidObjectState", 1, StorageError, "archived"),
        ("403 Forbidden", "AccessDenied", 1, AuthError, "access_key"),
    ],
)
def test_what_is_tried_again(
    scripted: Script, open_at: Open, status: str, word: str, asked: int, error: type[AnyfitError], hint: str
) -> None:
    """What may pass is tried again, as often as was said and no more; what stays is told at once, with what helps."""
    body = f"<Error><Code>{word}</Code><Message>no</Message></Error>".encode() if word else b"<html>"
    service = scripted(lambda _: reply(body, status))
    with pytest.raises(AnyfitError) as caught:
        open_at(service).read("key")
    assert isinstance(caught.value, AuthError) == (error is AuthError)
    assert hint in caught.value.hint
    assert len(service.asked) == asked


@pytest.mark.parametrize("named", ["evil.example/", "eu-west-1.evil.example", "EU", "a b", "@evil"])
def test_a_region_that_would_lead_to_another_host_is_none(named: str) -> None:
    """What a service calls a region becomes part of a host's name, and must not become another host."""
    assert parse_refusal(301, {"x-amz-bucket-region": named}, b"").region == ""
    assert parse_refusal(301, {}, f"<Error><Region>{named}</Region></Error>".encode()).region == ""


@pytest.mark.parametrize("scheme", ["s3", "obs"])
def test_bulk_deletes_have_an_md5(scripted: Script, open_at: Open, scheme: str) -> None:
    """OBS and many services that are no AWS refuse them without."""
    service = scripted(lambda asked: reply(b"<DeleteResult></DeleteResult>"))
    assert list(open_at(service, scheme).delete_many(["a", "b"])) == []

    (asked,) = service.asked
    assert base64.b64decode(asked.headers["content-md5"]) == hashlib.md5(asked.body, usedforsecurity=False).digest()
    assert "content-md5" in asked.headers["authorization"]


def test_keys_that_xml_cannot_name_are_deleted_one_by_one(scripted: Script, open_at: Open) -> None:
    """One of them would make the service refuse a thousand others."""

    def answer(asked: Asked) -> bytes:
        return reply(b"<DeleteResult></DeleteResult>") if asked.method == "POST" else reply(status="204 No Content")

    service = scripted(answer)
    assert list(open_at(service).delete_many(["a", "b\x01", "Icon\r", "c"])) == []

    deleted = [asked.target for asked in service.asked if asked.method == "DELETE"]
    (bulk,) = (asked.body for asked in service.asked if asked.method == "POST")
    assert deleted == ["/bucket/b%01", "/bucket/Icon%0D"]
    assert re.findall(rb"<Key>(.*?)</Key>", bulk) == [b"a", b"c"]


MADE = b"<CopyObjectResult><ETag>&quot;x&quot;</ETag></CopyObjectResult>"


def test_a_copy_that_failed_after_it_was_answered(scripted: Script, open_at: Open) -> None:
    """A service may begin its answer with success before it knows: what it says then counts, and is tried again."""
    answers = [b"<Error><Code>InternalError</Code><Message>We failed</Message></Error>", MADE]
    service = scripted(lambda asked: reply(answers[len(service.asked) - 1]))
    store = open_at(service)

    assert store.copy(store, "a b", "c", size=1).etag == "x"
    assert [asked.headers["x-amz-copy-source"] for asked in service.asked] == ["/bucket/a%20b"] * 2


def test_where_a_copy_in_cos_comes_from(scripted: Script, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is named by the bucket's own host, also where another endpoint is asked, such as an internal one."""
    service, connect = scripted(lambda _: reply(MADE)), socket.create_connection
    here = ("127.0.0.1", service.server_address[1])
    monkeypatch.setattr(socket, "create_connection", lambda _, **options: connect(here, **options))
    endpoint = "http://cos-internal.ap-guangzhou.tencentcos.cn"
    settings = StoreSettings(endpoint=endpoint, region="ap-guangzhou", access_key="a", secret_key="s")
    store, other = open_store("cos://b-1/", settings), open_store("cos://other-1/", settings)
    store.copy(other, "d/a b", "c", size=1)
    store.close()

    (asked,) = service.asked
    assert asked.headers["host"] == "b-1.cos-internal.ap-guangzhou.tencentcos.cn"
    assert asked.headers["x-cos-copy-source"] == "other-1.cos.ap-guangzhou.myqcloud.com/d/a%20b"


@pytest.mark.parametrize("body", [PAGE, b""])
def test_a_copy_that_no_service_made(scripted: Script, open_at: Open, body: bytes) -> None:
    """Whoever answers with something else has copied nothing."""
    store = open_at(scripted(lambda asked: reply(body)))
    with pytest.raises(StorageError, match="no object service"):
        store.copy(store, "a", "b", size=1)


BUSY = b"""<Error><Key>%s</Key><Code>%s</Code><Message>Please reduce your request rate.</Message></Error>"""


@pytest.mark.parametrize("scheme", ["s3", "cos"])
def test_an_answer_that_a_library_cannot_read(scripted: Script, open_at: Open, scheme: str) -> None:
    """It may be cut off, so it is asked for again, and in the end an error of ours."""
    service = scripted(lambda _: reply(b"<InitiateMultipartUploadResult><Key>cut o", content_type="application/xml"))
    with pytest.raises(StorageError, match="start an upload of"):
        open_at(service, scheme, fast=False, bucket="bucket-1").start_upload("key")
    assert len(service.asked) == 4


@pytest.mark.parametrize(("scheme", "fast"), [("s3", True), ("s3", False), ("obs", True), ("cos", True)])
@pytest.mark.parametrize("word", [b"SlowDown", b"InternalError"])
def test_keys_that_a_service_was_too_busy_to_delete(
    scripted: Script, open_at: Open, scheme: str, fast: bool, word: bytes
) -> None:
    """They are tried again, and only they; what is refused for good is not."""

    def answer(asked: Asked) -> bytes:
        busy = [key for key in (b"b", b"c") if b"<Key>%s</Key>" % key in asked.body and len(service.asked) < 3]
        refused = BUSY % (b"a", b"AccessDenied") if b"<Key>a</Key>" in asked.body else b""
        rows = refused + b"".join(BUSY % (key, word) for key in busy)
        return reply(b'<?xml version="1.0"?><DeleteResult>%s</DeleteResult>' % rows, content_type="application/xml")

    service = scripted(answer)
    store = open_at(service, scheme, fast=fast) if scheme != "cos" else open_at(service, "cos", bucket="bucket-1")
    assert [failure.key for failure in store.delete_many(["a", "b", "c", "d"])] == ["a"]
    assert [re.findall(rb"<Key>(.*?)</Key>", asked.body) for asked in service.asked] == [
        [b"a", b"b", b"c", b"d"],
        [b"b", b"c"],
        [b"b", b"c"],
    ]


def test_a_service_that_stays_too_busy_to_delete(scripted: Script, open_at: Open) -> None:
    """It is asked as often as anything, and then told of."""
    rows = BUSY % (b"a", b"SlowDown")
    service = scripted(lambda asked: reply(b"<DeleteResult>%s</DeleteResult>" % rows))
    (failure,) = open_at(service).delete_many(["a", "b"])

    assert (failure.key, failure.reason, len(service.asked)) == ("a", "Please reduce your request rate.", 4)


MORE = LISTING.replace(b"false", b"true") % b"".join(ROW % (b"x/%04d" % n) for n in range(1000))


@contextlib.contextmanager
def interrupted(service: Scripted, requests: int) -> Iterator[None]:
    """Presses Ctrl-C when a service that falls silent has got so many requests, and expects to get away soon."""
    begin: list[tuple[float, float]] = []

    def press() -> None:
        end = time.monotonic() + 60
        while len(service.asked) < requests and time.monotonic() < end:
            time.sleep(0.01)
        begin.append((time.monotonic(), hindrance()))
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)

    presser = threading.Thread(target=press)
    presser.start()
    with pytest.raises(KeyboardInterrupt):
        yield
    ((began, hindered),) = begin
    spent = time.monotonic() - began - (hindrance() - hindered)
    assert spent < 18, "no waiting for each thread, and for no timeout"
    presser.join()


def test_an_interrupt_while_a_service_is_silent(
    scripted: Script, open_at: Open, silence: threading.Event, tmp_path: Path
) -> None:
    """Ctrl-C ends an upload within seconds, however many requests wait for their answers."""
    for n in range(40):
        FileStore(tmp_path / "source").put(f"{n}", b"x" * 200_000)
    service = scripted(lambda asked: reply() if silence.wait(60) else None)
    store = open_at(service)
    with interrupted(service, 16):
        sync(
            tmp_path / "source",
            "s3://bucket/x/",
            open=lambda uri: FileStore() if uri.is_local else store,
            compare="always",
            state_dir=tmp_path / "state",
        )


def test_an_interrupt_while_a_listing_is_silent(
    scripted: Script, open_at: Open, silence: threading.Event, tmp_path: Path
) -> None:
    """Ctrl-C ends a download within seconds though the next page does not come."""
    more = MORE.replace(b"<Size>1<", b"<Size>300000<")
    service = scripted(lambda asked: reply(more) if len(service.asked) == 1 else reply() if silence.wait(60) else None)
    store = open_at(service)
    with interrupted(service, 8):
        sync(
            "s3://bucket/x/",
            tmp_path / "target",
            open=lambda uri: FileStore() if uri.is_local else store,
            compare="always",
            state_dir=tmp_path / "state",
        )


def test_an_interrupt_of_a_stream(scripted: Script, open_at: Open, silence: threading.Event, tmp_path: Path) -> None:
    """Ctrl-C ends a stream within seconds, and an upload that could not be aborted stays remembered."""

    def answer(asked: Asked) -> bytes | None:
        if asked.method == "POST":
            return reply(b"<InitiateMultipartUploadResult><UploadId>id</UploadId></InitiateMultipartUploadResult>")
        return reply() if silence.wait(60) else None

    service = scripted(answer)
    store = open_at(service)
    with interrupted(service, 5):
        write_stream(io.BytesIO(bytes(80 << 20)), store, "key", state_dir=tmp_path / "state")
    (remembered,) = (tmp_path / "state").iterdir()
    assert '"upload": "id"' in remembered.read_text()


def test_nobody_is_there_and_nobody_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    """A firewall that swallows packets is waited for twice, some seconds each, however long an answer may take."""
    waited: list[float] = []

    def connect(address: tuple[str, int], timeout: float) -> socket.socket:
        waited.append(timeout)
        raise TimeoutError("timed out")

    monkeypatch.setattr(socket, "create_connection", connect)
    settings = StoreSettings(endpoint="http://10.255.255.1", access_key="a", secret_key="s")
    with contextlib.closing(S3Store("bucket", settings)) as store, pytest.raises(StorageError, match="cannot connect"):
        store.stat("key")
    assert waited == [10.0, 10.0]


@pytest.mark.parametrize(
    ("bucket", "settings", "message"),
    [
        ("b" * 70, {"region": "eu-west-1"}, "is no host's name"),
        ("bucket", {"endpoint": "http://localhost:9x"}, "names no host"),
        ("bucket", {"endpoint": "http://"}, "names no host"),
        ("bucket", {"access_key": "键"}, "access_key holds characters"),
        ("bucket", {"session_token": "one\ntwo"}, "session_token holds characters"),
        ("bucket", {"endpoint": "https://127.0.0.1:9", "verify": "/nowhere/ca.pem"}, "cannot read certificates"),
    ],
)
def test_settings_that_cannot_be(bucket: str, settings: dict[str, Any], message: str) -> None:
    """What cannot work is told by name, in our own errors."""
    with pytest.raises(AnyfitError, match=message):
        S3Store(bucket, StoreSettings(**{"access_key": "a", "secret_key": "s"} | settings)).stat("key")


def test_keys_that_boto3_cannot_find(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A profile that is not there, or a session that has ended, is an AuthError that says so."""
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_PROFILE", "nowhere")
    with pytest.raises(AuthError, match=r"no credentials: .*nowhere"):
        S3Store("bucket").stat("key")


def test_an_endpoint_with_a_path(scripted: Script) -> None:
    """The path is a part of each request, as gateways that share a host demand."""
    service = scripted(lambda asked: reply(LISTING % b""))
    settings = StoreSettings(endpoint=f"{service.endpoint}/storage/v1/s3/", access_key="a", secret_key="s")
    with contextlib.closing(S3Store("bucket", settings)) as store:
        assert list(store.list("x")) == []
    assert service.asked[0].target.startswith("/storage/v1/s3/bucket?")


def test_keys_are_used_while_nobody_gives_new_ones(scripted: Script) -> None:
    """Until they end: who gives keys may be out of order for a while, and is not asked before each request."""
    service = scripted(lambda asked: reply(LISTING % b""))
    asked: list[int] = []

    def give(left: float) -> StoreSettings:
        asked.append(1)
        if len(asked) > 1:
            raise StorageError("out of order")
        ends = datetime.now(timezone.utc) + timedelta(seconds=left)
        return StoreSettings(endpoint=service.endpoint, access_key="a", secret_key="s", expires_at=ends)

    with contextlib.closing(S3Store("bucket", lambda: give(60))) as store:
        assert [list(store.list()) for _ in range(5)] == [[]] * 5
    assert len(asked) == 2
    asked.clear()
    with contextlib.closing(S3Store("bucket", lambda: give(-1))) as store, pytest.raises(StorageError, match="out of"):
        list(store.list())


@pytest.mark.parametrize("fast", [True, False])
@pytest.mark.parametrize("prefix", ["x_amz_", "x_obs_"])
def test_a_bucket_of_obs_that_encrypts(scripted: Script, open_at: Open, prefix: str, fast: bool) -> None:
    """Whatever keys OBS encrypts with, the ETag is then no MD5, so that it neither proves nor disproves."""
    headers = {"ETag": f'"{"0" * 32}"', f"{prefix}server_side_encryption": "AES256"}
    service = scripted(lambda asked: reply(b"" if asked.method == "PUT" else b"hello", **headers))
    store = open_at(service, "obs", fast=fast)

    assert store.put("key", b"hello").size == 5
    assert store.read("key") == b"hello"
    assert read_proven(store, "key")[2] is False


@pytest.mark.parametrize("fast", [True, False])
@pytest.mark.parametrize(
    ("scheme", "header"),
    [("obs", "x_obs_object_type"), ("obs", "x_amz_object_type"), ("cos", "x_cos_object_type")],
)
def test_an_object_that_is_appended_to(scripted: Script, open_at: Open, scheme: str, header: str, fast: bool) -> None:
    """Its ETag is not that of all of it, so that it neither proves nor disproves."""
    kind = "appendable" if scheme == "cos" else "Appendable"
    headers = {"ETag": f'"{"0" * 32}"', "Last_Modified": "Fri, 27 Nov 2026 00:00:00 GMT", header: kind}
    service = scripted(lambda asked: reply(b"hello", **headers))
    store = open_at(service, scheme, fast=fast, bucket="bucket-125")

    assert store.read("key") == b"hello"
    assert read_proven(store, "key")[2] is False


@pytest.mark.parametrize("scheme", ["s3", "cos"])
@pytest.mark.parametrize("fast", [True, False])
def test_an_object_whose_length_is_not_said(scripted: Script, open_at: Open, scheme: str, fast: bool) -> None:
    """It is not taken for an empty one: a listing tells its length; where none tells that of this version, nothing."""

    def answer(asked: Asked) -> bytes:
        if asked.method == "HEAD" or "partNumber" in asked.target:
            return reply(ETag=etag, Last_Modified="Fri, 27 Nov 2026 00:00:00 GMT").replace(
                b"Content-Length: 0\r\n", b""
            )
        return reply(LISTING % (ROW % b"key"))

    etag = "x"
    store = open_at(scripted(answer), scheme, fast=fast, bucket="bucket-125")
    assert (store.stat("key").size, store.part_size("key")) == (1, 0)
    etag = "y"
    with pytest.raises(StorageError, match="does not say how long"):
        store.stat("key")


@pytest.mark.parametrize("scheme", ["s3", "cos"])
@pytest.mark.parametrize("fast", [True, False])
def test_bytes_whose_length_is_not_said(scripted: Script, open_at: Open, scheme: str, fast: bool) -> None:
    """They are read to their end, or not at all: the libraries do not tell whether they broke off."""

    def answer(asked: Asked) -> bytes:
        head = reply(ETag="x", Last_Modified="Fri, 27 Nov 2026 00:00:00 GMT", Connection="close")
        return head.replace(b"Content-Length: 0\r\n", b"Transfer-Encoding: chunked\r\n") + b"5\r\nhello\r\n0\r\n\r\n"

    store = open_at(scripted(answer), scheme, fast=fast, bucket="bucket-125")
    if fast:
        with store.open("key") as reader:
            assert (reader.entry.size, reader.read()) == (5, b"hello")
        return
    with pytest.raises(StorageError, match="does not say how long"):
        store.open("key")


def test_who_may_only_write(scripted: Script, open_at: Open) -> None:
    """A large object is finished though nobody may look at it."""

    def answer(asked: Asked) -> bytes:
        if asked.method == "HEAD":
            return reply(status="403 Forbidden")
        return reply(b"<R><UploadId>id</UploadId><ETag>x-1</ETag></R>", ETag="x")

    store = open_at(scripted(answer))
    upload = store.start_upload("key")
    entry = store.finish_upload("key", upload, [store.put_part("key", upload, 1, bytes(6 << 20))])
    assert (entry.size, entry.etag) == (6 << 20, "x-1")


def test_a_listing_in_another_order(scripted: Script, open_at: Open, tmp_path: Path) -> None:
    """What is only copied needs no order; what is compared does, and then says so."""

    def answer(asked: Asked) -> bytes:
        if asked.target.startswith("/bucket?"):
            return reply(LISTING % (ROW % b"d/b" + ROW % b"d/a"))
        return reply(b"x", ETag=hashlib.md5(b"x", usedforsecurity=False).hexdigest())

    store = open_at(scripted(answer))
    ways: dict[str, Any] = {"open": lambda uri: FileStore() if uri.is_local else store, "state_dir": tmp_path / "state"}
    assert sync("s3://bucket/d/", tmp_path / "d", compare="always", **ways).copied == 2
    with pytest.raises(StorageError, match="not listed in order"):
        sync("s3://bucket/d/", tmp_path / "d", **ways)


@pytest.mark.parametrize("size", [500_000, 9 << 20], ids=["whole", "in parts"])
def test_a_slow_download_reads_a_little_at_a_time(
    scripted: Script, open_at: Open, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, size: int
) -> None:
    """With a limit no connection is left alone until the service gives it up, as it would be with large steps."""
    data = bytes(size)

    def answer(asked: Asked) -> bytes:
        etag = hashlib.md5(data, usedforsecurity=False).hexdigest()
        if asked.method == "HEAD":
            return reply(data, ETag=etag)[: -len(data)]
        first, _, last = asked.headers.get("range", f"bytes=0-{size - 1}").removeprefix("bytes=").partition("-")
        piece = data[int(first) : int(last) + 1]
        return reply(piece, "206 Partial Content", ETag=etag, Content_Range=f"bytes {first}-{last}/{size}")

    steps: list[int] = []
    readinto = Response.readinto

    def watched(self: Response, buffer: memoryview, /) -> int:
        steps.append(len(buffer))
        return readinto(self, buffer)

    monkeypatch.setattr(Response, "readinto", watched)
    store = open_at(scripted(answer))
    report = sync(
        "s3://bucket/key",
        tmp_path / "key",
        open=lambda uri: FileStore() if uri.is_local else store,
        state_dir=tmp_path / "state",
        bandwidth=4_000_000,
    )
    assert report.failures == ()
    assert max(steps) <= 250_000


SKEWED = b"<Error><Code>RequestTimeTooSkewed</Code><Message>no</Message></Error>"
DENIED = b"<Error><Code>AccessDenied</Code><Message>no</Message></Error>"


@pytest.mark.parametrize(
    ("listing", "error", "hint"),
    [(SKEWED, "RequestTimeTooSkewed", "clock"), (DENIED, "stat s3://bucket/dir: 403", "access_key")],
    ids=["skewed", "denied"],
)
def test_why_an_object_is_not_told_of(scripted: Script, open_at: Open, listing: bytes, error: str, hint: str) -> None:
    """HEAD is refused without a word; a listing gives the reason, if it is another one than having no right to it."""
    service = scripted(lambda asked: reply(b"" if asked.method == "HEAD" else listing, "403 Forbidden"))
    store = open_at(service)
    with pytest.raises(AuthError, match=error) as caught:
        find_source(Uri.parse("s3://bucket/dir"), lambda uri: store)
    assert hint in caught.value.hint


def test_who_may_only_see_what_is_below(scripted: Script, open_at: Open) -> None:
    """A directory is found by those whose rights begin below its name."""
    page = LISTING % (ROW % b"dir/a")
    service = scripted(lambda asked: reply(status="403 Forbidden") if asked.method == "HEAD" else reply(page))
    store = open_at(service)
    assert find_source(Uri.parse("s3://bucket/dir"), lambda uri: store).uri == Uri.parse("s3://bucket/dir/")


def test_an_object_of_another_region_of_which_only_a_listing_tells(scripted: Script, open_at: Open) -> None:
    """MinIO names the region that it expects in words alone, which HEAD does not have."""
    body = b"<Error><Code>AuthorizationHeaderMalformed</Code><Region>eu-west-1</Region></Error>"

    def answer(asked: Asked) -> bytes:
        if "/eu-west-1/s3/" not in asked.headers["authorization"]:
            return reply(b"" if asked.method == "HEAD" else body, "400 Bad Request")
        return reply(ETag="x") if asked.method == "HEAD" else reply(LISTING % b"")

    store = open_at(scripted(answer))
    assert find_source(Uri.parse("s3://bucket/key"), lambda uri: store).entry is not None


def test_an_upload_of_which_nothing_may_be_seen_begins_anew(scripted: Script, open_at: Open, tmp_path: Path) -> None:
    """Rights to write alone are enough, also after an interrupted upload."""
    FileStore(tmp_path).put("large", bytes(9 << 20))
    fails = [True]

    def answer(asked: Asked) -> bytes:
        if asked.method in ("GET", "HEAD", "DELETE"):
            return reply(DENIED, "403 Forbidden")
        if fails[0] and "uploadId" in asked.target and asked.method == "POST":
            return reply(status="500 Internal Server Error")
        return reply(b"<R><UploadId>id</UploadId><ETag>x-2</ETag></R>", ETag="x")

    store = open_at(scripted(answer))

    def upload() -> Report:
        return sync(
            tmp_path / "large",
            "s3://bucket/large",
            open=lambda uri: FileStore() if uri.is_local else store,
            compare="always",
            state_dir=tmp_path / "state",
        )

    assert len(upload().failures) == 1
    fails[0] = False
    assert upload().failures == ()


@pytest.mark.parametrize("date", ["", "2026-01-02T03:04:05Z", "today"])
def test_a_date_that_cannot_be_read(scripted: Script, open_at: Open, date: str) -> None:
    """It is no reason to refuse an object."""
    store = open_at(scripted(lambda asked: reply(b"x", ETag="x", Last_Modified=date)))
    assert store.read("key") == b"x"


_FORK = """
    import os, sys
    from anyfit.storage.wire import Origin, Wire
    wire = Wire(Origin.of(sys.argv[1]))
    wire.request("GET", "/before", {}).read()
    child = os.fork()
    wire.request("GET", "/after", {}).read()
    if child:
        os.waitpid(child, 0)
        wire.request("GET", "/after", {}).read()
"""


def test_a_fork_leaves_its_parent_the_connections(scripted: Script) -> None:
    """Else each of them would read answers to the other's requests."""
    service = scripted(lambda asked: reply(b"x"))
    subprocess.run([sys.executable, "-c", textwrap.dedent(_FORK), service.endpoint], check=True)

    first = service.asked[0].connection
    assert sorted(asked.connection == first for asked in service.asked) == [False, True, True, True]


def test_a_service_that_knows_no_marker(scripted: Script, open_at: Open) -> None:
    """Its first page is not read for ever."""
    store = open_at(scripted(lambda asked: reply(MORE)))
    with pytest.raises(StorageError, match="the same page for ever"):
        for count, _ in enumerate(store.list("x/")):
            assert count < 5000
