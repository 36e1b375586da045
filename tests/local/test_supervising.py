"""What a supervisor does with processes, however late the machine lets it."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from anyfit_local.supervise import usage
from anyfit_local.supervise.daemon import spawn
from anyfit_local.supervise.usage import Meter


@pytest.fixture
def handled() -> Iterator[signal.Signals]:
    """A signal that this process has a handler for, as supervisors have."""
    before = signal.signal(signal.SIGTERM, lambda *_: None)
    yield signal.SIGTERM
    signal.signal(signal.SIGTERM, before)


def test_a_signal_before_a_program_has_begun_ends_it(
    handled: signal.Signals, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is not taken by the handlers that the new process has from its parent until then."""
    begin = os.fork

    def fork() -> int:
        pid = begin()
        os.kill(pid or os.getpid(), handled)
        return pid

    monkeypatch.setattr(os, "fork", fork)
    output = os.open(tmp_path / "output", os.O_WRONLY | os.O_CREAT)
    pid = spawn(["/bin/sh", "-c", "echo begun"], {}, str(tmp_path), output)
    os.close(output)

    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == -handled
    assert (tmp_path / "output").read_text() == ""


class Clock:
    """Time that passes when it is told to."""

    def __init__(self) -> None:
        self.now = 0.0

    def monotonic(self) -> float:
        return self.now

    def process_time(self) -> float:
        return 0.0

    def time_ns(self) -> int:
        return int(self.now * 1e9)


def test_a_look_that_waits_for_a_processor_is_neither_dear_nor_wrong(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The next one comes in time, and nothing is said to be busier than it can be."""
    clock = Clock()

    def measure(roots: object) -> tuple[float, int]:
        clock.now += 0.4
        return clock.now, 1 << 20  # busy from the beginning

    monkeypatch.setattr(usage, "time", clock)
    monkeypatch.setattr(usage, "measure", measure)
    meter = Meter(str(tmp_path / "usage.txt"), 0.0)
    for _ in range(3):
        clock.now += meter.wait()
        meter.look([1])

        assert meter.wait() <= 1.0
    rows = [row.split() for row in (tmp_path / "usage.txt").read_text().splitlines()]
    assert len(rows) == 3
    assert all(50 < float(percent) <= 100 for _, percent, _ in rows)
