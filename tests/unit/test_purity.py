"""Looks at the outside are seen, whatever way they take; pure computation is not taken for one."""

from __future__ import annotations

import datetime
import os
import random
import re
import socket
import sqlite3
import subprocess
import tempfile
import threading
import time
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from anyfit.testing.purity import looks_outside

OUTSIDE: dict[str, Callable[[], Any]] = {
    "time.time": time.time,
    "time.monotonic_ns": time.monotonic_ns,
    "time.sleep": lambda: time.sleep(0),
    "datetime.now": lambda: datetime.datetime.now(datetime.timezone.utc),
    "date.today": lambda: datetime.date.today(),
    "os.stat": lambda: Path("/").exists(),
    "os.getcwd": lambda: Path("a").absolute(),
    "os.listdir": lambda: os.listdir("/"),  # noqa: PTH208
    "os.urandom": uuid.uuid4,
    "open": lambda: open(os.devnull).close(),  # noqa: PTH123
    "random.random": random.random,
    "random.getrandbits": lambda: random.choice([1, 2]),
    "socket.getaddrinfo": lambda: socket.getaddrinfo("127.0.0.1", 1),
    "_posixsubprocess.fork_exec": lambda: subprocess.run(["true"], check=True),
    "sqlite3.connect": lambda: sqlite3.connect(":memory:").close(),
    "_thread.start": lambda: threading.Thread(target=int).start(),
    "os.mkdir": lambda: Path(tempfile.mkdtemp()).rmdir(),
}
PURE: list[Callable[[], Any]] = [
    lambda: sum(range(10)),
    lambda: re.sub("a", "b", "aa"),
    lambda: Path("/a") / "b" / ".." / "c",
    lambda: Path("/a/b").as_uri(),
    lambda: os.path.normpath("a/../b"),
    lambda: os.path.abspath("/a/b"),  # noqa: PTH100
    lambda: datetime.datetime(2026, 11, 21).isoformat(),
    lambda: random.Random,
    lambda: os.environ.get("HOME"),
    lambda: __import__("anyfit.storage.uri"),
]


@pytest.mark.parametrize("name", OUTSIDE)
def test_outside(name: str) -> None:
    """Each look is named with the place in the code."""
    with looks_outside() as seen:
        OUTSIDE[name]()

    assert any(look.lstrip("_").startswith(name.lstrip("_")) for look in seen), seen


@pytest.mark.parametrize("compute", PURE)
def test_pure(compute: Callable[[], Any]) -> None:
    """Who only computes, or imports something, is left in peace."""
    with looks_outside() as seen:
        compute()

    assert seen == []


def test_afterwards() -> None:
    """After the block nobody watches any more."""
    with looks_outside() as seen:
        pass
    time.time()

    assert seen == []
