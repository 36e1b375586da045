"""The AWS command line and s5cmd, unchanged, as processes."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from anyfit_emulator import ObjectStoreServer

Run = Callable[..., str]
Contents = Callable[[Path], dict[str, bytes]]


def tool(name: str) -> str:
    """A program that is installed beside this Python, which need not be on the path."""
    found = shutil.which(name, path=os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")]))
    assert found, f"{name} is not installed"
    return found


@pytest.fixture
def run(environment: dict[str, str]) -> Run:
    """Runs a tool that has to succeed; answers what it printed."""

    def call(name: str, *words: str | Path) -> str:
        command = [tool(name), *words]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout

    return call


def test_aws_copies_and_syncs(
    run: Run, server: ObjectStoreServer, tree: Path, tmp_path: Path, contents_of: Contents
) -> None:
    """`aws s3` cp, sync, ls, rm and mv; a second sync moves nothing."""
    bucket = f"s3://{server.bucket}"
    run("aws", "s3", "sync", tree, f"{bucket}/t")
    server.requests.clear()
    run("aws", "s3", "sync", tree, f"{bucket}/t")
    assert set(server.requests.counts) == {"ListObjectsV2"}
    run("aws", "s3", "cp", "--recursive", f"{bucket}/t", tmp_path / "down")
    run("aws", "s3", "cp", f"{bucket}/t/big.bin", f"{bucket}/copy")
    run("aws", "s3", "mv", f"{bucket}/copy", f"{bucket}/moved")
    listed = run("aws", "s3", "ls", "--recursive", bucket)

    assert contents_of(tmp_path / "down") == contents_of(tree)
    assert contents_of(server.data_dir / server.bucket / "t") == contents_of(tree)
    assert "数据%.txt" in listed
    run("aws", "s3", "rm", "--recursive", bucket)
    assert run("aws", "s3", "ls", bucket) == ""
    run("aws", "s3", "mb", "s3://another")
    run("aws", "s3", "rb", "s3://another")


def test_s5cmd_copies_and_syncs(
    run: Run, server: ObjectStoreServer, tree: Path, tmp_path: Path, contents_of: Contents
) -> None:
    """`s5cmd` cp, sync, ls, cat, du and rm; a second sync moves nothing."""
    bucket = f"s3://{server.bucket}"
    run("s5cmd", "cp", "--part-size", "5", f"{tree}/", f"{bucket}/t/")
    server.requests.clear()
    run("s5cmd", "sync", "--size-only", f"{tree}/", f"{bucket}/t/")
    assert "PutObject" not in server.requests.counts
    run("s5cmd", "cp", f"{bucket}/t/*", f"{tmp_path}/down/")
    run("s5cmd", "cp", f"{bucket}/t/big.bin", f"{bucket}/copy")

    assert contents_of(tmp_path / "down") == contents_of(tree)
    assert contents_of(server.data_dir / server.bucket / "t") == contents_of(tree)
    assert "数据%.txt" in run("s5cmd", "ls", f"{bucket}/t/*")
    assert run("s5cmd", "cat", f"{bucket}/t/a b/c+d") == "22"
    run("s5cmd", "cp", f"{bucket}/t/a b/*", f"{bucket}/a b/")
    assert run("s5cmd", "cat", f"{bucket}/a b/c+d") == "22"
    run("s5cmd", "du", f"{bucket}/*")
    run("s5cmd", "rm", f"{bucket}/*")
    assert run("s5cmd", "ls") != ""
    assert contents_of(server.data_dir / server.bucket) == {}


def test_wrong_keys_are_told(environment: dict[str, str], server: ObjectStoreServer) -> None:
    """Both tools show the service's word."""
    wrong = environment | {"AWS_SECRET_ACCESS_KEY": "wrong"}
    for command in (["aws", "s3", "ls"], ["s5cmd", "ls"]):
        words = [tool(command[0]), *command[1:]]
        done = subprocess.run(words, env=wrong, capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode != 0
        assert "SignatureDoesNotMatch" in done.stderr
