"""`ls`, `cp`, `sync`, `rm`, `cat`, `du` and `presign` against an object store, through each of its protocols."""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import pty
import re
import signal
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from anyfit.cli.deleting import Deletion
from anyfit.storage import FileStore
from anyfit.storage.selection import select
from anyfit.stores import Stores
from anyfit_emulator import ObjectStoreServer
from waiting import within

SCHEMES = ("s3", "obs", "cos")
MIB = 1 << 20


class Bucket:
    """A bucket that the command line can reach through three protocols, and what is really in it."""

    def __init__(self, cli: Any, server: ObjectStoreServer) -> None:
        self.cli = cli
        self.server = server
        self.configure()

    def configure(self, **more: str) -> None:
        """Write anyfit.toml."""
        tables = []
        for scheme in SCHEMES:
            values = {
                "endpoint": self.server.cos_endpoint if scheme == "cos" else self.server.s3_endpoint,
                "region": "ap-guangzhou",
                "access_key": self.server.access_key,
                "secret_key": self.server.secret_key,
                **more,
            }
            lines = "".join(f'{name} = "{text}"\n' for name, text in values.items())
            tables.append(f"[storage.{scheme}]\n{lines}")
        self.cli.write("anyfit.toml", "".join(tables)).chmod(0o600)

    def uri(self, key: str = "", scheme: str = "s3") -> str:
        """The URI of a key."""
        return f"{scheme}://{self.server.bucket}/{key}"

    def put(self, **objects: str) -> None:
        """Make objects; `__` in a name is a slash, `_` a dot."""
        for name, text in objects.items():
            path = self.server.data_dir / self.server.bucket / name.replace("__", "/").replace("_", ".")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        self.server.store.adopt(self.server.bucket)

    @property
    def keys(self) -> list[str]:
        """All keys."""
        page = self.server.store.page(self.server.bucket, "", "", "", 1000)
        return [entry[0].decode() for entry in page.entries]

    def content(self, key: str) -> bytes:
        """What an object holds."""
        return self.server.store.path(self.server.bucket, key).read_bytes()

    def count(self, operation: str) -> int:
        """How often that was asked."""
        return self.server.requests.counts.get(operation, 0)


@pytest.fixture
def bucket(cli: Any, tmp_path: Path) -> Iterator[Bucket]:
    """A bucket in reach."""
    with ObjectStoreServer(tmp_path / "objects") as server:
        yield Bucket(cli, server)


def columns(text: str) -> list[tuple[str, str]]:
    """Size and name of each line of a listing."""
    found = []
    for line in text.splitlines():
        _, size, name = line[:19], line[19:33].strip(), line[35:]
        found.append((size, name))
    return found


@pytest.mark.parametrize("command", ["ls", "du"])
def test_of_several_places_those_are_shown_that_are_there(cli: Any, bucket: Bucket, command: str) -> None:
    """What is wrong with the others is told at the end, and the exit code is that of the first."""
    bucket.put(d__a="A", e__b="BB")
    shown = cli(command, bucket.uri("d/"), bucket.uri("no/"), "/none", bucket.uri("none/"), bucket.uri("e/"))
    one = cli(command, bucket.uri("no/"), bucket.uri("e/"))
    plain = cli(command, "--json", bucket.uri("d/"), bucket.uri("no/"), bucket.uri("e/"))
    records = plain.json() if command == "du" else [json.loads(line) for line in plain.out.splitlines()]
    nothing = cli(command, "--json", bucket.uri("no/"), bucket.uri("none/"))

    assert (shown.code, len(shown.out.splitlines()), one.code, len(one.out.splitlines())) == (102, 2, 102, 1)
    told = f"3 faults:\n  nothing at {bucket.uri('no/')}\n  no file /none\n  nothing at {bucket.uri('none/')}\n"
    assert f"{told}hint: anyfit ls shows what there is; a place in a bucket is written s3://bucket/key\n" in shown.err
    assert f"nothing at {bucket.uri('no/')}" in one.err and "faults" not in one.err
    assert (plain.code, [record.get("error") for record in records]) == (102, [None, None, "NotFound"])
    assert records[2]["name"] == bucket.uri("no/")
    assert (nothing.code, nothing.json()["error"]) == (102, "NotFound")


@pytest.mark.parametrize("scheme", SCHEMES)
def test_there_and_back(cli: Any, bucket: Bucket, scheme: str) -> None:
    """A directory goes up, is listed, counted, printed, fetched, and deleted."""
    cli.write("data/a.txt", "A")
    cli.write("data/sub/数据 100%.txt", "BB")
    place = bucket.uri("d/", scheme)

    assert cli("cp", "-r", "data", place).code == 0
    assert bucket.keys == ["d/a.txt", "d/sub/数据 100%.txt"]
    assert columns(cli("ls", place).out) == [("1", "a.txt"), ("DIR", "sub/")]
    assert columns(cli("ls", "-r", bucket.uri("", scheme)).out) == [("1", "d/a.txt"), ("2", "d/sub/数据 100%.txt")]
    assert cli("du", "--json", place, "data").json() == [
        {"uri": place, "bytes": 3, "objects": 2},
        {"uri": "data", "bytes": 3, "objects": 2},
    ]
    assert cli("cat", f"{place}a.txt", f"{place}sub/数据 100%.txt").out == "ABB"
    assert cli("cp", "-r", bucket.uri("d", scheme), "back").code == 0
    assert (cli.folder / "back/sub/数据 100%.txt").read_text() == "BB"
    gone = cli("rm", "-r", place)
    assert (gone.code, gone.out, gone.err) == (0, "", "anyfit: 2 deleted (3 B)\n")
    assert bucket.keys == []


