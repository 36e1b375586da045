"""A backend's stores: the cloud's own with the session's keys, all others as the profile has them."""

from __future__ import annotations

from collections.abc import Callable
from threading import Lock
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from anyfit.storage import Store, Uri
    from anyfit.storage.settings import StoreSettings

__all__ = ["RenewingKeys", "Stores"]


class RenewingKeys:
    """The keys of an object store: those that are kept, and when they no longer do, new ones.

    Args:
        ask: Answers the keys; its argument says whether those that are kept will not do.
    """

    def __init__(self, ask: Callable[[bool], StoreSettings]) -> None:
        self._ask = ask
        self._asked = False

    def __call__(self) -> StoreSettings:
        settings = self._ask(self._asked)
        self._asked = True
        return settings


class Stores:
    """One store for each bucket, made when it is first asked for.

    Args:
        scheme: Of the cloud's own store.
        keys: Answers the keys that it is opened with, anew each time that they have expired.
    """

    def __init__(self, scheme: str, keys: Callable[[], Callable[[], StoreSettings]]) -> None:
        self._scheme = scheme
        self._keys = keys
        self._open: dict[str, Store] = {}
        self._lock = Lock()

    def of(self, uri: Uri, profile: str | None) -> Store:
        """The store of a place."""
        from anyfit.storage import open_store
        from anyfit.stores import profile_store

        if uri.scheme != self._scheme:
            return profile_store(profile, uri)
        with self._lock:
            if uri.bucket not in self._open:
                self._open[uri.bucket] = open_store(uri, self._keys())
            return self._open[uri.bucket]

    def close(self) -> None:
        """Close them; asked again, new ones are made."""
        with self._lock:
            stores, self._open = list(self._open.values()), {}
        for store in stores:
            store.close()
