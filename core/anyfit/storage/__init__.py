"""Storage: every URI, one transfer engine.

    from anyfit.storage import Uri, open_store, sync

    report = sync("./data", "s3://bucket/data/", settings=StoreSettings(endpoint="http://127.0.0.1:9000", ...))

Importing this package imports no client library; those come with the store that needs them.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from anyfit.storage.store import Bucket, DeleteFailure, Entry, Page, Part, Reader, Store
from anyfit.storage.uri import Uri, parse_vendor

if TYPE_CHECKING:
    from anyfit.storage.browse import list_buckets
    from anyfit.storage.file import FileStore
    from anyfit.storage.filters import exclude, include
    from anyfit.storage.opening import open_store, register_scheme
    from anyfit.storage.options import Action, Failure, Options, Progress, Report
    from anyfit.storage.settings import StoreSettings
    from anyfit.storage.transfer import copy_tree, sync, transfer

__all__ = [
    "Action",
    "Bucket",
    "DeleteFailure",
    "Entry",
    "Failure",
    "FileStore",
    "Options",
    "Page",
    "Part",
    "Progress",
    "Reader",
    "Report",
    "Store",
    "StoreSettings",
    "Uri",
    "copy_tree",
    "exclude",
    "include",
    "list_buckets",
    "open_store",
    "parse_vendor",
    "register_scheme",
    "sync",
    "transfer",
]

_LAZY = {
    **dict.fromkeys(("Action", "Failure", "Options", "Progress", "Report"), "anyfit.storage.options"),
    **dict.fromkeys(("copy_tree", "sync", "transfer"), "anyfit.storage.transfer"),
    **dict.fromkeys(("exclude", "include"), "anyfit.storage.filters"),
    "FileStore": "anyfit.storage.file",
    "StoreSettings": "anyfit.storage.settings",
    "list_buckets": "anyfit.storage.browse",
    "open_store": "anyfit.storage.opening",
    "register_scheme": "anyfit.storage.opening",
}


def __getattr__(name: str) -> Any:
    if name in _LAZY:
        return getattr(import_module(_LAZY[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
