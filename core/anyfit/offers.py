"""The catalogs of backends, kept on disk for as long as a backend says that they stay true."""

from __future__ import annotations

import hashlib
from contextlib import suppress
from datetime import datetime, timedelta, timezone
from pathlib import Path

from attrs import evolve

from anyfit.backend import Backend, Catalog

__all__ = ["catalog_of", "kept_catalog", "read_shipped"]


def catalog_of(home: Path, backend: Backend, *, refresh: bool = False) -> Catalog:
    """What the backend offers: as kept, or asked anew where nothing is kept, it is too old, or `refresh` says so."""
    kept = None if refresh else kept_catalog(home, backend)
    if kept is not None:
        return kept
    catalog = backend.catalog()
    if backend.capabilities.catalog_seconds:
        catalog = evolve(catalog, as_of=catalog.as_of or datetime.now(timezone.utc))
        _keep(_path(home, backend), catalog)
    return catalog


def read_shipped(package: str) -> Catalog:
    """The file `catalog.json` of a backend's package, the text form of a Catalog."""
    from importlib.resources import files

    from anyfit.codec import loads

    return loads(Catalog, (files(package) / "catalog.json").read_text(encoding="utf-8"))


def kept_catalog(home: Path, backend: Backend) -> Catalog | None:
    """The catalog on disk, if there is one and it is young enough."""
    longest = backend.capabilities.catalog_seconds
    if not longest:
        return None
    from anyfit.codec import loads

    try:
        catalog = loads(Catalog, _path(home, backend).read_text(encoding="utf-8"))
    except Exception:  # whatever is wrong with the file, the backend can be asked
        return None
    if catalog.as_of is None or datetime.now(timezone.utc) - catalog.as_of > timedelta(seconds=longest):
        return None
    return catalog


def _path(home: Path, backend: Backend) -> Path:
    digest = hashlib.sha256(backend.catalog_place.encode()).hexdigest()
    return home / backend.name / "catalogs" / f"{digest[:24]}.json"


def _keep(path: Path, catalog: Catalog) -> None:
    from anyfit.codec import dumps
    from anyfit.errors import StorageError
    from anyfit.storage.atomic import write_atomically

    with suppress(OSError, StorageError):
        write_atomically(path, dumps(catalog).encode())
