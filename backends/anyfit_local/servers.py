"""The server processes of endpoints: started, signalled, waited for, and missed when they are gone."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from anyfit.errors import ServiceError, UsageError
from anyfit_local.supervise.daemon import CONFLICT
from anyfit_local.supervise.processes import boot_id, kill_all, started, unmarked
from anyfit_local.supervise.records import is_locked, read_record, take_lock, write_record

__all__ = ["await_end", "await_generation", "run_server", "server_record", "signal_server", "start_server"]

_SERVER = Path(__file__).with_name("server.py")
_STOP_SECONDS = 60.0
_ATTEMPTS = 3


def run_server(folder: Path) -> int:
    """Start a server for a folder; answers 0, or CONFLICT when its name or its lock is taken."""
    if find_spec("uvicorn") is None:
        raise UsageError(
            "serving a model needs uvicorn, which is not installed", hint="pip install 'anyfit[serve]'", backend="local"
        )
    with (folder / "server.log").open("ab") as said:
        done = subprocess.run(
            [sys.executable, str(_SERVER), str(folder)],
            stdin=subprocess.DEVNULL,
            stdout=said,
            stderr=said,
            env=unmarked(os.environ),
            start_new_session=True,
            check=False,
        )
    if done.returncode not in (0, CONFLICT):
        words = (folder / "server.log").read_text(encoding="utf-8", errors="replace").strip().splitlines()
        raise ServiceError(f"the server could not start: {(words or ['no reason given'])[-1]}", backend="local")
    return done.returncode


def start_server(folder: Path) -> None:
    """Start a server for an endpoint, unless one runs.

    A lock that is taken proves nothing: others hold it for a moment, to ask or to write down that a server was killed.
    """
    for _ in range(_ATTEMPTS):
        if _is_serving(folder) or run_server(folder) != CONFLICT:
            return
    raise ServiceError(f"endpoint {folder.name} could not be started", hint="try again later", backend="local")


def _is_serving(folder: Path) -> bool:
    record = read_record(str(folder / "status.json")) or {}
    pid, since = record.get("server", (0, ""))
    ended = record.get("status") in ("STOPPED", "FAILED")
    return not ended and bool(pid) and started(pid) == since and is_locked(str(folder / "server.lock"))


def server_record(folder: Path) -> dict[str, Any] | None:
    """The server's own word, unless it can no longer speak for itself."""
    path, lock_path = str(folder / "status.json"), str(folder / "server.lock")
    record = read_record(path)
    if record is None or record["status"] in ("STOPPED", "FAILED") or is_locked(lock_path):
        return record
    lock = take_lock(lock_path)
    try:
        record = read_record(path)
        if record is None or record["status"] in ("STOPPED", "FAILED"):
            return record
        rebooted = record["boot_id"] != boot_id()
        reason = "the machine was restarted" if rebooted else "its server was killed"
        record |= {"status": "FAILED", "reason": f"{reason}; start it again: anyfit endpoints start {folder.name}"}
        if lock is not None:
            if not rebooted:
                kill_all(str(folder), [])
            write_record(path, record)
        return record
    finally:
        if lock is not None:
            os.close(lock)


def signal_server(folder: Path, number: int) -> None:
    """Send the server a signal, if it is still the one on record."""
    pid, since = (read_record(str(folder / "status.json")) or {}).get("server", (0, ""))
    if pid and started(pid) == since:
        with suppress(ProcessLookupError):
            os.kill(pid, number)


def await_end(folder: Path) -> None:
    """Wait until the server has ended, and lose patience in the end."""
    deadline = time.monotonic() + _STOP_SECONDS
    while is_locked(str(folder / "server.lock")):
        if time.monotonic() > deadline:
            kill_all(str(folder), [])
        time.sleep(0.01)


def await_generation(folder: Path, generation: int) -> None:
    """Wait until the server serves a generation; `ServiceError` when it refuses to."""
    while True:
        record = server_record(folder) or {}
        if record.get("generation") == generation:
            return
        if record.get("refused") == generation:
            raise ServiceError(f"endpoint {folder.name}: {record['reason']}", backend="local")
        if record.get("status") not in ("READY", "UPDATING"):
            raise ServiceError(f"endpoint {folder.name} ended while it was updated", backend="local")
        time.sleep(0.01)
