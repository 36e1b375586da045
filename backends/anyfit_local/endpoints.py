"""Endpoints as the client sees them: their servers are detached processes, known by their folders."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from uuid import uuid4

import anyfit
from anyfit.backend import (
    Catalog,
    EndpointRef,
    EndpointState,
    EndpointStatus,
    LogPage,
    ModelRef,
    Payload,
)
from anyfit.catalog import choose
from anyfit.codec import from_data, to_data
from anyfit.errors import Conflict, NotFound, PredictionError, ServiceError, SpecError, UsageError
from anyfit.spec import EndpointSpec, Variant
from anyfit_local.layout import REGION, Home, child
from anyfit_local.logbook import read_page
from anyfit_local.models import model_folder, spec_of
from anyfit_local.settings import Settings
from anyfit_local.states import when
from anyfit_local.supervise.daemon import CONFLICT
from anyfit_local.supervise.processes import boot_id, kill_all, started, unmarked
from anyfit_local.supervise.records import is_locked, read_record, take_lock, write_record

__all__ = [
    "delete",
    "deploy",
    "every_endpoint",
    "existing",
    "find",
    "invoke",
    "logs",
    "start",
    "state",
    "stop",
    "update",
]

_SERVER = Path(__file__).with_name("server.py")
_WORKER = Path(__file__).with_name("serving") / "worker.py"
_INFERENCE = Path(anyfit.__file__).parent / "launch" / "anyfit_inference.py"
_STOP_SECONDS = 60.0
_MARGIN_SECONDS = 30.0


def existing(home: Home, ref: EndpointRef) -> Path:
    """The endpoint's folder; `NotFound` when there is none."""
    folder = child(home.endpoints, ref.id)
    if not (folder / "endpoint.json").exists():
        raise NotFound(
            f"there is no endpoint {ref.id!r} on this machine", hint="anyfit endpoints lists them", backend="local"
        )
    return folder


def find(home: Home, name: str) -> EndpointRef | None:
    """The endpoint of that name, or None."""
    ref = EndpointRef("local", REGION, name)
    try:
        existing(home, ref)
    except NotFound:
        return None
    return ref


def every_endpoint(home: Home) -> list[EndpointRef]:
    """All endpoints, by name."""
    names = sorted(path.parent.name for path in home.endpoints.glob("*/endpoint.json"))
    return [EndpointRef("local", REGION, name) for name in names if not name.startswith(".")]


def deploy(spec: EndpointSpec, home: Home, settings: Settings, catalog: Catalog) -> EndpointRef:
    """Start a server for the models; returns once it is on its own."""
    folder = child(home.endpoints, spec.name)
    plan = _plan(spec, folder, home, settings, catalog) | {"generation": 1, "created": time.time_ns()}
    if folder.exists():
        raise _conflict(spec.name)
    home.endpoints.mkdir(parents=True, exist_ok=True, mode=0o700)
    prepared = Path(tempfile.mkdtemp(prefix=".new-", dir=home.endpoints))
    try:
        write_record(str(prepared / "endpoint.json"), plan)
        if _run_server(prepared) == CONFLICT:
            raise _conflict(spec.name)
    finally:
        shutil.rmtree(prepared, ignore_errors=True)  # the server has renamed it if all went well
    return EndpointRef("local", REGION, spec.name)


def state(folder: Path) -> EndpointState:
    """How the endpoint is, also when its server was killed."""
    record = _record(folder)
    plan = read_record(str(folder / "endpoint.json"))
    if record is None or plan is None:
        return EndpointState(status=EndpointStatus.UNKNOWN, reason="it was deleted meanwhile")
    status = EndpointStatus(record["status"])
    port = record.get("port")
    return EndpointState(
        status=status,
        native=record["status"],
        reason=record["reason"],
        url=_url(plan["host"], port) if port else "",
        spec=from_data(EndpointSpec, plan["spec"]),
        created_at=when(plan["created"]),
    )