@pytest.mark.parametrize("scheme", SCHEMES)
def test_sync(cli: Any, bucket: Bucket, scheme: str) -> None:
    """What is there is not moved; what is gone is deleted on request; each step can be looked at beforehand."""
    cli.write("data/a.txt", "A")
    cli.write("data/b.txt", "B")
    place = bucket.uri("d/", scheme)

    first = cli("sync", "data", place)
    again = cli("sync", "data", place, "--json").json()
    cli.write("data/b.txt", "longer")
    (cli.folder / "data/a.txt").unlink()
    planned = cli("sync", "--delete", "--dry-run", "data", place)
    assert bucket.content("d/b.txt") == b"B"
    done = cli("sync", "--delete", "-v", "data", place)

    assert (first.code, first.out) == (0, "")
    assert first.err.startswith("anyfit: 2 copied (2 B) in ")
    assert (again["copied"], again["skipped"], again["failures"]) == (0, 2, [])
    data = cli.folder / "data"
    assert planned.out.splitlines() == [f"would copy {data}/b.txt to {place}b.txt", f"would delete {place}a.txt"]
    assert planned.err == "anyfit: 1 would be copied (6 B), 1 would be deleted\n"
    assert done.out.splitlines() == [f"copied {data}/b.txt to {place}b.txt", f"deleted {place}a.txt"]
    assert bucket.keys == ["d/b.txt"]
    assert bucket.content("d/b.txt") == b"longer"


def test_from_store_to_store(cli: Any, bucket: Bucket) -> None:
    """Both ends may be stores, of different kinds too."""
    bucket.put(d__a_txt="A", d__b_txt="B")

    assert cli("sync", bucket.uri("d/", "obs"), bucket.uri("copy/", "cos")).code == 0
    assert cli("cp", bucket.uri("d/a.txt"), bucket.uri("copy/again.txt")).code == 0
    assert bucket.keys == ["copy/a.txt", "copy/again.txt", "copy/b.txt", "d/a.txt", "d/b.txt"]


def test_where_things_go(cli: Any, bucket: Bucket) -> None:
    """An object goes to the name, or with a slash into the directory; several need a directory."""
    cli.write("a.txt", "A")
    cli.write("b.txt", "B")

    assert cli("cp", "a.txt", bucket.uri("x")).code == 0
    assert cli("cp", "a.txt", bucket.uri("y/")).code == 0
    assert cli("cp", "a.txt", "b.txt", bucket.uri("z/")).code == 0
    assert bucket.keys == ["x", "y/a.txt", "z/a.txt", "z/b.txt"]
    refused = cli("cp", "a.txt", "b.txt", bucket.uri("z"))
    assert (refused.code, "is no directory" in refused.err) == (2, True)


def test_several_files_named_one_by_one(cli: Any, bucket: Bucket) -> None:
    """As by a shell that fills in `data/*`: each goes into the directory, and filters are heeded."""
    for number in range(300):
        cli.write(f"data/{number}", "x")
    cli.write("other/last [1]*.txt", "y")
    cli.write("data/deep/not", "this")
    names = [f"data/{number}" for number in range(300)]
    done = cli("cp", *names, "data/7", "other/last [1]*.txt", bucket.uri("into/"), "--exclude", "2*", "--json")

    assert (done.code, done.json()["copied"], done.json()["bytes"]) == (0, 190, 190)
    assert bucket.keys == sorted(f"into/{n}" for n in [*range(300), "last [1]*.txt"] if not str(n).startswith("2"))


def test_two_of_one_name_are_not_copied_over_each_other(cli: Any, bucket: Bucket) -> None:
    """Of two sources that would be one target none is lost: nothing is copied."""
    bucket.put(a__x_txt="a", b__x_txt="b")
    refused = cli("cp", bucket.uri("a/x.txt"), bucket.uri("b/x.txt"), "into/")

    assert (refused.code, "would both be" in refused.err) == (2, True)
    assert not (cli.folder / "into").exists()
    assert cli("cp", bucket.uri("a/x.txt"), bucket.uri("a/x.txt"), "into/").code == 0


