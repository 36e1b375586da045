"""Whatever is wrong with a place or its store is one clear message, a hint, and the right exit code."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from anyfit_emulator import ObjectStoreServer
from ports import deaf_port


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ObjectStoreServer]:
    """An object store with nothing in it."""
    with ObjectStoreServer(tmp_path_factory.mktemp("objects")) as running:
        yield running


def configure(cli: Any, server: ObjectStoreServer, **more: str) -> None:
    """Let the command line's folder reach the store."""
    for scheme in ("s3", "obs", "cos"):
        values = {
            "endpoint": server.cos_endpoint if scheme == "cos" else server.s3_endpoint,
            "region": "ap-guangzhou",
            "access_key": server.access_key,
            "secret_key": server.secret_key,
            **more,
        }
        for name, text in values.items():
            cli.environ[f"ANYFIT_STORAGE_{scheme.upper()}_{name.upper()}"] = text


CASES: dict[str, tuple[list[str], int, list[str]]] = {
    "unknown scheme": (["ls", "s4://b/k"], 2, ["s4://b/k: nobody knows the scheme 's4'", "hint: "]),
    "misspelt scheme": (["ls", "oobs://b/k"], 2, ["did you mean 'obs'?"]),
    "no bucket": (["cat", "s3://"], 2, ["'s3://' names no bucket", "hint: write s3://bucket/key"]),
    "recursive list of all buckets": (["ls", "-r", "s3://"], 2, ["s3:// stands for all buckets", "hint: list one"]),
    "no bucket as target": (["cp", "a.txt", "s3:///k"], 2, ["names no bucket"]),
    "bucket that is not there": (["ls", "s3://nobody/"], 102, ["NoSuchBucket", "hint: create the bucket first"]),
    "object that is not there": (["cat", "BUCKET/none"], 102, ["nothing at s3://", "hint: anyfit ls"]),
    "object to copy that is not there": (["cp", "BUCKET/none", "."], 102, ["nothing at s3://"]),
    "object to delete that is not there": (["rm", "BUCKET/none"], 102, ["nothing at s3://"]),
    "file that is not there": (["cp", "none", "BUCKET/k"], 102, ["none"]),
    "directory that is not there": (["du", "BUCKET/none/"], 102, ["nothing at s3://"]),
    "directory without -r": (["cp", "dir", "BUCKET/k"], 2, ["dir is a directory", "hint: add -r"]),
    "directory to print": (["cat", "BUCKET/"], 2, ["is a directory", "hint: name one object"]),
    "directory to presign": (["presign", "BUCKET/d/"], 2, ["is a directory"]),
    "directory to delete without -r": (["rm", "BUCKET/"], 2, ["is a directory", "--recursive"]),
    "file to delete": (["rm", "file:///tmp/x"], 2, ["is a file of this machine"]),
    "path to delete": (["rm", "-r", "dir"], 2, ["dir is no URI", "hint: write s3://bucket/key"]),
    "presigned file": (["presign", "a.txt"], 2, ["file: has no presigned URLs"]),
    "presigned for ever": (["presign", "BUCKET/k", "--expires", "8d"], 2, ["'8d' is no time from 1s to 7d"]),
    "into itself": (["sync", "dir", "dir/sub"], 2, ["dir/sub lies in /", "hint: choose a target outside"]),
    "delete with one object": (["sync", "--delete", "a.txt", "BUCKET/a.txt"], 2, ["is one object; delete needs"]),
    "stream to try": (["cp", "--dry-run", "-", "BUCKET/k"], 2, ["a stream cannot be tried", "hint: leave"]),
    "rate that is none": (["cp", "a.txt", "BUCKET/", "--limit-rate", "fast"], 2, ["cannot read 'fast'; write 500K"]),
    "no jobs": (["cp", "a.txt", "BUCKET/", "-j", "0"], 2, ["argument -j/--jobs: '0' is no number from 1 to 1000"]),
    "unknown way to compare": (["sync", "dir", "BUCKET/", "--compare", "mtime"], 2, ["invalid choice: 'mtime'"]),
    "stdin to a directory": (["cp", "-", "BUCKET/d/"], 2, ["is a directory", "hint: name the object"]),
    "stdin to stdout": (["cp", "-", "-"], 2, ["one of source and target can be -"]),
    "COS bucket without APPID": (["ls", "cos://bucket/"], 2, ["cos://bucket/ has no APPID", "hint: write cos://"]),
    "more jobs than threads": (["cp", "a.txt", "BUCKET/", "-j", "99999"], 2, ["'99999' is no number from 1 to 1000"]),
    "wildcards in a bucket's name": (
        ["ls", "s3://anyfit-*/k"],
        2,
        ["'anyfit-*' is no bucket's name", "hint: write s3:"],
    ),
    "version in a URI": (["ls", "obs://bucket?versionId=3"], 2, ["no bucket's name", "hint: write obs://bucket/key"]),
    "path to remove": (["rm", "./dir/b.txt"], 2, ["./dir/b.txt is neither a URI nor a job's name", "hint: write s3:"]),
    "directory onto a file": (["cp", "-r", "dir", "a.txt"], 2, ["a.txt is no directory", "hint: choose another"]),
    "below a file": (["cp", "dir/b.txt", "a.txt/b/c"], 2, ["a.txt is no directory", "hint: choose another target"]),
    "onto itself": (["sync", "dir", "./dir/"], 2, ["dir is both source and target", "hint: choose another target"]),
    "wildcards that fit nothing": (["cp", "dir/*.x", "BUCKET/"], 102, ["nothing at /", "/dir fits '*.x'"]),
    "short options of other tools": (["rm", "-rf", "BUCKET/d/"], 2, ["-r/--recursive: takes no value, and got 'f'"]),
    "key that leads out": (["cp", "-r", "BUCKET/../", "out"], 102, ["nothing at s3://"]),
    "unknown option": (["ls", "BUCKET/", "--recursiv"], 2, ["did you mean '--recursive'?"]),
}


