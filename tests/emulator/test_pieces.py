"""The pieces that every cloud's emulator is made of: records, logs, runs, routes, moving, weights."""

from __future__ import annotations

import ast
import os
import random
import socket
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from uuid import uuid4

import pytest

import anyfit_emulator
from anyfit_emulator import ObjectStoreServer
from anyfit_emulator.moving import Cancelled, Missing, download, entries, upload
from anyfit_emulator.records import Records
from anyfit_emulator.routing import Router
from anyfit_emulator.running import Command, LineLog, NotStarted, Run, clean_environment, read_usage, usage
from anyfit_emulator.running.ports import free_port, is_free, listens, own_address
from anyfit_emulator.serving import NotServing, Server
from anyfit_emulator.storage.values import Meta
from anyfit_emulator.weights import Wheel
from processes import is_alive
from waiting import until, within


def shell(tmp_path: Path, text: str, prefix: str = "", usage: Path | None = None) -> Command:
    """A line of shell."""
    return Command(["/bin/sh", "-c", text], tmp_path, dict(os.environ), prefix, usage)


def new_key() -> str:
    """The key of a run; when one ends, whatever has its key is killed, also what another test has started."""
    return f"test-{uuid4().hex}"


def lines(log: LineLog) -> list[str]:
    """All lines."""
    return [line.text for line in log.page(0, 10**6)]


def test_no_vendor_is_imported() -> None:
    """Vendors' emulators are named in one table and loaded when somebody asks for them."""
    imported = set()
    for path in Path(anyfit_emulator.__file__).parent.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ImportFrom):
                imported.add((node.module or "").partition(".")[0])
            elif isinstance(node, ast.Import):
                imported |= {alias.name.partition(".")[0] for alias in node.names}

    assert {name for name in imported if name.startswith("anyfit")} <= {"anyfit", "anyfit_emulator"}


def test_records_outlive_their_object(tmp_path: Path) -> None:
    """Documents by kind, in the order of numbers; counters go on."""
    records = Records(tmp_path / "state" / "a.sqlite")
    first = [records.next_id(500), records.next_id(500), records.next_id(), records.next_id(7, "other")]
    for number in (9, 10, 100):
        records.put("job", number, {"name": f"作业 {number}"})
    records.put("job", 9, {"name": "other"})
    records.remove("job", 100)
    records.remove("job", 1)
    records.close()
    records = Records(tmp_path / "state" / "a.sqlite")

    assert first == [500, 501, 502, 7]
    assert records.next_id(500) == 503
    assert records.all("job") == [("9", {"name": "other"}), ("10", {"name": "作业 10"})]
    assert records.get("job", 10) == {"name": "作业 10"}
    assert records.get("model", 10) is None
    records.close()


def test_a_log_is_read_by_number_and_by_time(tmp_path: Path) -> None:
    """Pages begin where they are asked to; times grow strictly."""
    log = LineLog(tmp_path / "log")
    log.append([b"a", b"", b"c\r"])
    log.say("d\ne")
    log.append([b"x" * 200_000])
    pages = log.page(1, 2)

    assert [(line.number, line.text) for line in pages] == [(1, ""), (2, "c")]
    assert [len(line.text) for line in log.page(5, 9)] == [65536, 65536, 65536, 3392]
    times = [line.time_ns for line in log.page(0, 99)]
    assert times == sorted(set(times))
    assert [log.after(moment) for moment in (0, times[0], times[2] - 1, times[-1])] == [0, 1, 2, 9]
    assert log.page(-3, 1)[0].text == "a"
    assert log.page(99, 1) == []


def test_a_log_survives_being_cut_off(tmp_path: Path) -> None:
    """A line or an entry that was half written is forgotten, and what comes next is right."""
    log = LineLog(tmp_path / "log")
    log.append([b"one", b"two"])
    with (tmp_path / "log.log").open("ab") as stream:
        stream.write(b"half a li")
    with (tmp_path / "log.idx").open("ab") as stream:
        stream.write(b"\1\2\3")
    log = LineLog(tmp_path / "log")
    log.append([b"three"])

    assert lines(log) == lines(LineLog(tmp_path / "log")) == ["one", "two", "three"]