def test_wildcards_and_filters(cli: Any, bucket: Bucket) -> None:
    """`*` goes through directories; filters count in their order; brackets are themselves."""
    bucket.put(d__a_csv="1", d__b_txt="2", d__sub__c_csv="3", e="4")
    cli.write("in/a[1].txt", "x")
    cli.write("in/a1.txt", "y")

    assert [name for _, name in columns(cli("ls", bucket.uri("d/*.csv")).out)] == ["a.csv", "sub/c.csv"]
    assert [name for _, name in columns(cli("ls", bucket.uri("?")).out)] == ["e"]
    cli("cp", bucket.uri("d/*.csv"), "out", "--exclude", "sub/")
    assert [path.name for path in (cli.folder / "out").rglob("*.*")] == ["a.csv"]
    cli("cp", "in/a[1]*", bucket.uri("in/"))
    assert [key for key in bucket.keys if key.startswith("in/")] == ["in/a[1].txt"]
    cli("cp", "-r", "in", bucket.uri("most/"), "--exclude", "*", "--include", "a1*")
    assert [key for key in bucket.keys if key.startswith("most/")] == ["most/a1.txt"]
    nothing = cli("rm", bucket.uri("d/*.none"))
    assert (nothing.code, nothing.err) == (102, f"anyfit: error: nothing to delete at {bucket.uri('d/')}\n")
    assert cli("ls", bucket.uri("d/*.none")).code == cli("cp", bucket.uri("d/*.none"), "out").code == 102
    both = cli("ls", bucket.uri("d/*.csv"), "--include", "*.txt")
    assert (both.code, "has wildcards" in both.err) == (2, True)
    cli("rm", bucket.uri("*.csv"))
    assert "d/a.csv" not in bucket.keys and "d/b.txt" in bucket.keys


def test_what_fits_goes_into_a_directory_beside_it(cli: Any, bucket: Bucket) -> None:
    """The target may lie below the place that the wildcards begin at, unless they fit the target itself."""
    bucket.put(a_csv="1", b_txt="2", d__c_csv="3")
    for _ in range(2):
        assert cli("cp", bucket.uri("*.csv"), bucket.uri("archive/")).code == 0
        assert bucket.keys == ["a.csv", "archive/a.csv", "archive/d/c.csv", "b.txt", "d/c.csv"]
    for source, target in (("a*", "archive/"), ("*", "archive/"), ("*.csv", "")):
        refused = cli("cp", bucket.uri(source), bucket.uri(target))
        assert (refused.code, bucket.uri() in refused.err) == (2, True)
    assert cli("cp", "-r", bucket.uri(), bucket.uri("archive/"), "--exclude", "archive/").code == 0
    assert "archive/b.txt" in bucket.keys and not [key for key in bucket.keys if "archive/archive" in key]


def test_how_often_a_service_is_asked(cli: Any, bucket: Bucket) -> None:
    """What a command does with one place or object is found out once."""
    bucket.put(k="1", d__a="1", d__b__c="1")
    expected = {
        ("ls", bucket.uri("d/")): ["ListObjects"],
        ("ls", bucket.uri("d")): ["HeadObject", "ListObjects"],
        ("ls", bucket.uri("k")): ["HeadObject"],
        ("cp", bucket.uri("k"), "k"): ["HeadObject", "GetObject"],
        ("cp", bucket.uri("k"), bucket.uri("l")): ["HeadObject", "CopyObject"],
        ("cp", "-r", bucket.uri("d/"), "d"): ["ListObjects", "GetObject", "GetObject"],
        ("cp", "k", bucket.uri("k")): ["PutObject"],
        ("rm", bucket.uri("l")): ["HeadObject", "DeleteObject"],
        ("rm", "-r", bucket.uri("d/")): ["ListObjects", "DeleteObjects"],
    }
    for words, operations in expected.items():
        bucket.server.requests.clear()
        assert cli(*words).code == 0
        assert sorted(request.operation for request in bucket.server.requests.recent) == sorted(operations), words


@pytest.mark.parametrize("scheme", SCHEMES)
def test_no_more_is_listed_than_can_fit(cli: Any, bucket: Bucket, scheme: str) -> None:
    """Of a large directory only what begins as the wildcards or the filters do."""
    bucket.put(**{f"d__a{n}": "" for n in range(2500)}, d__z1="1", d__z2="2")
    (cli.folder / "back").mkdir()
    commands = {
        "ls": ["ls", bucket.uri("d/z*", scheme)],
        "du": ["du", bucket.uri("d/z*", scheme)],
        "cp": ["cp", bucket.uri("d/z*", scheme), "out"],
        "up": ["sync", "out", bucket.uri("d/", scheme), "--include", "z*"],
        "down": ["sync", bucket.uri("d/", scheme), "back", "--include", "z*"],
        "rm": ["rm", bucket.uri("d/z*", scheme)],
    }
    for name, words in commands.items():
        before = bucket.count("ListObjects")
        assert cli(*words).code == 0
        assert bucket.count("ListObjects") - before == 1, name
    assert len(list((cli.folder / "back").iterdir())) == len(list((cli.folder / "out").iterdir())) == 2
    assert cli("ls", "-r", bucket.uri("d/", scheme), "--include", "z*").code == 0
    assert cli("ls", "-r", bucket.uri("no/", scheme), "--include", "z*").code == 102


def test_raw(cli: Any, bucket: Bucket) -> None:
    """A name with wildcards in it is meant as it is, where that is asked for, and where a file has it."""
    cli.write("what*", "star")
    cli.write("whatever", "else")

    assert cli("cp", "what*", bucket.uri("k*")).code == 0
    assert bucket.keys == ["k*"]
    bucket.put(kk="1")
    assert cli("rm", "--raw", bucket.uri("k*")).code == 0
    assert bucket.keys == ["kk"]


