"""From a plan to a running job: a folder made ready under a passing name, and a supervisor that takes it over.

The supervisor gives the folder its name, so a client killed at any instruction leaves either no job or a
supervised one, and of two clients with one name exactly one wins.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from anyfit.backend import JobRef, Plan
from anyfit.codec import dumps
from anyfit.errors import Conflict, ServiceError, SpecError
from anyfit.launch import launcher_path
from anyfit.secret import resolved
from anyfit_local.layout import REGION, Home, JobFolder
from anyfit_local.moving import arguments
from anyfit_local.places import local_path
from anyfit_local.supervise.daemon import CONFLICT
from anyfit_local.supervise.processes import unmarked
from anyfit_local.supervise.records import write_record
from anyfit_local.supervise.status import fresh
from anyfit_local.unpacking import unpack
from anyfit_local.worlds import make_worlds

__all__ = ["submit"]

_SUPERVISOR = Path(__file__).with_name("supervisor.py")
_MOVER = Path(__file__).with_name("mover.py")
_STALE_SECONDS = 86400


def submit(plan: Plan, home: Home, profile: str | None) -> JobRef:
    """Start the planned job; returns as soon as its supervisor is on its own.

    Data of other machines is moved with the store settings of `profile`; None is the configured one.
    """
    body = plan.requests[0].body
    folder = home.job(plan.spec.key)
    if folder.path.exists():
        raise _conflict(plan.spec.key)
    _check_python(body["python"])
    output = _output_folder(plan)
    _check_keys(plan, profile)
    try:
        home.jobs.mkdir(parents=True, exist_ok=True, mode=0o700)
        _sweep(home.jobs)
        with _passing_folder(home.jobs) as prepared:
            _fill(prepared, plan, folder, output, profile)
            _start(prepared, plan.spec.key, resolved(plan.spec.secrets))
    except OSError as fault:
        raise ServiceError(
            f"job {plan.spec.key!r} could not be started: {fault.filename or home.jobs}: {fault.strerror}",
            backend="local",
        ) from fault
    return JobRef("local", REGION, plan.spec.key)


@contextmanager
def _passing_folder(jobs: Path) -> Iterator[Path]:
    prepared = Path(tempfile.mkdtemp(prefix=".new-", dir=jobs))
    try:
        yield prepared
    finally:
        shutil.rmtree(prepared, ignore_errors=True)  # the supervisor has renamed it if all went well


def _fill(prepared: Path, plan: Plan, folder: JobFolder, output: str, profile: str | None) -> None:
    body, spec = plan.requests[0].body, plan.spec
    for name in ("code", "logs", "input/data", "model", "output/data"):
        (prepared / name).mkdir(parents=True)
    if spec.code is not None:
        unpack(Path(spec.code.archive), prepared / "code")  # where it was packed, which is on this machine
    fetch = _link_inputs(prepared, plan, folder)
    fetch += _link_checkpoints(prepared, plan, folder)
    run = {
        "folder": str(folder.path),
        "launch": [body["python"], "-I", "-S", str(launcher_path()), str(folder.path / "launch.json")],
        "worlds": make_worlds(body),
        "max_run": body["max_run"],
        "grace_seconds": body["grace_seconds"],
        "stall_seconds": body["stall_seconds"],
        "fetch": fetch,
        "mover": [sys.executable, str(_MOVER), *arguments(Path.cwd(), profile)],
        "output_folder": output,
        "output_uri": "" if output else _elsewhere(spec.output_path, "output_path", spec.key),
        "checkpoint_uri": _elsewhere(spec.checkpoint_path, "checkpoint_path"),
    }
    (prepared / "launch.json").write_text(json.dumps(body["job"], ensure_ascii=False), encoding="utf-8")
    (prepared / "job.json").write_text(dumps(spec), encoding="utf-8")
    write_record(str(prepared / "run.json"), run)
    write_record(str(prepared / "status.json"), fresh())


def _start(prepared: Path, key: str, secrets: Mapping[str, str]) -> None:
    """Secrets are handed from process to process, and never lie in a file."""
    log = prepared / "supervisor.log"
    with log.open("wb") as said:
        command = [sys.executable, "-I", "-S", str(_SUPERVISOR), str(prepared)]
        code = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            stdout=said,
            stderr=said,
            env={**unmarked(os.environ), **secrets},
            start_new_session=True,
            check=False,
        ).returncode
    if code == CONFLICT:
        raise _conflict(key)
    if code:
        words = log.read_text(encoding="utf-8", errors="replace").strip().splitlines() or [f"exit code {code}"]
        raise ServiceError(f"the supervisor of job {key!r} could not start: {words[-1]}", backend="local")


def _conflict(key: str) -> Conflict:
    return Conflict(
        f"job_name: there is already a job {key!r} on this machine",
        hint=f"choose another name, or remove it: anyfit rm {key}",
        backend="local",
    )


def _check_python(python: str) -> None:
    if not os.access(python, os.X_OK) or not Path(python).is_absolute():
        raise SpecError(f"local.python: {python} is no program", hint="write the interpreter's absolute path")


def _output_folder(plan: Plan) -> str:
    """Where results go, made sure now that they can, rather than after hours of training."""
    spec = plan.spec
    path = local_path(spec.output_path, "output_path") if spec.output_path else None
    if path is None:
        return ""
    _make_writable(path, "output_path")
    return str(path / spec.key)


def _check_keys(plan: Plan, profile: str | None) -> None:
    """Refuse a store that nobody has keys for, before a job has run for it; what its service thinks, the job finds."""
    from anyfit.stage import is_there
    from anyfit.storage.uri import Uri
    from anyfit.stores import Stores, profile_store

    with Stores(partial(profile_store, profile)) as stores:
        for field in ("output_path", "checkpoint_path"):
            if uri := _elsewhere(getattr(plan.spec, field), field):
                is_there(stores, Uri.parse(uri), field)


def _make_writable(path: Path, field: str) -> None:
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as fault:
        raise SpecError(f"{field}: {path} cannot be made: {fault.strerror}") from fault
    if not os.access(path, os.W_OK | os.X_OK):
        raise SpecError(f"{field}: {path} is not writable", hint="choose another folder, or change its permissions")


def _link_inputs(prepared: Path, plan: Plan, folder: JobFolder) -> list[dict[str, str]]:
    """Link what lies on this machine; answers what is to be fetched."""
    fetch = []
    for name, channel in plan.spec.inputs.items():
        link = prepared / "input" / "data" / name
        path = local_path(channel.uri, f"inputs.{name}")
        if path is None:
            target = str(folder.path / "input" / "data" / name)
            fetch.append({"what": f"inputs.{name}", "uri": channel.uri, "path": target})
            continue
        if not path.exists():
            raise SpecError(f"inputs.{name}: {path} does not exist")
        if not path.is_dir():
            link.mkdir()
            link = link / path.name
        link.symlink_to(path)
    return fetch


def _link_checkpoints(prepared: Path, plan: Plan, folder: JobFolder) -> list[dict[str, str]]:
    """A local folder is used in place: what a script saves there survives whatever happens to the job."""
    uri = plan.spec.checkpoint_path
    place = prepared / "checkpoints"
    path = local_path(uri, "checkpoint_path") if uri else None
    if path is not None:
        _make_writable(path, "checkpoint_path")
        place.symlink_to(path)
        return []
    place.mkdir()
    return [{"what": "checkpoint_path", "uri": uri, "path": str(folder.path / "checkpoints")}] if uri else []


def _elsewhere(uri: str, field: str, *below: str) -> str:
    """The URI when it is not of this machine, else ""."""
    if not uri or local_path(uri, field) is not None:
        return ""
    return "/".join([uri.rstrip("/"), *below])


def _sweep(jobs: Path) -> None:
    """Remove what clients that were killed long ago had begun."""
    with os.scandir(jobs) as entries:
        for entry in entries:
            if entry.name.startswith(".") and _age(entry) > _STALE_SECONDS:
                shutil.rmtree(entry.path, ignore_errors=True)


def _age(entry: os.DirEntry[str]) -> float:
    """Seconds since it was changed; 0 for what another client has renamed or removed meanwhile."""
    try:
        return time.time() - entry.stat(follow_symlinks=False).st_mtime
    except FileNotFoundError:
        return 0.0
