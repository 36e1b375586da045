"""Code bundles, unpacked so that nothing can land outside of the folder."""

from __future__ import annotations

import os
import shutil
import tarfile
from pathlib import Path

from anyfit.errors import ServiceError

__all__ = ["unpack"]


def unpack(archive: Path, folder: Path) -> None:
    """Unpack files and folders; anything else in the archive, or a name that leads out, is refused."""
    try:
        with tarfile.open(archive) as tar:
            for entry in tar:
                _unpack_one(tar, entry, folder, archive)
    except (tarfile.TarError, EOFError) as fault:
        raise ServiceError(f"the code bundle {archive} is damaged: {fault}", backend="local") from fault
    except OSError as fault:
        raise ServiceError(f"the code bundle {archive} cannot be unpacked: {fault}", backend="local") from fault


def _unpack_one(tar: tarfile.TarFile, entry: tarfile.TarInfo, folder: Path, archive: Path) -> None:
    parts = entry.name.split("/")
    if entry.name.startswith("/") or ".." in parts or not (entry.isreg() or entry.isdir()):
        raise ServiceError(f"the code bundle {archive} holds {entry.name!r}, which is not safe", backend="local")
    target = folder.joinpath(*parts)
    if entry.isdir():
        target.mkdir(parents=True, exist_ok=True)
        return
    source = tar.extractfile(entry)
    if source is None:
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    with source, target.open("xb") as stream:
        shutil.copyfileobj(source, stream)
        if entry.mode & 0o100:
            os.fchmod(stream.fileno(), 0o755)
