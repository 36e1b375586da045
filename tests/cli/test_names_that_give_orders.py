"""Whoever may write to a bucket names objects as they like: no line is broken by it, and no terminal obeys."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from anyfit.storage import StoreSettings, Uri, open_store
from anyfit_emulator import ObjectStoreServer
from terminal import on_terminal

NAME = "a\nanyfit: error: b\r\x1b]0;title\x07\u009b31m\u202ec"
IN_A_PIPE = "a\\nanyfit: error: b\\r\x1b]0;title\x07\u009b31m\u202ec"
ON_A_TERMINAL = "a\\nanyfit: error: b\\r\\u001b]0;title\\u0007\\u009b31m\\u202ec"
ORDERS = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202e]|\r(?!\n)")
OUR_OWN = re.compile("\r *\r|\r\x1b\\[K|\r[0-9][^\r]*")  # the line of the progress


@pytest.fixture
def place(cli: Any, tmp_path: Path) -> Iterator[str]:
    """A directory of a bucket that holds an object with such a name."""
    with ObjectStoreServer(tmp_path / "objects") as server:
        values: dict[str, Any] = {
            "endpoint": server.s3_endpoint,
            "access_key": server.access_key,
            "secret_key": server.secret_key,
        }
        lines = "".join(f'{name} = "{text}"\n' for name, text in values.items())
        cli.write("anyfit.toml", f"[storage.s3]\n{lines}").chmod(0o600)
        store = open_store(Uri("s3", server.bucket), StoreSettings(**values))
        store.put(f"d/{NAME}", b"x")
        store.close()
        yield f"s3://{server.bucket}/d/"


COMMANDS = {
    "ls": ["ls", "{d}"],
    "ls -r": ["ls", "-r", "{d}"],
    "rm --dry-run": ["rm", "-r", "--dry-run", "{d}"],
    "cp --dry-run": ["cp", "-r", "--dry-run", "{d}", "into"],
    "cp -v": ["cp", "-rv", "{d}", "into"],
    "sync -v": ["sync", "-v", "--compare", "always", "{d}", "into"],
    "du": ["du", "{d}{n}"],
}
REFUSED = {
    "no object": ["cat", "{d}{n}/x"],
    "no directory": ["rm", "{d}{n}/x", "{d}{n}/"],
    "nothing fits": ["ls", "{d}{n}*?"],
    "a directory": ["presign", "{d}{n}/"],
    "no file": ["cp", "{n}", "{d}"],
    "no such object to copy": ["cp", "{d}{n}/y", "into"],
    "a failure": ["cp", "-r", "{d}", "link"],
}


def _words(case: list[str], place: str) -> list[str]:
    return [word.replace("{d}", place).replace("{n}", NAME) for word in case]


@pytest.mark.parametrize("case", COMMANDS)
def test_results(cli: Any, place: str, case: str) -> None:
    """In a pipe a name is as it is, but takes one line; on a terminal it is only shown."""
    words = _words(COMMANDS[case], place)
    piped = cli(*words)
    code, drawn = on_terminal(cli, *words)

    assert (piped.code, code) == (0, 0)
    assert IN_A_PIPE.split("\\r")[0] in piped.out
    assert piped.out.count("\n") == 1
    assert ON_A_TERMINAL in drawn
    assert not ORDERS.search(OUR_OWN.sub("", drawn)), drawn


@pytest.mark.parametrize("case", REFUSED)
def test_errors(cli: Any, place: str, case: str) -> None:
    """What cannot be done is told without giving the name a line of its own."""
    (cli.folder / "link").mkdir()
    (cli.folder / "link" / NAME).mkdir()
    words = _words(REFUSED[case], place)
    piped = cli(*words)
    code, drawn = on_terminal(cli, *words)

    assert piped.code == code != 0
    assert "\nanyfit: error: b" not in piped.err
    assert "\\n" in piped.err and "\\n" in drawn
    assert not ORDERS.search(OUR_OWN.sub("", drawn)), drawn


def test_json_is_exact(cli: Any, place: str) -> None:
    """In a pipe and on a terminal."""
    assert json.loads(cli("ls", "--json", place).out)["name"] == NAME
    _, drawn = on_terminal(cli, "ls", "--json", place)
    assert json.loads(drawn)["name"] == NAME
    assert not ORDERS.search(drawn)
    _, drawn = on_terminal(cli, "rm", "-r", "--dry-run", "--json", place)
    assert json.loads(drawn)["actions"][0]["target"] == f"{place}{NAME}"
    assert not ORDERS.search(drawn)
