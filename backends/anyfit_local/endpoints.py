"""Endpoints as the client sees them: their servers are detached processes, known by their folders."""

from __future__ import annotations

import os
import shutil
import signal
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from uuid import uuid4

from anyfit.backend import (
    Catalog,
    EndpointRef,
    EndpointState,
    EndpointStatus,
    LogPage,
    Named,
    Payload,
)
from anyfit.codec import from_data
from anyfit.errors import Conflict, NotFound, ServiceError, SpecError
from anyfit.refusal import prediction_error
from anyfit.spec import EndpointSpec
from anyfit_local.layout import REGION, Home, child, id_here
from anyfit_local.logbook import read_page
from anyfit_local.served import make_endpoint_plan
from anyfit_local.servers import await_end, await_generation, run_server, server_record, signal_server, start_server
from anyfit_local.settings import Settings
from anyfit_local.states import when
from anyfit_local.supervise.daemon import CONFLICT
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

_MARGIN_SECONDS = 30.0


def existing(home: Home, ref: EndpointRef) -> Path:
    """The endpoint's folder; `NotFound` when there is none."""
    folder = child(home.endpoints, id_here(ref))
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


def every_endpoint(home: Home) -> list[Named[EndpointRef]]:
    """All endpoints, by name."""
    names = sorted(path.parent.name for path in home.endpoints.glob("*/endpoint.json"))
    return [Named(name, EndpointRef("local", REGION, name)) for name in names if not name.startswith(".")]


def deploy(spec: EndpointSpec, home: Home, settings: Settings, catalog: Catalog) -> EndpointRef:
    """Start a server for the models; returns once it is on its own."""
    folder = child(home.endpoints, spec.name)
    plan = make_endpoint_plan(spec, folder, home, settings, catalog) | {"generation": 1, "created": time.time_ns()}
    if folder.exists():
        raise _conflict(spec.name)
    home.endpoints.mkdir(parents=True, exist_ok=True, mode=0o700)
    prepared = Path(tempfile.mkdtemp(prefix=".new-", dir=home.endpoints))
    try:
        write_record(str(prepared / "endpoint.json"), plan)
        if run_server(prepared) == CONFLICT:
            raise _conflict(spec.name)
    finally:
        shutil.rmtree(prepared, ignore_errors=True)  # the server has renamed it if all went well
    return EndpointRef("local", REGION, spec.name)


def state(folder: Path) -> EndpointState:
    """How the endpoint is, also when its server was killed."""
    record = server_record(folder)
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
            raise SpecError(f"name: endpoint {folder.name} cannot become {spec.name!r}")
        plan = make_endpoint_plan(spec, folder, home, settings, catalog)
        plan |= {"generation": former["generation"] + 1, "created": former["created"]}
        while state(folder).status == EndpointStatus.CREATING:
            time.sleep(0.01)
        write_record(str(folder / "endpoint.json"), plan)
        if state(folder).status == EndpointStatus.READY:
            signal_server(folder, signal.SIGUSR1)
            await_generation(folder, plan["generation"])


def start(folder: Path) -> None:
    """Serve again; waits for a server that is just stopping."""
    if (server_record(folder) or {}).get("status") == "STOPPING":
        await_end(folder)
    start_server(folder)


def stop(folder: Path) -> None:
    """Finish the requests under way and stop; returns when it is done."""
    if is_locked(str(folder / "server.lock")):
        signal_server(folder, signal.SIGTERM)
        await_end(folder)
    record = server_record(folder)
    if record is not None and record["status"] == "FAILED":
        write_record(str(folder / "status.json"), record | {"status": "STOPPED", "reason": ""})


def delete(home: Home, ref: EndpointRef) -> None:
    """Stop and remove the endpoint, not its models."""
    _ = id_here(ref)
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

    record, plan = server_record(folder), read_record(str(folder / "endpoint.json"))
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
            f"endpoint {folder.name} did not answer: {type(fault).__name__}: {fault}",
            hint=f"see its log: anyfit endpoints logs {folder.name}",
            backend="local",
        ) from fault
    finally:
        connection.close()
    if answer.status >= 400:
        hint = f"see its log: anyfit endpoints logs {folder.name}"
        raise prediction_error(folder.name, answer.status, body, backend="local", log_hint=hint)
    return Payload(body, answer.getheader("Content-Type", "application/octet-stream"), payload.accept)


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Several clients change one endpoint one after the other."""
    while (lock := take_lock(str(folder / "change.lock"))) is None:
        time.sleep(0.01)
    try:
        yield
    finally:
        os.close(lock)


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
    return ServiceError(f"endpoint {folder.name} is {status}{reason}", hint=hint, backend="local")


def _reachable(host: str) -> str:
    return {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104


def _url(host: str, port: int) -> str:
    shown = _reachable(host)
    return f"http://[{shown}]:{port}" if ":" in shown else f"http://{shown}:{port}"
