"""Code archives that lie in a store."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from anyfit.backend import Backend

__all__ = ["bring_archive", "is_remote"]


def is_remote(source: str) -> bool:
    """Whether a source is a URI of a store, and neither a path nor a git repository."""
    from anyfit.code.git import parse_git

    return "://" in source and not source.startswith("file://") and parse_git(source) is None


def bring_archive(backend: Backend, source: str, folder: Path, *, digest: str = "") -> Path:
    """The archive that lies at a URI, on this machine.

    It is fetched anew each time, for it may have changed; one whose digest is known already is fetched once.
    """
    from anyfit.storage import Uri
    from anyfit.storage.atomic import write_atomically

    uri = Uri.parse(source)
    name = f"{digest}.tar.gz" if digest else f"{hashlib.sha256(source.encode()).hexdigest()[:16]}-{uri.name}"
    path = folder / name
    if digest and path.exists():
        path.touch()  # in use, see `anyfit.code.pruning`
    else:
        folder.mkdir(parents=True, exist_ok=True)
        write_atomically(path, backend.store(uri).read(uri.key))
    return path