def update(folder: Path, spec: EndpointSpec, home: Home, settings: Settings, catalog: Catalog) -> None:
    """Serve something else; returns when the new models answer, and raises, the old ones going on, if they cannot."""
    with _alone(folder):
        former = read_record(str(folder / "endpoint.json")) or {}
        if spec.name != folder.name:
            raise SpecError(f"name: endpoint {folder.name!r} cannot become {spec.name!r}")
        plan = _plan(spec, folder, home, settings, catalog)
        plan |= {"generation": former["generation"] + 1, "created": former["created"]}
        while state(folder).status == EndpointStatus.CREATING:
            time.sleep(0.01)
        write_record(str(folder / "endpoint.json"), plan)
        if state(folder).status == EndpointStatus.READY:
            _signal(folder, signal.SIGUSR1)
            _await_generation(folder, plan["generation"])


def start(folder: Path) -> None:
    """Serve again; waits for a server that is just stopping."""
    record = _record(folder) or {}
    if record["status"] == "STOPPING":
        _await_end(folder)
    if is_locked(str(folder / "server.lock")):
        return
    _run_server(folder)  # a conflict means that somebody else has started it


def stop(folder: Path) -> None:
    """Finish the requests under way and stop; returns when it is done."""
    if is_locked(str(folder / "server.lock")):
        _signal(folder, signal.SIGTERM)
        _await_end(folder)
    record = _record(folder)
    if record is not None and record["status"] == "FAILED":
        write_record(str(folder / "status.json"), record | {"status": "STOPPED", "reason": ""})


def delete(home: Home, ref: EndpointRef) -> None:
    """Stop and remove the endpoint, not its models."""
    try:
        folder = existing(home, ref)
    except NotFound:
        return
    stop(folder)
    gone = folder.with_name(f".gone-{uuid4().hex}")
    with suppress(FileNotFoundError):
        folder.rename(gone)
    shutil.rmtree(gone, ignore_errors=True)


def logs(folder: Path, cursor: str) -> LogPage:
    """What the server and its handlers said."""
    over = not is_locked(str(folder / "server.lock"))
    return read_page([folder / "server.log"], cursor, over=over)


def invoke(folder: Path, payload: Payload) -> Payload:
    """One request over the loopback, past all proxies."""
    from http.client import HTTPConnection, HTTPException

    record, plan = _record(folder), read_record(str(folder / "endpoint.json"))
    if record is None or plan is None or record["status"] not in ("READY", "UPDATING"):
        raise _not_serving(folder, record)
    connection = HTTPConnection(
        _reachable(plan["host"]), record["port"], timeout=2 * plan["request_seconds"] + _MARGIN_SECONDS
    )
    headers = {"Content-Type": payload.content_type, "Accept": payload.accept}
    try:
        connection.request("POST", "/invocations", payload.body, headers)
        answer = connection.getresponse()
        body = answer.read()
    except (OSError, HTTPException) as fault:
        raise ServiceError(
            f"endpoint {folder.name!r} did not answer: {type(fault).__name__}: {fault}",
            hint=f"see its log: anyfit endpoints logs {folder.name}",
            backend="local",
        ) from fault
    finally:
        connection.close()
    if answer.status >= 400:
        raise _refusal(folder.name, answer.status, body)
    return Payload(body, answer.getheader("Content-Type", "application/octet-stream"), payload.accept)


# What it serves


def _plan(spec: EndpointSpec, folder: Path, home: Home, settings: Settings, catalog: Catalog) -> dict[str, Any]:
    if not spec.variants:
        raise SpecError("variants: there is nothing to serve")
    if not any(variant.weight > 0 for variant in spec.variants) or any(v.weight < 0 for v in spec.variants):
        raise SpecError("variants: weights must be 0 or more, and one of them more than 0")
    return {
        "folder": str(folder),
        "name": spec.name,
        "spec": to_data(spec),
        "host": settings.host,
        "request_seconds": settings.request_seconds,
        "max_request_bytes": settings.max_request_mib << 20,
        "variants": [_variant(variant, home, settings, catalog) for variant in spec.variants],
    }


