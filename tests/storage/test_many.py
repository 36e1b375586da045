"""Many small requests from one thread, against servers that behave and that do not."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from attrs import evolve

from anyfit.storage import FileStore, StoreSettings, copy_tree, open_store
from anyfit.storage.many import exchange
from anyfit.storage.retry import Retry
from anyfit.storage.wire import Origin, Wire, encode, parse_head
from ports import deaf_port


@contextmanager
def _service(answer: Callable[[int], bytes], patience: float = 60.0) -> Iterator[Wire]:
    """A server that answers the n-th request of all with some bytes, then closes if there were none."""
    listener = socket.create_server(("127.0.0.1", 0))
    count = iter(range(10_000))
    open_ones: list[socket.socket] = []

    def serve(sock: socket.socket) -> None:
        with sock:
            pending = b""
            while data := sock.recv(65536):
                pending += data
                while b"\r\n\r\n" in pending:
                    pending = pending.partition(b"\r\n\r\n")[2]
                    reply = answer(next(count))
                    sock.sendall(reply)
                    if not reply or b"connection: close" in reply:
                        return

    def accept() -> None:
        while True:
            try:
                sock, _ = listener.accept()
            except OSError:
                return
            open_ones.append(sock)
            threading.Thread(target=serve, args=(sock,), daemon=True).start()

    thread = threading.Thread(target=accept, daemon=True)
    thread.start()
    wire = Wire(Origin.of(f"http://127.0.0.1:{listener.getsockname()[1]}"), timeout=patience)
    yield wire
    wire.close()
    listener.shutdown(socket.SHUT_RDWR)
    listener.close()
    thread.join()


def _requests(count: int) -> list[tuple[bytes, int]]:
    return [(encode("GET", f"/{n}", {"host": "x"}), n) for n in range(count)]


def _reply(body: bytes, *headers: str) -> bytes:
    lines = [b"HTTP/1.1 200 OK", b"content-length: %d" % len(body), *(header.encode() for header in headers)]
    return b"\r\n".join(lines) + b"\r\n\r\n" + body


def test_every_request_gets_its_answer() -> None:
    """All requests are answered over few connections, which are kept for the next exchange."""
    with _service(lambda n: _reply(b"x" * (n * 400))) as wire:
        answers = list(exchange(wire, _requests(300), 8))
        again = list(exchange(wire, _requests(3), 8))

    assert sorted(tag for tag, _ in answers) == list(range(300))
    assert {answer.status for _, answer in answers if answer} == {200}
    assert sorted(len(answer.body) for _, answer in answers if answer) == [n * 400 for n in range(300)]
    assert all(answer for _, answer in again)


@pytest.mark.parametrize(
    "bad",
    [b"", b"HTTP/1.1 200 OK\r\n", b"nonsense\r\n\r\n", _reply(b"x")[:-1], b"HTTP/1.1 200 OK\r\n\r\n"],
    ids=["closed", "half a head", "no http", "half a body", "no length"],
)
def test_what_goes_wrong_has_no_answer(bad: bytes) -> None:
    """A lost, broken or silent connection gives no answer, never a wrong one, and every request is accounted for."""
    with _service(lambda n: bad if n % 10 == 5 else _reply(b"good"), patience=0.5) as wire:
        answers = list(exchange(wire, _requests(50), 4))

    assert sorted(tag for tag, _ in answers) == list(range(50))
    lost = [tag for tag, answer in answers if answer is None]
    assert lost, "those with a bad answer; after silence, those that were waiting too"
    assert all(answer.body == b"good" for _, answer in answers if answer)


def test_a_server_that_closes_after_each() -> None:
    """Answers that end their connection are answers, and further requests get new connections."""
    with _service(lambda n: _reply(b"good", "connection: close")) as wire:
        answers = list(exchange(wire, _requests(20), 4))

    assert [answer.body for _, answer in answers if answer] == [b"good"] * 20


def test_an_answer_before_the_request_has_gone_out() -> None:
    """A service that refuses at once is not sent the next request in the middle of the body of the last one."""
    seen: list[bytes] = []
    answered = threading.Event()

    def serve(sock: socket.socket) -> None:
        with sock:
            data = bytearray(sock.recv(1000))
            sock.sendall(_reply(b"busy"))
            answered.wait(20)  # so long the body fits into no buffer
            with suppress(OSError):
                while more := sock.recv(1 << 20):
                    data += more
            seen.append(bytes(data))

    with socket.create_server(("127.0.0.1", 0)) as listener, ThreadPoolExecutor(5) as pool:
        listener.settimeout(20)
        accepting = pool.submit(lambda: [pool.submit(serve, listener.accept()[0]) for _ in range(4)])
        head = encode("PUT", "/x", {"host": "x", "content-length": str(16 << 20)})
        wire = Wire(Origin.of(f"http://127.0.0.1:{listener.getsockname()[1]}"), timeout=60)
        answers = list(exchange(wire, [(head + bytes(16 << 20), n) for n in range(4)], 1))
        wire.close()
        answered.set()
        accepting.result(20)

    assert [answer.body for _, answer in answers if answer] == [b"busy"] * 4
    assert [data.count(b"PUT /x") for data in seen] == [1] * 4


def test_nobody_there() -> None:
    """Without a server every request comes back without an answer."""
    with deaf_port() as port:
        answers = list(exchange(Wire(Origin.of(f"http://127.0.0.1:{port}")), _requests(3), 2))

    assert answers == [(0, None), (1, None), (2, None)]


def test_nobody_is_asked_again_who_does_not_listen(monkeypatch: pytest.MonkeyPatch) -> None:
    """One vain attempt to connect is enough: where packets are swallowed each takes ten seconds."""
    attempts = []

    def connect(*_: object, **__: object) -> socket.socket:
        attempts.append(1)
        raise TimeoutError("timed out")

    monkeypatch.setattr(socket, "create_connection", connect)
    answers = list(exchange(Wire(Origin.of("http://10.255.255.1")), _requests(9), 4))

    assert answers == [(n, None) for n in range(9)]
    assert len(attempts) == 1


def test_interim_answers_are_passed_over() -> None:
    """A `100 Continue` before the answer is no answer."""
    data = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 204 No Content\r\nA:  b \r\n\r\nrest"

    assert parse_head(data) == (204, {"a": "b"}, len(data) - 4)
    assert parse_head(data[:30]) is None


def test_nothing_is_lost_in_a_transfer(tmp_path: Path) -> None:
    """When a service falls silent in the middle, every file is still reported."""
    for n in range(40):
        FileStore(tmp_path).put(f"f{n:02}", b"x")
    settings = StoreSettings(access_key="a", secret_key="s", timeout=1)
    with _service(lambda n: _reply(b"", "etag: x") if n < 10 else b"HTTP/1.1") as wire:
        store = open_store("s3://bucket/", evolve(settings, endpoint=f"http://{wire.origin.host}"))
        store.retry = Retry(attempts=1)
        report = copy_tree(tmp_path, "s3://bucket/x/", open=lambda uri: store, jobs=20)
        store.close()

    assert report.copied == 10
    assert len(report.failures) == 30
    assert report.bytes == 10
