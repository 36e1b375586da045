"""Storage: every URI, one transfer engine.

    from anyfit.storage import Uri, open_store, sync

    report = sync("./data", "s3://bucket/data/", settings=StoreSettings(endpoint="http://127.0.0.1:9000", ...))

Importing this package imports no client library; those come with the store that needs them.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from anyfit.storage.store import DeleteFailure, Entry, Page, Part, Reader, Store
from anyfit.storage.uri import Uri, parse_vendor

if TYPE_CHECKING:
    from anyfit.storage.file import FileStore
    from anyfit.storage.opening import open_store, register_scheme
    from anyfit.storage.settings import StoreSettings

__all__ = [
    "DeleteFailure",
    "Entry",
    "FileStore",
    "Page",
    "Part",
    "Reader",
    "Store",
    "StoreSettings",
    "Uri",
    "open_store",
    "parse_vendor",
    "register_scheme",
]

_LAZY = {
    "FileStore": "anyfit.storage.file",
    "StoreSettings": "anyfit.storage.settings",
    "open_store": "anyfit.storage.opening",
    "register_scheme": "anyfit.storage.opening",
}


def __getattr__(name: str) -> Any:
    if name in _LAZY:
        return getattr(import_module(_LAZY[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
