"""Models kept on this machine: a folder per version, which appears whole or not at all."""

from __future__ import annotations

import json
import os
import re
import shutil
import tarfile
import tempfile
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from anyfit.backend import ModelInfo, ModelRef
from anyfit.codec import from_data, to_data
from anyfit.errors import Conflict, NotFound, ServiceError, SpecError
from anyfit.spec import ModelSpec
from anyfit_local.layout import REGION, Home, child, id_here
from anyfit_local.places import local_path
from anyfit_local.states import when
from anyfit_local.supervise.collecting import files_below
from anyfit_local.supervise.records import read_record
from anyfit_local.unpacking import unpack

if TYPE_CHECKING:
    from anyfit.storage.places import Open

__all__ = ["delete", "every_model", "model_folder", "register", "spec_of"]

_VERSION = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}")


def register(spec: ModelSpec, home: Home, open: Open) -> ModelRef:
    """Copy the model, which `open` gives the store of, and its code; an empty version counts on."""
    family = child(home.models, spec.name)
    if spec.version:
        _ = child(family, spec.version)
    if spec.version and not _VERSION.fullmatch(spec.version):
        raise SpecError(
            f"model_version: {spec.version!r} is no valid version",
            hint="versions here are letters, digits, '.', '_' and '-', with a letter or digit first",
        )
    family.mkdir(parents=True, exist_ok=True, mode=0o700)
    prepared = Path(tempfile.mkdtemp(prefix=".new-", dir=family))
    try:
        _fill(prepared, spec, open)
        version = _settle(prepared, family, spec.version)
    except OSError as fault:
        raise ServiceError(
            f"model {spec.name!r} could not be saved: {fault.filename or family}: {fault.strerror}", backend="local"
        ) from fault
    finally:
        shutil.rmtree(prepared, ignore_errors=True)
    return ModelRef("local", REGION, f"{spec.name}/{version}")


def every_model(home: Home, name: str = "") -> list[ModelInfo]:
    """All versions, or those of one name, newest first."""
    found = sorted(_records(home, name), key=lambda item: int(item[2]["created"]), reverse=True)
    return [
        ModelInfo(
            ref=ModelRef("local", REGION, f"{family}/{version}"),
            name=family,
            version=version,
            created_at=when(record["created"]),
            job=record["spec"].get("job", ""),
        )
        for family, version, record in found
    ]


def model_folder(home: Home, ref: ModelRef) -> Path:
    """The folder of a version; `NotFound` when there is none."""
    name, _, version = id_here(ref).partition("/")
    folder = child(child(home.models, name), version)
    if not (folder / "model.json").exists():
        raise NotFound(
            f"there is no model {ref.id!r} on this machine", hint="anyfit models lists them", backend="local"
        )
    return folder


def spec_of(folder: Path) -> ModelSpec:
    """What was registered."""
    record = json.loads((folder / "model.json").read_text(encoding="utf-8"))
    return from_data(ModelSpec, record["spec"])


def delete(home: Home, ref: ModelRef) -> None:
    """Remove a version; endpoints that serve it have it in memory and go on until they start anew."""
    _ = id_here(ref)
    try:
        folder = model_folder(home, ref)
    except NotFound:
        return
    gone = folder.with_name(f".gone-{uuid4().hex}")
    with suppress(FileNotFoundError):
        folder.rename(gone)
    shutil.rmtree(gone, ignore_errors=True)
    with suppress(OSError):
        folder.parent.rmdir()  # unless other versions are in it


def _fill(prepared: Path, spec: ModelSpec, open: Open) -> None:
    (prepared / "model").mkdir()
    (prepared / "code").mkdir()
    _bring(spec.artifact, prepared / "model", open)
    if spec.code is not None:
        unpack(Path(spec.code.archive), prepared / "code")
    record = {"created": time.time_ns(), "spec": to_data(spec)}
    (prepared / "model.json").write_text(json.dumps(record, ensure_ascii=False), encoding="utf-8")


def _bring(artifact: str, folder: Path, open: Open) -> None:
    source = local_path(artifact, "artifact")
    if source is None:
        from anyfit_local.moving import move

        move("get", artifact, str(folder), open)
    elif source.is_dir():
        for name, path in files_below(str(source)):
            target = folder / name
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(path, target)
    elif source.is_file():
        _bring_file(source, folder)
    else:
        raise SpecError(f"artifact: {source} does not exist", hint="name the folder that holds the model's files")


def _bring_file(source: Path, folder: Path) -> None:
    if source.name.endswith((".tar.gz", ".tgz", ".tar")) and tarfile.is_tarfile(source):
        unpack(source, folder)
    else:
        shutil.copy(source, folder)


def _settle(prepared: Path, family: Path, version: str) -> str:
    """Give the folder its version; when several count at once, each gets its own number."""
    while True:
        wanted = version or _next_version(family)
        try:
            prepared.rename(family / wanted)
            return wanted
        except OSError:
            if not (family / wanted).is_dir():
                raise
        if version:
            raise Conflict(
                f"model_version: there is already a version {version!r} of model {family.name!r}",
                hint="leave the version out to count on",
                backend="local",
            )


def _next_version(family: Path) -> str:
    taken = (int(name) for name in os.listdir(family) if name.isdigit())  # noqa: PTH208
    return str(max(taken, default=0) + 1)


def _records(home: Home, name: str) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path in _families(home, name):
        version = path.parent.name
        record = read_record(str(path))
        if record is not None and not version.startswith("."):
            yield path.parent.parent.name, version, record


def _families(home: Home, name: str) -> Iterator[Path]:
    """The records of every model, or of the one of exactly this name."""
    if not name:
        return home.models.glob("*/*/model.json")
    try:
        return child(home.models, name).glob("*/model.json")
    except NotFound:  # it cannot be the name of a model
        return iter(())