def test_a_run_gathers_lines_and_codes(tmp_path: Path) -> None:
    """Both streams of every process, with its prefix; the last line may lack its end."""
    log = LineLog(tmp_path / "log")
    commands = [shell(tmp_path, "echo a; echo b >&2; printf c", "[0] ", tmp_path / "usage")]
    run = Run(new_key(), [*commands, shell(tmp_path, "sleep 0.05")], log)
    began = time.monotonic()
    run.start()
    outcome = run.wait()
    seconds = time.monotonic() - began

    assert (outcome.codes, outcome.reason) == ((0, 0), "exited")
    assert lines(log) == ["[0] a", "[0] b", "[0] c"]
    assert 1 <= len(read_usage(tmp_path / "usage")) <= 1 + seconds


def test_a_look_that_waits_for_a_processor_makes_nothing_busier(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is counted late is counted over all the time until then."""
    now = [0.5]

    def family(pid: int) -> Iterator[tuple[float, int]]:
        now[0] += 0.4
        yield now[0], 1 << 20  # busy from the beginning

    monkeypatch.setattr(usage, "time", SimpleNamespace(monotonic=lambda: now[0], time_ns=lambda: 0))
    monkeypatch.setattr(usage, "_family", family)
    sampler = usage.Sampler(1, tmp_path / "usage", 0.0)
    for _ in range(3):
        now[0] += sampler.wait()
        sampler.look()

    samples = read_usage(tmp_path / "usage")
    assert len(samples) == 3
    assert all(50 < sample.cpu_percent <= 100 for sample in samples)


def test_a_grandchild_does_not_hold_a_run_up(tmp_path: Path) -> None:
    """The run ends with its first process, as a container does, though another one has the pipe open."""
    log = LineLog(tmp_path / "log")
    run = Run(new_key(), [shell(tmp_path, "sleep 60 & setsid sleep 60 & echo $!")], log)
    run.start()
    with within(5):
        run.wait()

    assert not is_alive(int(lines(log)[0]))


def test_grace_can_be_cut_short(tmp_path: Path) -> None:
    """A process that ignores SIGTERM is killed after the shortest grace that was asked for."""
    log = LineLog(tmp_path / "log")
    run = Run(new_key(), [shell(tmp_path, "trap '' TERM; echo here; while true; do sleep 0.05; done")], log)
    run.start()
    waiting = threading.Thread(target=run.wait)
    waiting.start()
    until(lambda: len(log), bool)
    started = time.monotonic()
    with within(5):
        run.stop(60)
        run.stop(0.2)
        waiting.join()

    assert time.monotonic() - started > 0.1


def test_all_or_nothing_is_started(tmp_path: Path) -> None:
    """If one command does not exist the others are ended, and the message names it."""
    log = LineLog(tmp_path / "log")
    run = Run(new_key(), [shell(tmp_path, "sleep 60"), Command(["./moon"], tmp_path, {})], log)
    with pytest.raises(NotStarted, match=r"\./moon: No such file"):
        run.start()


def test_a_flood_of_lines_arrives(tmp_path: Path) -> None:
    """None is lost or torn."""
    log = LineLog(tmp_path / "log")
    run = Run(new_key(), [Command([sys.executable, "-c", "for i in range(200_000): print(i)"], tmp_path, {})], log)
    run.start()
    run.wait()

    assert len(log) == 200_000
    assert [line.text for line in log.page(199_998, 5)] == ["199998", "199999"]


def test_standard_error_is_told_apart(tmp_path: Path) -> None:
    """Lines of both streams are in one log, each with its own beginning."""
    log = LineLog(tmp_path / "log")
    told = Command(["/bin/sh", "-c", "echo a; echo b >&2; printf c >&2"], tmp_path, {}, "out ", error_prefix="err ")
    run = Run(new_key(), [told, shell(tmp_path, "echo d; echo e >&2", "two ")], log)
    run.start()
    run.wait()

    assert sorted(lines(log)) == ["err b", "err c", "out a", "two d", "two e"]


def test_helpers_end_with_the_others(tmp_path: Path) -> None:
    """What only serves the rest is asked to end once the rest has, and its own code counts while it runs."""
    helper = Command(["/bin/sh", "-c", "sleep 60"], tmp_path, dict(os.environ), awaited=False)
    run = Run(new_key(), [helper, shell(tmp_path, "sleep 0.05")], LineLog(tmp_path / "log"))
    run.start()
    outcome = run.wait(30)
    broken = Command(["/bin/sh", "-c", "exit 3"], tmp_path, dict(os.environ), awaited=False)
    second = Run(new_key(), [broken, shell(tmp_path, "sleep 60")], LineLog(tmp_path / "log"))
    second.start()

    assert (outcome.codes, outcome.reason) == ((-15, 0), "exited")
    assert second.wait(30).reason == "failed"


def test_the_environment_is_clean() -> None:
    """Secrets and other platforms' words stay out."""
    source = {"PATH": "p", "DB_PASSWORD": "s", "AWS_PROFILE": "s", "SSH_PRIVATE_KEY": "s", "SM_MODEL_DIR": "m"}

    assert set(clean_environment(source)) == {"PATH", "PYTHONUNBUFFERED", "PYTHONIOENCODING"}


def test_a_server_that_never_listens(tmp_path: Path) -> None:
    """Waiting ends with the time, and the process can be ended."""
    server = Server(new_key(), shell(tmp_path, "sleep 60"), LineLog(tmp_path / "log"), (free_port(),))
    server.start()
    with pytest.raises(NotServing, match="nothing listens"):
        server.wait(0.1)
    server.stop(1)

    assert server.join(30)


def test_a_foreign_listener_is_not_taken_for_ones_own(tmp_path: Path) -> None:
    """Only processes of the run count, as far as the system tells."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]

        assert not is_free(port)
        assert listens(port, new_key()) is not Path("/proc/net/tcp").exists()


def test_a_free_port_is_none_of_those_that_clients_are_given() -> None:
    """So it stays free until its program listens; those above it are free as well."""
    port = free_port()

    assert port < 32_000
    assert all(is_free(port + more) for more in range(5))


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has names that vanish with their process")
def test_a_free_port_is_given_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where its program does not listen yet when the next one is asked for."""
    first = free_port()
    choose, chances = random.choice, [first, first]
    monkeypatch.setattr(random, "choice", lambda ports: chances.pop() if chances else choose(ports))

    assert free_port() != first
    assert chances == []


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has a whole network on loopback")
def test_every_machine_of_every_run_has_an_address_of_its_own() -> None:
    """Programs of two runs may agree on one port."""
    addresses = [own_address(key, index) for key in ("run-1", "run-2") for index in range(2)]
    port = free_port()
    held = [socket.create_server((address, port)) for address in addresses]
    for server in held:
        server.close()

    assert len(set(addresses)) == 4


def test_routes() -> None:
    """Numbers are told from words, words are decoded, methods are known."""
    table = [("GET", "/v1/job/{id:int}", 1), ("GET", "/v1/job/{name}", 2), ("PUT", "/v1/job/{id:int}/x.y", 3)]
    router = Router(table)

    assert router.find("GET", "/v1/job/7") == (1, {"id": "7"})
    assert router.find("GET", "/v1/job/a%2Fb") == (2, {"name": "a/b"})
    assert router.find("PUT", "/v1/job/7/x.y") == (3, {"id": "7"})
    assert router.find("PUT", "/v1/job/7/xzy") is None
    assert router.methods("/v1/job/7/x.y") == ["PUT"]


def test_weights() -> None:
    """Evenly spread; zero never, unless all are zero."""
    wheel = Wheel([3, 0, 1])
    assert Counter(wheel.turn() for _ in range(40)) == {0: 30, 2: 10}
    assert [wheel.turn() for _ in range(4)] == [0, 0, 2, 0]
    assert sorted(Wheel([0, 0]).turn() for _ in range(3)) == [0, 0, 0]


def test_moving(server: ObjectStoreServer, tmp_path: Path) -> None:
    """Directories go up without markers and come down without them, by prefix or one by one."""
    source = tmp_path / "source"
    (source / "sub" / "empty").mkdir(parents=True)
    (source / "a").write_text("1")
    (source / "sub" / "训练").write_text("22")
    place = f"s3://{server.bucket}/p"
    assert upload(server.store, source, place) == 2
    with server.store.incoming() as content:
        content.finish()
        server.store.commit(server.bucket, "p/marker/", content, 0, "", 0, Meta(), lambda _: None)

    assert [entry[0].decode() for entry in entries(server.store, server.bucket, "p/")] == ["p/a", "p/sub/训练"]
    assert download(server.store, place, tmp_path / "down") == 2
    assert (tmp_path / "down" / "sub" / "训练").read_text() == "22"
    assert download(server.store, f"{place}/a", tmp_path / "one") == 1
    assert sorted(path.name for path in (tmp_path / "one").iterdir()) == ["a"]
    for nothing in (f"{place}/marker/", f"{place}/x", "s3://no-bucket/x"):
        with pytest.raises(Missing):
            download(server.store, nothing, tmp_path / "nothing")
    with pytest.raises(Missing):
        upload(server.store, source, "s3://no-bucket/x")
    with pytest.raises(Cancelled):
        download(server.store, place, tmp_path / "stopped", lambda: True)
