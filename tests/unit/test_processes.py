"""Whether the process that wrote something down still runs."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from anyfit.processes import alive, identity


def test_this_process() -> None:
    """This process is alive, under one identity for all its life."""
    assert identity() == identity(os.getpid()) != ""
    assert alive(identity())


def test_a_process_that_ended() -> None:
    """A process is alive until it has ended, and has no identity after that."""
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    owner = identity(child.pid)

    assert alive(owner)
    child.communicate(b"\n")
    assert not alive(owner)
    assert identity(child.pid) == ""


def test_a_number_used_again() -> None:
    """Another process under the same number is not taken for the one that was meant."""
    pid, _, started = identity().partition("@")

    assert not alive(f"{pid}@{started}0")
    assert not alive(f"1@{started}")


@pytest.mark.parametrize("owner", ["", "@", "me", "me@now", "12", "12@", "-1@x", "0@", "9" * 30 + "@x"])
def test_nonsense(owner: str) -> None:
    """What is no identity is nobody's."""
    assert not alive(owner)
