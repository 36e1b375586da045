"""Half-written files: those that nobody will go on with are removed, and no others."""

from __future__ import annotations

import fcntl
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from anyfit.storage import FileStore
from anyfit.storage.halves import KEPT_DAYS, clear_halves, half_of, is_half, tagged_half_of

_LATER = (KEPT_DAYS + 1) * 86400
_WRITE = """
import signal, sys
from anyfit.storage import FileStore
file = FileStore(sys.argv[1]).create("f")
print(file.path.name, flush=True)
signal.pause()
"""


def _halves(directory: Path) -> list[str]:
    return sorted(path.name for path in directory.iterdir() if is_half(path.name))


@pytest.mark.skipif(not Path("/proc/self/ns/pid").is_symlink(), reason="only Linux tells which kernel runs")
def test_what_a_killed_process_was_writing_is_removed_by_the_next_that_writes_there(tmp_path: Path) -> None:
    """What a living one writes stays."""
    started = [
        subprocess.Popen([sys.executable, "-c", _WRITE, str(tmp_path)], stdout=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    try:
        names = [process.stdout.readline().strip() for process in started if process.stdout]
        assert _halves(tmp_path) == sorted(names)
        started[0].send_signal(signal.SIGKILL)
        started[0].wait()
        FileStore(tmp_path).put("deep/g", b"x")
        assert _halves(tmp_path) == sorted(names)
        FileStore(tmp_path).put("g", b"x")
        assert _halves(tmp_path) == names[1:]
    finally:
        for process in started:
            process.kill()
            process.communicate()


def test_what_nobody_went_on_with_is_forgotten(tmp_path: Path) -> None:
    """Whoever writes from another machine, or will go on, has two weeks for it; who holds the file has longer."""
    target = tmp_path / "f"
    kept, resumable, held = half_of(target), tagged_half_of(target, "a1" * 12), tagged_half_of(target, "b2" * 12)
    foreign = target.with_name(f".anyfit-{'0' * 8}-{os.getpid()}-{'c3' * 8}.part")
    old = target.with_name(f".anyfit-{'d4' * 8}.part")
    for path in (kept, resumable, held, foreign, old):
        path.touch()
        os.utime(path, (0, 0))  # the time of a source, just before the file is put in its place
    pipe = target.with_name(".anyfit-pipe.part")
    os.mkfifo(pipe)
    (tmp_path / ".anyfit-dir.part").mkdir()
    with held.open("r+b") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        clear_halves(tmp_path, time.time())
        assert len(_halves(tmp_path)) == 7
        clear_halves(tmp_path, time.time() + _LATER)

    assert _halves(tmp_path) == sorted([held.name, ".anyfit-dir.part", pipe.name])


def test_a_disk_without_locks_forgets_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """There nobody can tell whether somebody still writes."""

    def unknown(*_: object) -> None:
        raise OSError

    monkeypatch.setattr(fcntl, "flock", unknown)
    half = tagged_half_of(tmp_path / "f", "a1" * 12)
    half.touch()
    clear_halves(tmp_path, time.time() + _LATER)

    assert half.exists()
