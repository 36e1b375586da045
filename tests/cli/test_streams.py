"""Streams that cannot be written to are told of in a line, and are no reason for a traceback."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

DEVICE_FULL = "/dev/full"


@pytest.mark.skipif(not Path(DEVICE_FULL).exists(), reason="this system has no /dev/full")
@pytest.mark.parametrize("command", ["jobs", "version", "--help"])
def test_no_room_for_what_is_printed(cli: Any, command: str) -> None:
    """A full disk behind stdout is exit code 4."""
    with Path(DEVICE_FULL).open("w") as full:
        done = subprocess.run(
            cli.command(command), env=cli.environ, cwd=cli.folder, stdout=full, stderr=subprocess.PIPE, text=True
        )

    assert done.returncode == 4
    assert "cannot write" in done.stderr and "Traceback" not in done.stderr


def test_no_stdout_at_all(cli: Any) -> None:
    """Started without stdout, a command does its work in silence."""
    words = " ".join(f"'{word}'" for word in cli.command("jobs"))
    done = subprocess.run(["sh", "-c", f"{words} >&-"], env=cli.environ, cwd=cli.folder, capture_output=True, text=True)

    assert (done.returncode, "Traceback" in done.stderr) == (0, False)


@pytest.mark.parametrize("words", [["status", "nobody"], ["jobs"], ["nonsense"]])
def test_nobody_reads_stderr(cli: Any, words: list[str]) -> None:
    """Talk and errors that nobody reads any more, as in `2>&1 | head`, end a command as results do."""
    ours, theirs = os.pipe()
    os.close(ours)
    with os.fdopen(theirs, "w") as closed:
        done = subprocess.run(
            cli.command(*words), env=cli.environ, cwd=cli.folder, stdout=subprocess.PIPE, stderr=closed, text=True
        )

    assert done.returncode == 141
