"""For all tests: how many run at once, what property tests try, what processes inherit, and what many tests ask for."""

from __future__ import annotations

import logging
import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from anyfit.backend import Backend
from anyfit.testing import Bench
from scripted import Pauses

pytest.register_assert_rewrite("cloudcontract", "configured", "emulated", "pythons", "waiting")
settings.register_profile(
    "anyfit",
    max_examples=50,
    deadline=None,
    database=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("anyfit")

os.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # tests start many processes, which would all compile the same files
os.environ["OMP_NUM_THREADS"] = "1"  # NumPy's threads, one for each processor, would wait for each other by spinning
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # in the background of a script; what tests start is not there
    signal.signal(signal.SIGINT, signal.default_int_handler)
if signal.getsignal(signal.SIGHUP) is signal.SIG_IGN:  # under nohup, likewise
    signal.signal(signal.SIGHUP, signal.SIG_DFL)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """With `-n auto` two tests for each processor: most of their time they wait for processes of theirs."""
    return 2 * (os.cpu_count() or 1)


@pytest.fixture
def pauses() -> Pauses:
    """The pauses that a client made."""
    return Pauses()


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Callable[[Backend], Bench]]:
    """Makes benches to run scripts on a backend."""
    made: list[Bench] = []

    def make(backend: Backend) -> Bench:
        made.append(Bench(backend, tmp_path / f"bench-{len(made)}"))
        return made[-1]

    yield make
    for each in made:
        each.close()


@pytest.fixture
def requests_made(caplog: pytest.LogCaptureFixture) -> Callable[[], list[str]]:
    """The API calls so far, as `METHOD URL status ...`."""
    caplog.set_level(logging.DEBUG, "anyfit.http")
    return lambda: [record.getMessage() for record in caplog.records if record.name == "anyfit.http"]