@pytest.mark.parametrize("case", CASES)
def test_refused(cli: Any, server: ObjectStoreServer, case: str) -> None:
    """The message says what was wrong; nothing is printed on stdout, and no traceback."""
    words, code, expected = CASES[case]
    configure(cli, server)
    cli.write("a.txt", "A")
    cli.write("dir/b.txt", "B")
    done = cli(*(word.replace("BUCKET", f"s3://{server.bucket}") for word in words))

    assert (done.code, done.out) == (code, ""), done.err
    assert [each for each in expected if each not in done.err] == [], done.err
    assert done.err.startswith("anyfit: error: ") and "Traceback" not in done.err


@pytest.mark.parametrize("scheme", ["s3", "obs", "cos"])
@pytest.mark.parametrize("command", ["ls", "cp up", "cp down", "sync", "rm", "cat", "cp stdin"])
def test_wrong_keys(cli: Any, server: ObjectStoreServer, scheme: str, command: str) -> None:
    """Whatever is asked, wrong keys are exit code 3 and no secret is shown."""
    configure(cli, server, secret_key="wrong-secret")
    cli.write("a.txt", "A")
    place = f"{scheme}://{server.bucket}/a.txt"
    words = {
        "ls": ["ls", place], "cp up": ["cp", "a.txt", place], "cp down": ["cp", place, "b.txt"],
        "sync": ["sync", "a.txt", place], "rm": ["rm", place], "cat": ["cat", place], "cp stdin": ["cp", "-", place],
    }  # fmt: skip
    done = cli(*words[command])

    assert done.code == 3, done.err
    assert "SignatureDoesNotMatch" in done.err or "403: the keys are wrong, or may not do this" in done.err
    assert "hint: check access_key and secret_key" in done.err or "hint: the secret key does not fit" in done.err
    assert "wrong-secret" not in done.err + done.out


@pytest.mark.parametrize("scheme", ["obs", "cos"])
def test_no_keys(cli: Any, scheme: str) -> None:
    """Without keys nothing is asked, and the message says where to put them."""
    done = cli("ls", f"{scheme}://bucket-1250000000/")

    assert done.code == 3
    assert f"{scheme}://bucket-1250000000: no credentials" in done.err
    assert f"under [storage.{scheme}]" in done.err


def test_a_token_that_does_not_fit(cli: Any, server: ObjectStoreServer) -> None:
    """It is the token that is told, and not the keys."""
    configure(cli, server, session_token="T")
    done = cli("ls", f"s3://{server.bucket}/")

    assert done.code == 3
    assert "InvalidToken" in done.err and "hint: the session token does not go with the keys" in done.err


@pytest.mark.parametrize(("scheme", "region"), [("obs", "cn-north-4"), ("cos", "ap-guangzhou")])
def test_no_region(cli: Any, scheme: str, region: str) -> None:
    """A region cannot be guessed; the message says what one looks like."""
    for key in ("ACCESS_KEY", "SECRET_KEY"):
        cli.environ[f"ANYFIT_STORAGE_{scheme.upper()}_{key}"] = "x"
    done = cli("ls", f"{scheme}://bucket-1250000000/")

    assert done.code == 2
    assert "region is set" in done.err and f"hint: set region, such as {region}" in done.err


def test_nobody_listens(cli: Any, server: ObjectStoreServer) -> None:
    """A service that is not there is exit code 4."""
    with deaf_port() as port:
        configure(cli, server, endpoint=f"http://127.0.0.1:{port}")
        done = cli("ls", f"s3://{server.bucket}/")

    assert done.code == 4
    assert "cannot connect to 127.0.0.1" in done.err and "hint: check endpoint and network" in done.err


def test_nobody_listens_to_many_files(cli: Any, server: ObjectStoreServer) -> None:
    """What holds for all files is told once."""
    for number in range(20):
        cli.write(f"data/{number}", "x")
    cli.write("data/large", "x" * (9 << 20))
    with deaf_port() as port:
        configure(cli, server, endpoint=f"http://127.0.0.1:{port}")
        done = cli("cp", "-r", "data", f"s3://{server.bucket}/k/")

    assert done.code == 4
    assert done.err.startswith("anyfit: error: cannot connect to 127.0.0.1") and done.err.count("\n") == 2


