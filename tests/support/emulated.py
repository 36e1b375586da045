"""The emulators as the program that users start."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

_SECONDS = 60


@contextmanager
def emulated(name: str, folder: Path, *arguments: str) -> Iterator[tuple[subprocess.Popen[bytes], dict[str, Any]]]:
    """An emulator that is ready, and what a client needs to be pointed at it; `output.txt` is what it prints."""
    ready = folder / "ready.json"
    ready.unlink(missing_ok=True)
    command = [sys.executable, "-m", "anyfit_emulator", name, "--ready-file", str(ready), *arguments]
    with (folder / "output.txt").open("wb") as output, subprocess.Popen(command, stdout=output) as process:
        try:
            deadline = time.monotonic() + _SECONDS
            while not ready.exists():
                assert process.poll() is None, "the emulator has ended"
                assert time.monotonic() < deadline
                time.sleep(0.01)
            yield process, json.loads(ready.read_text())[name]
        finally:
            _end(process)


def _end(process: subprocess.Popen[bytes]) -> None:
    """Let it end its jobs first, which it does within three seconds; one that does not is killed."""
    process.terminate()
    try:
        process.wait(_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
