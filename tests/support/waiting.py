"""Waiting for what happens by itself, and how long that took, on machines that have more to do."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

_SECONDS = 60.0
_SHORTEST = 0.01
_PRESSURES = [Path("/proc/pressure", what) for what in ("cpu", "io", "memory")]


def until(look: Callable[[], Any], good: Callable[[Any], bool]) -> Any:
    """Look until what is seen is good; answers that.

    Most of the time it does not look: what is waited for may need the processors.
    """
    deadline = time.monotonic() + _SECONDS
    began = time.monotonic()
    while not good(seen := look()):
        now = time.monotonic()
        assert now < deadline, seen
        time.sleep(max(_SHORTEST, 3 * (now - began)))
        began = time.monotonic()
    return seen


@contextmanager
def within(seconds: float) -> Iterator[None]:
    """What is done takes less than that, but for the time in which the machine kept somebody waiting."""
    began, hindered = time.monotonic(), hindrance()
    yield
    spent = time.monotonic() - began
    assert spent - (hindrance() - hindered) < seconds, f"{spent:.2f} s"


def hindrance() -> float:
    """A clock that goes while programs of this machine wait for processors, disks or memory.

    Where the system does not tell that, it goes all the time.
    """
    try:
        return sum(map(_waited, _PRESSURES))
    except OSError:
        return time.monotonic()


def _waited(path: Path) -> float:
    some = path.read_text().splitlines()[0]
    return int(some.rpartition("total=")[2]) / 1e6