def test_what_is_really_called_is_named(cli: Any, server: ObjectStoreServer) -> None:
    """COS is asked for a host that need not be where its endpoint is; when nobody is there, it is the endpoint."""
    with deaf_port() as port:
        endpoint = f"127.0.0.1:{port}"
        configure(cli, server, endpoint=f"http://{endpoint}")
        done = cli("ls", "cos://bucket-1250000000/")

    assert done.code == 4
    assert f"cannot connect to {endpoint} (for bucket-1250000000.cos.ap-guangzhou.myqcloud.com)" in done.err


@pytest.mark.parametrize("scheme", ["s3", "cos"])
def test_nothing_arrived(cli: Any, server: ObjectStoreServer, scheme: str) -> None:
    """A bucket that is not there is the same fault to writers as to readers; local names can be read."""
    configure(cli, server)
    cli.write("数据/训练.txt", "A")
    done = cli("cp", "-r", "数据", f"{scheme}://nobody-1250000000/k/")
    assert done.code == 102
    assert "NoSuchBucket" in done.err and "hint: create the bucket first" in done.err

    os.mkfifo(cli.folder / "数据" / "管道")
    done = cli("cp", "-r", "数据", f"{scheme}://{server.bucket}/k/")
    assert (done.code, done.err.count("what arrived stays")) == (4, 1)
    assert f"{cli.folder}/数据/管道: " in done.err
    (cli.folder / "数据" / "训练.txt").unlink()
    done = cli("cp", "-r", "数据", f"{scheme}://{server.bucket}/k/")
    assert (done.code, "what arrived stays" in done.err) == (4, False)


def test_as_json(cli: Any, server: ObjectStoreServer) -> None:
    """With --json an error is one object on stdout."""
    configure(cli, server)
    done = cli("du", "--json", f"s3://{server.bucket}/none/")

    assert (done.code, done.err) == (102, "")
    assert done.json()["error"] == "NotFound"


def test_the_kinds_of_errors_are_those_of_the_tree(cli: Any, server: ObjectStoreServer) -> None:
    """A program that reads --json gets to see no name that only we know."""
    server.add_credential("OLD", "SECRET", token="TOKEN", expires_in=0)
    configure(cli, server, access_key="OLD", secret_key="SECRET", session_token="TOKEN")
    ended = cli("ls", "--json", f"s3://{server.bucket}/")
    with deaf_port() as port:
        configure(cli, server, endpoint=f"http://127.0.0.1:{port}", session_token="")
        nobody = cli("ls", "--json", f"s3://{server.bucket}/")

    assert (ended.code, ended.json()["error"], ended.json()["status"]) == (3, "AuthError", "ExpiredToken")
    assert (nobody.code, nobody.json()["error"]) == (4, "StorageError")


def without(cli: Any, folder: Path, *modules: str) -> None:
    """Let modules be missing, as where their extra is not installed."""
    folder.mkdir()
    (folder / "sitecustomize.py").write_text(
        "import sys\n"
        "class Missing:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        f"        if name.partition('.')[0] in {modules!r}:\n"
        "            raise ModuleNotFoundError(f'No module named {name!r}', name=name)\n"
        "sys.meta_path.insert(0, Missing())\n"
    )
    cli.environ["PYTHONPATH"] = str(folder)


def test_missing_extras(cli: Any, server: ObjectStoreServer, tmp_path: Path) -> None:
    """What needs an extra says which; what does not works without."""
    without(cli, tmp_path / "site", "boto3", "botocore", "qcloud_cos", "httptools", "uvloop")
    configure(cli, server)
    place = f"//{server.bucket}/d/k"
    cli.write("a.txt", "A")

    for scheme, extra in (("s3", "s3"), ("obs", "s3"), ("cos", "cos")):
        done = cli("presign", f"{scheme}:{place}")
        assert (done.code, f"hint: pip install 'anyfit[{extra}]'\n" in done.err) == (2, True), done.err
        assert cli("cp", "a.txt", f"{scheme}:{place}").code == 0
        assert cli("cp", "a.txt", f"{scheme}:{place}2").code == 0
        assert cli("cp", f"{scheme}:{place}*", f"{scheme}://{server.bucket}/other/").code == 0
        cli.environ[f"ANYFIT_STORAGE_{scheme.upper()}_DIRECT"] = "false"
        inside = cli("cp", f"{scheme}:{place}*", f"{scheme}://{server.bucket}/other/")
        assert (inside.code, inside.err.count("not installed"), inside.err.count("\n")) == (2, 1, 2), inside.err
    done = cli("emulate", "storage")
    assert done.code == 2
    assert done.err.endswith("hint: pip install 'anyfit[emulate]'\n") and done.err.count("\n") == 2