def test_pipes(cli: Any, bucket: Bucket) -> None:
    """From stdin to an object of any size and back, byte by byte."""
    data = bytes(range(256)) * (20 * MIB // 256) + b"end"
    run = {"cwd": cli.folder, "env": cli.environ, "capture_output": True, "check": True}
    subprocess.run(cli.command("cp", "-", bucket.uri("big")), input=data, **run)
    subprocess.run(cli.command("cp", "-", bucket.uri("small", "cos")), input=b"hello", **run)
    subprocess.run(cli.command("cp", "-", "file"), input=b"local", **run)

    assert bucket.content("big") == data
    assert subprocess.run(cli.command("cat", bucket.uri("big", "obs")), **run).stdout == data
    assert subprocess.run(cli.command("cp", bucket.uri("small"), "-"), **run).stdout == b"hello"
    assert (cli.folder / "file").read_bytes() == b"local"


def test_streams_by_the_names_of_their_devices(cli: Any, bucket: Bucket) -> None:
    """A file that a shell writes stdout to keeps what is there already."""
    known, told = cli.write("in", "from a file"), cli.write("out", "before ")
    with known.open("rb") as stream:
        subprocess.run(cli.command("cp", "/dev/stdin", bucket.uri("k")), cwd=cli.folder, env=cli.environ, stdin=stream)
    with told.open("ab") as stream:
        subprocess.run(
            cli.command("cp", bucket.uri("k"), "/dev/stdout"), cwd=cli.folder, env=cli.environ, stdout=stream
        )

    assert told.read_text() == "before from a file"


@pytest.mark.parametrize("name", ["pipe", "link"])
@pytest.mark.parametrize("source", ["object", "file", "stdin"])
def test_into_a_named_pipe(cli: Any, bucket: Bucket, name: str, source: str) -> None:
    """What is no file is written into and stays what it is."""
    bucket.put(k="hello")
    cli.write("file", "hello")
    pipe = cli.folder / "pipe"
    os.mkfifo(pipe)
    (cli.folder / "link").symlink_to("pipe")
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    words = {"object": bucket.uri("k"), "file": "file", "stdin": "-"}
    try:
        done = cli("cp", words[source], name, stdin="hello")
        assert (done.code, "1 copied" in done.err, os.read(reader, 99)) == (0, True, b"hello")
    finally:
        os.close(reader)
    assert pipe.is_fifo() and (cli.folder / "link").is_symlink()


@pytest.mark.parametrize("words", [["sync", "k", "pipe"], ["cp", "-r", "d/", "."]])
def test_a_pipe_is_never_replaced(cli: Any, bucket: Bucket, words: list[str]) -> None:
    """Where nothing can be written into it, it is refused by name."""
    bucket.put(k="hello", d__pipe="hello")
    os.mkfifo(cli.folder / "pipe")
    *options, source, target = words
    done = cli(*options, bucket.uri(source), target)

    assert done.code == 4
    assert "is a pipe, a device or a socket, which no file may replace" in done.err
    assert (cli.folder / "pipe").is_fifo()


@pytest.mark.parametrize("source", ["object", "stdin"])
def test_a_link_as_target(cli: Any, bucket: Bucket, source: str) -> None:
    """A link that is named as the target stays, and what it points at is written; one in a tree is replaced."""
    bucket.put(k="new", d__link="tree")
    real = cli.write("elsewhere/real", "old")
    (cli.folder / "in").mkdir()
    (cli.folder / "in/link").symlink_to("../elsewhere/real")
    words = {"object": bucket.uri("k"), "stdin": "-"}

    assert cli("cp", words[source], "in/link", stdin="new").code == 0
    assert (cli.folder / "in/link").is_symlink()
    assert [path.name for path in real.parent.iterdir()] == ["real"] and real.read_text() == "new"

    assert cli("cp", "-r", bucket.uri("d/"), "in").code == 0
    assert not (cli.folder / "in/link").is_symlink()
    assert (cli.folder / "in/link").read_text() == "tree" and real.read_text() == "new"


def _piped(cli: Any, bucket: Bucket, data: bytes) -> subprocess.Popen[bytes]:
    """`cp -` with some of its input, whose first part has arrived."""
    command = cli.command("cp", "-", bucket.uri("big"))
    process = subprocess.Popen(command, cwd=cli.folder, env=cli.environ, stdin=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdin
    process.stdin.write(data)
    process.stdin.flush()
    while not bucket.count("UploadPart"):
        assert process.poll() is None
    return process


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_pipe_that_is_interrupted(cli: Any, bucket: Bucket, number: int) -> None:
    """A stream cannot be read twice: when it is interrupted its upload is thrown away, and nothing stays."""
    with _piped(cli, bucket, bytes(20 * MIB)) as process:
        process.send_signal(number)
        _, err = process.communicate(timeout=30)

    assert process.returncode == 128 + number
    assert err == b"anyfit: interrupted; a stream cannot go on, and what was sent of it is thrown away\n"
    assert bucket.keys == []
    assert bucket.server.uploads.all(bucket.server.bucket) == []


def test_a_pipe_that_is_killed(cli: Any, bucket: Bucket) -> None:
    """What a killed process had sent is thrown away by a transfer two weeks later."""
    with _piped(cli, bucket, bytes(20 * MIB)) as process:
        process.kill()
    state = Path(cli.environ["ANYFIT_HOME"]) / "transfers"
    (left,) = state.iterdir()
    os.utime(left, (time.time() - 15 * 86400,) * 2)
    cli.write("small", "x")
    assert len(bucket.server.uploads.all(bucket.server.bucket)) == 1
    assert cli("cp", "small", bucket.uri("small")).code == 0

    assert bucket.server.uploads.all(bucket.server.bucket) == []
    assert list(state.iterdir()) == []


_PEAK = """
import sys
from anyfit.cli import main
code = main(["cp", "-q", "-", sys.argv[1]])
print(next(line.split()[1] for line in open("/proc/self/status") if line.startswith("VmHWM")))
sys.exit(code)
"""


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="peak memory is read from Linux' /proc")
def test_a_pipe_takes_little_memory(cli: Any, bucket: Bucket) -> None:
    """A stream of any length is sent with a few parts in memory."""
    command = [sys.executable, "-c", _PEAK, bucket.uri("big")]
    pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen(command, cwd=cli.folder, env=cli.environ, **pipes) as process:
        assert process.stdin
        assert process.stdout
        for _ in range(200):
            process.stdin.write(bytes(MIB))
        process.stdin.close()
        peak = int(process.stdout.read())

    assert process.returncode == 0
    assert bucket.count("UploadPart") == 25
    assert peak < 150 * 1024


def test_cat_never_prints_damage(cli: Any, bucket: Bucket) -> None:
    """A piece that arrives damaged is fetched again before it is printed."""
    data = b"x" * (20 * MIB)
    (cli.folder / "big").write_bytes(data)
    cli("cp", "big", bucket.uri("big"))
    bucket.server.faults = "corrupt=1,only=GetObject,times=2"
    done = subprocess.run(
        cli.command("cat", bucket.uri("big")), cwd=cli.folder, env=cli.environ, capture_output=True, check=True
    )

    assert done.stdout == data
    assert bucket.count("GetObject") == 5


@pytest.mark.parametrize("scheme", SCHEMES)
def test_presign(cli: Any, bucket: Bucket, scheme: str) -> None:
    """The URL works without keys, for reading and for writing."""
    bucket.put(k="hello")
    url = cli("presign", bucket.uri("k", scheme), "--expires", "5m").out.strip()
    with urllib.request.urlopen(url, timeout=60) as answer:
        assert answer.read() == b"hello"
    put = cli("presign", bucket.uri("new", scheme), "--method", "PUT", "--json").json()
    with urllib.request.urlopen(urllib.request.Request(put["url"], data=b"put", method="PUT"), timeout=60):
        assert bucket.content("new") == b"put"
    assert put["expires_in"] == 3600


def test_listing_for_programs(cli: Any, bucket: Bucket) -> None:
    """`ls --json` prints an object per line."""
    bucket.put(a="A", d__b="B")
    lines = [json.loads(line) for line in cli("ls", "--json", bucket.uri()).out.splitlines()]

    assert [(line["name"], line["type"], line["uri"]) for line in lines] == [
        ("a", "object", bucket.uri("a")),
        ("d/", "directory", bucket.uri("d/")),
    ]
    assert (lines[0]["size"], lines[0]["etag"]) == (1, "7fc56270e7a70fa81a5935b72eacbe29")


@pytest.mark.parametrize("scheme", SCHEMES)
def test_buckets(cli: Any, bucket: Bucket, scheme: str) -> None:
    """A scheme alone lists the buckets, by the direct path and the library; patterns choose among them."""
    bucket.server.store.create_bucket("another-1250000000")
    for direct in ("true", "false"):
        bucket.configure()
        text = (cli.folder / "anyfit.toml").read_text().replace("region =", f"direct = {direct}\nregion =")
        cli.write("anyfit.toml", text).chmod(0o600)
        lines = [json.loads(line) for line in cli("ls", "--json", f"{scheme}://").out.splitlines()]
        assert [line["name"] for line in lines] == sorted([bucket.server.bucket, "another-1250000000"])
        assert lines[0] | {"created": ""} == {
            "name": "another-1250000000",
            "uri": f"{scheme}://another-1250000000/",
            "type": "bucket",
            "created": "",
        }
    shown = cli("ls", f"{scheme}://", "--include", "another*").out

    assert re.fullmatch(r"\S+ \S+ +BUCKET  another-1250000000\n", shown)


def test_sizes_for_people(cli: Any, bucket: Bucket) -> None:
    """`-h` is for human sizes here, as elsewhere."""
    bucket.put(a="A" * 1400)

    assert columns(cli("ls", "-h", bucket.uri()).out) == [("1.4 KB", "a")]
    assert cli("du", "-h", bucket.uri()).out.split() == ["1.4", "KB", "1", bucket.uri()]


def test_one_failure_does_not_stop_the_rest(cli: Any, bucket: Bucket) -> None:
    """Keys that cannot be files are told at the end, and the exit code tells too."""
    bucket.put(d__a="A", d__b="B")
    cli("cp", "-", bucket.uri("d/../../evil"), stdin="x")
    done = cli("cp", "-r", bucket.uri("d/"), "out/in")
    told = cli("sync", bucket.uri("d/"), "out/in", "--json")

    assert done.code == 4
    assert "1 of 3 could not be transferred:" in done.err and "'../../evil' is no path inside" in done.err
    assert sorted(path.name for path in (cli.folder / "out/in").iterdir()) == ["a", "b"]
    assert not (cli.folder / "evil").exists() and not (cli.folder.parent / "evil").exists()
    assert (told.code, told.err) == (4, "")
    [failure] = told.json()["failures"]
    assert failure["source"] == bucket.uri("d/../../evil")


def test_an_interrupted_upload_goes_on(cli: Any, bucket: Bucket) -> None:
    """A command that was killed in the middle is called again, and sends what was not there yet."""
    data = b"0123456789abcdef" * (40 * MIB // 16)
    (cli.folder / "big").write_bytes(data)
    command = cli.command("cp", "big", bucket.uri("big"), "--limit-rate", "16MiB", "-j", "2")
    with subprocess.Popen(command, cwd=cli.folder, env=cli.environ, stderr=subprocess.DEVNULL) as process:
        while bucket.count("UploadPart") < 3:
            assert process.poll() is None
        process.kill()
    before = bucket.count("UploadPart")
    assert cli("cp", "big", bucket.uri("big")).code == 0

    assert bucket.content("big") == data
    assert bucket.count("CreateMultipartUpload") == 1
    assert bucket.count("UploadPart") - before <= 4


def _halves(folder: Path) -> list[str]:
    return [path.name for path in folder.glob(".anyfit-*.part")]


@pytest.mark.skipif(not Path("/proc/self/ns/pid").is_symlink(), reason="only Linux tells which kernel runs")
def test_half_files_of_a_killed_command(cli: Any, bucket: Bucket) -> None:
    """The next command that writes to the place removes them, and leaves those of a command that still runs."""
    bucket.put(k="x" * 4 * MIB)
    into, words = cli.folder / "into", ("cp", bucket.uri("k"), "into/", "--limit-rate", "256KiB")
    with cli.start(*words) as killed:
        while not _halves(into):
            assert killed.poll() is None
        killed.kill()
    left = _halves(into)
    command = cli.command("cp", "-", "into/piped")
    with subprocess.Popen(command, cwd=cli.folder, env=cli.environ, stdin=subprocess.PIPE) as running:
        while len(_halves(into)) != 1 or _halves(into) == left:
            assert running.poll() is None
        assert cli("cp", bucket.uri("k"), "into/").code == 0
        assert len(_halves(into)) == 1
        running.communicate(b"piped")

    assert running.returncode == 0
    assert sorted(path.name for path in into.iterdir()) == ["k", "piped"]


def test_one_of_several_cannot_be_copied(cli: Any, bucket: Bucket) -> None:
    """What was copied and what failed of the others is told all the same."""
    bucket.put(a="A", b="B", d__c="C")
    cli("cp", "-", bucket.uri("d/../e"), stdin="x")
    words = ["cp", bucket.uri("d/*"), bucket.uri("none*"), bucket.uri("a"), "into/"]
    done = cli(*words)

    assert done.code == 4
    assert "anyfit: 2 copied (2 B), 2 failed" in done.err and "2 of 4 could not be transferred:" in done.err
    assert f"  {bucket.uri('none*')}: nothing at {bucket.uri()} fits 'none*'\n" in done.err
    assert f"  {bucket.uri('d/../e')}: " in done.err
    assert sorted(path.name for path in (cli.folder / "into").iterdir()) == ["a", "c"]
    told = cli(*words, "--json")
    assert (told.code, told.json()["copied"], len(told.json()["failures"])) == (4, 2, 2)
    assert cli("cp", bucket.uri("none*"), bucket.uri("a"), "other/").code == 102


def test_one_place_of_several_cannot_be_deleted(cli: Any, bucket: Bucket) -> None:
    """`rm` deletes the others, and says at the end what it could not and why."""
    bucket.put(a="A", b="B", d__c="C")
    done = cli("rm", *(bucket.uri(key) for key in ("a", "none", "d", "x*", "b")))

    assert (done.code, done.out) == (4, "")
    assert "anyfit: 2 deleted (2 B)" in done.err and "3 of 5 could not be deleted:" in done.err
    assert f"  {bucket.uri('none')}: nothing at {bucket.uri('none')}\n" in done.err
    assert f"  {bucket.uri('d')}: {bucket.uri('d')} is a directory\n" in done.err
    assert f"  {bucket.uri('x*')}: " in done.err
    assert bucket.keys == ["d/c"]

    refused = cli("rm", bucket.uri("none"), bucket.uri("d/"), "--dry-run", "--json").json()
    assert (refused["actions"], refused["deleted"], len(refused["failures"])) == ([], 0, 2)
    tried = cli("rm", "-r", bucket.uri("none"), bucket.uri("d/"), "--dry-run", "--json")
    action = {"kind": "delete", "source": "", "target": bucket.uri("d/c"), "size": 1}
    assert (tried.json()["actions"], tried.json()["deleted"], len(tried.json()["failures"])) == ([action], 1, 1)

    before = bucket.count("ListObjects")
    both = cli("rm", "-r", bucket.uri("d/"), bucket.uri("d/"), "--dry-run")
    assert (both.code, both.out) == (0, f"would delete {bucket.uri('d/c')}\n" * 2)
    assert bucket.count("ListObjects") - before == 2

    told = cli("rm", bucket.uri("a"), bucket.uri("d/c"), "--json")
    assert (told.code, told.err) == (4, "")
    assert (told.json()["deleted"], len(told.json()["failures"])) == (1, 1)


class Together(FileStore):
    """Objects of which all but `a` are deleted when four are to be at the same time."""

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self.barrier = threading.Barrier(4, timeout=30)

    def delete(self, key: str) -> None:
        if key != "a":
            self.barrier.wait()
        super().delete(key)


def test_single_objects_are_deleted_side_by_side(tmp_path: Path) -> None:
    """After the first, which goes ahead; failures are told in the order of the objects."""
    for key in "abcde":
        (tmp_path / key).write_text("x")
    store = Together(tmp_path)
    args = argparse.Namespace(dry_run=False, recursive=False, json=True)
    selections = [select(f"s3://bucket/{key}") for key in ("a", "n1", "b", "c", "n2", "c", "d", "n3", "e")]
    removed = Deletion(args).run(selections, Stores(lambda uri: store))

    assert (removed.deleted, removed.bytes, list(tmp_path.iterdir())) == (5, 5, [])
    assert [(failure.target, failure.reason) for failure in removed.failures] == [
        (f"s3://bucket/{key}", f"nothing at s3://bucket/{key}") for key in ("n1", "n2", "n3")
    ]


def test_wrong_keys_delete_nothing_of_several(cli: Any, bucket: Bucket) -> None:
    """They are found out with the first, and the others are not tried."""
    bucket.put(a="A", b="B", c="C")
    bucket.configure(secret_key="wrong")
    done = cli("rm", *(bucket.uri(key) for key in "abc"))

    assert done.code == 3
    assert not [request for request in bucket.server.requests.recent if request.key in ("b", "c")]


def test_all_failures_are_listed(cli: Any, bucket: Bucket) -> None:
    """However many they are."""
    (cli.folder / "data").mkdir()
    for number in range(70):
        (cli.folder / f"data/{number}").symlink_to("nowhere")
    done = cli("cp", "-r", "data", bucket.uri("d/"))

    assert done.code == 4
    assert done.err.count("the link leads nowhere") == 70


def test_ctrl_c(cli: Any, bucket: Bucket) -> None:
    """An interrupted upload says at once, in one line, that the same command goes on; and so it does."""
    (cli.folder / "big").write_bytes(bytes(40 * MIB))
    with cli.start("cp", "big", bucket.uri("big"), "--limit-rate", "4MiB") as process:
        while not bucket.count("CreateMultipartUpload"):
            assert process.poll() is None
        with within(5):
            process.send_signal(signal.SIGINT)
            out, err = process.communicate()

    assert (process.returncode, out) == (130, "")
    assert err == "anyfit: interrupted; the same command goes on with what is left\n"
    assert cli("cp", "big", bucket.uri("big")).code == 0
    assert bucket.content("big") == bytes(40 * MIB)


@pytest.mark.parametrize("words", [["--dry-run"], ["-v"]])
def test_nobody_reads_on(cli: Any, bucket: Bucket, words: list[str]) -> None:
    """When the reader of `anyfit cp -v ... | head -1` has gone, that is exit code 141, and no file's fault."""
    for number in range(50):
        cli.write(f"data/{number}", "x")
    reading, writing = os.pipe()
    os.close(reading)
    environ = {**cli.environ, "PYTHONUNBUFFERED": "1"}
    command = cli.command("cp", "-r", "data", bucket.uri("d/"), *words)
    done = subprocess.run(command, cwd=cli.folder, env=environ, stdout=writing, stderr=subprocess.PIPE, check=False)
    os.close(writing)

    assert (done.returncode, done.stderr) == (141, b"")


def test_the_rate_is_kept(cli: Any, bucket: Bucket) -> None:
    """`--limit-rate` bounds the bytes per second."""
    for number in range(3):
        cli.write(f"data/{number}", "x" * MIB)

    assert cli("cp", "-r", "data", bucket.uri("d/"), "--limit-rate", "4MiB", "--json").json()["seconds"] >= 0.5

    begin = time.monotonic()
    assert cli("cp", "-", bucket.uri("k"), "--limit-rate", "2MiB", stdin="x" * MIB).code == 0
    assert time.monotonic() - begin >= 0.375  # all but the last quarter


def test_links(cli: Any, bucket: Bucket) -> None:
    """Links are followed, or left out on request."""
    cli.write("data/a", "A")
    (cli.folder / "data/link").symlink_to("a")

    cli("cp", "-r", "data", bucket.uri("with/"))
    cli("cp", "-r", "--no-follow-symlinks", "data", bucket.uri("without/"))
    assert bucket.keys == ["with/a", "with/link", "without/a"]


def test_jobs_and_places_have_one_command(cli: Any, bucket: Bucket) -> None:
    """`rm` tells a job's reference from a place; one call is for one kind."""
    bucket.put(a="A")
    name = cli.job("print('hello')")

    mixed = cli("rm", "-y", name, bucket.uri("a"))
    assert (mixed.code, "cannot be removed together" in mixed.err) == (2, True)
    assert cli("rm", "-y", f"local://localhost/{name}").err == f"anyfit: removed {name}\n"
    assert cli("rm", bucket.uri("a"), "--json").json() == {"deleted": 1, "bytes": 1, "failures": [], "dry_run": False}
    assert bucket.keys == []


def test_what_a_job_left_is_downloaded_once(cli: Any, bucket: Bucket) -> None:
    """Results in a store come in parallel, with the profile's keys; a second time nothing is fetched."""
    script = """
        import os, pathlib
        model = pathlib.Path(os.environ["SM_MODEL_DIR"])
        (model / "deep").mkdir()
        (model / "w.txt").write_text("w")
        (model / "deep/v.txt").write_text("v")
        """
    name = cli.job(script, "--set", f"output_path={bucket.uri('out')}")
    bucket.put(**{f"out__{name}__model__later": "not the job's"})

    folder = cli.folder / cli("download", name, "--kind", "model").out.strip()
    fetched = bucket.count("GetObject")
    again = cli("download", name, "--kind", "model")

    assert sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()) == [
        "model.tar.gz", "model/deep/v.txt", "model/w.txt",
    ]  # fmt: skip
    assert again.code == 0
    assert bucket.count("GetObject") == fetched == 3


def test_a_download_that_is_interrupted(cli: Any, bucket: Bucket) -> None:
    """It says in one line that the same command goes on; and so it does."""
    script = """
        import os, pathlib
        (pathlib.Path(os.environ["SM_MODEL_DIR"]) / "w").write_bytes(bytes(20 << 20))
        """
    name = cli.job(script, "--set", f"output_path={bucket.uri('out')}")
    before = bucket.count("GetObject")
    bucket.server.faults = "error=503:1,only=GetObject"
    with cli.start("download", name) as process:
        while bucket.count("GetObject") == before:
            assert process.poll() is None
        process.send_signal(signal.SIGINT)
        out, err = process.communicate()
    bucket.server.faults = ""

    assert (process.returncode, out) == (130, "")
    assert err == "anyfit: interrupted; the same command goes on with what is left\n"
    assert (cli.folder / cli("download", name).out.strip() / "model/w").stat().st_size == 20 << 20


def on_terminal(cli: Any, *words: str, **environ: str) -> str:
    """Run a command whose stderr is a terminal; answers what was drawn there."""
    ours, theirs = pty.openpty()
    kept = {name: text for name, text in cli.environ.items() if name not in ("CI", "NO_COLOR")}
    with subprocess.Popen(
        cli.command(*words), cwd=cli.folder, env=kept | environ, stdout=subprocess.DEVNULL, stderr=theirs
    ) as process:
        os.close(theirs)
        drawn = b""
        with contextlib.suppress(OSError):  # Linux's way to say that the other side is closed
            while piece := os.read(ours, 65536):
                drawn += piece
        os.close(ours)
    assert process.returncode == 0
    return drawn.decode()


def test_progress(cli: Any, bucket: Bucket) -> None:
    """On a terminal a line tells bytes, files, rate and what is left; it goes away, and was never there elsewhere."""
    for number in range(4):
        cli.write(f"data/{number}", "x" * MIB)
    words = ("cp", "-r", "data", bucket.uri("d/"), "--limit-rate", "8MiB")

    drawn = on_terminal(cli, *words)
    assert re.search(r"\r[\d.]+ MB of [\d.]+ MB\+?, \d of 4\+? files, [\d.]+ MB/s", drawn), drawn
    assert re.search(r"\r +\ranyfit: 4 copied \(4.2 MB\) in [\d.]+ s\r\n$", drawn), drawn
    assert "\r" not in on_terminal(cli, *words, "--quiet")
    assert on_terminal(cli, *words, NO_COLOR="1").count("\r") == 1
    assert cli(*words).err.startswith("anyfit: 4 copied")


def test_progress_of_a_removal(cli: Any, bucket: Bucket) -> None:
    """It is a line, too, that goes away."""
    bucket.put(**{f"d__{n}": "x" for n in range(1001)})
    bucket.server.faults = "latency=120ms"

    assert "\r" not in on_terminal(cli, "rm", "-rq", bucket.uri("d/"), "--dry-run")
    drawn = on_terminal(cli, "rm", "-r", bucket.uri("d/"))
    assert re.search(r"\r1000 of 1001 deleted \(1.0 KB\)", drawn), drawn
    assert re.search(r"\r +\ranyfit: 1001 deleted \(1.0 KB\)\r\n$", drawn), drawn
    assert bucket.keys == []