def _variant(variant: Variant, home: Home, settings: Settings, catalog: Catalog) -> dict[str, Any]:
    ref = ModelRef.parse(variant.model)
    folder = model_folder(home, ref)
    model = spec_of(folder)
    if variant.instance_count < 1:
        raise SpecError(f"instance_count: {variant.instance_count} is too few", hint="it is 1 or more")
    choose(variant.instance_type, catalog.offerings, task="serve")
    places = {"MODEL_DIR": str(folder / "model"), "CODE_DIR": str(folder / "code")}
    environment = {"PYTHONUNBUFFERED": "1", "ANYFIT_JOB_BACKEND": "local", "ANYFIT_MODEL": ref.id}
    environment |= {f"ANYFIT_{name}": path for name, path in places.items()}
    environment |= {"SM_MODEL_DIR": places["MODEL_DIR"], **model.environment, **variant.environment}
    return {
        "model": ref.id,
        "weight": variant.weight,
        "workers": variant.instance_count,
        "environment": environment,
        "argv": [
            settings.python or sys.executable,
            str(_WORKER),
            str(_INFERENCE),
            str(folder / "code"),
            str(folder / "model"),
            model.entry_point or "inference.py",
        ],
    }


# Its server


def _run_server(folder: Path) -> int:
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


def _record(folder: Path) -> dict[str, Any] | None:
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


def _signal(folder: Path, number: int) -> None:
    pid, since = (read_record(str(folder / "status.json")) or {}).get("server", (0, ""))
    if pid and started(pid) == since:
        with suppress(ProcessLookupError):
            os.kill(pid, number)


def _await_end(folder: Path) -> None:
    deadline = time.monotonic() + _STOP_SECONDS
    while is_locked(str(folder / "server.lock")):
        if time.monotonic() > deadline:
            kill_all(str(folder), [])
        time.sleep(0.01)


def _await_generation(folder: Path, generation: int) -> None:
    while True:
        record = _record(folder) or {}
        if record.get("generation") == generation:
            return
        if record.get("refused") == generation:
            raise ServiceError(f"endpoint {folder.name!r}: {record['reason']}", backend="local")
        if record.get("status") not in ("READY", "UPDATING"):
            raise ServiceError(f"endpoint {folder.name!r} ended while it was updated", backend="local")
        time.sleep(0.01)


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Several clients change one endpoint one after the other."""
    while (lock := take_lock(str(folder / "change.lock"))) is None:
        time.sleep(0.01)
    try:
        yield
    finally:
        os.close(lock)


# Its words


def _conflict(name: str) -> Conflict:
    return Conflict(
        f"endpoint_name: there is already an endpoint {name!r} on this machine",
        hint=f"choose another name, or delete it: anyfit endpoints delete {name}",
        backend="local",
    )


def _not_serving(folder: Path, record: dict[str, Any] | None) -> ServiceError:
    status = record["status"] if record else "gone"
    reason = f": {record['reason']}" if record and record["reason"] else ""
    hint = "" if status == "CREATING" else f"start it: anyfit endpoints start {folder.name}"
    return ServiceError(f"endpoint {folder.name!r} is {status}{reason}", hint=hint, backend="local")


def _refusal(name: str, status: int, body: bytes) -> PredictionError:
    try:
        error = json.loads(body)["error"]
        message = f"{error['type']}: {error['message']}"
        where = f" ({error['where']})" if error.get("where") else ""
    except (ValueError, KeyError, TypeError):
        message, where = body.decode("utf-8", "replace")[:1000], ""
    whose = "refused the payload" if status < 500 else "failed on the payload"
    hint = "" if status < 500 else f"see its log: anyfit endpoints logs {name}"
    return PredictionError(
        f"endpoint {name!r} {whose} ({status}): {message}{where}", status=str(status), hint=hint, backend="local"
    )


def _reachable(host: str) -> str:
    return {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104


def _url(host: str, port: int) -> str:
    shown = _reachable(host)
    return f"http://[{shown}]:{port}" if ":" in shown else f"http://{shown}:{port}"
