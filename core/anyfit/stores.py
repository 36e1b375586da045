"""From a URI to its store, as the configuration has it.

One rule for a scheme, the first that holds: files are files; its table `[storage.<scheme>]` (or its variables
`ANYFIT_STORAGE_<SCHEME>_...`) says how; the backend in force opens it, if its jobs use the scheme; it is opened
without settings, when s3 takes what boto3 finds.
"""

from __future__ import annotations

from collections.abc import Callable
from threading import Lock
from typing import TYPE_CHECKING

from anyfit.storage.opening import known_schemes, open_store
from anyfit.storage.store import Store
from anyfit.storage.uri import Uri

if TYPE_CHECKING:
    from typing_extensions import Self

    from anyfit.config import Config
    from anyfit.session import Session

__all__ = ["Stores", "configured_store", "profile_store", "store_of"]


def store_of(session: Session, uri: Uri | str) -> Store:
    """The store that holds `uri`, with the credentials of the session's profile.

    Raises:
        Unsupported: Nobody knows the scheme.
        ConfigError: The scheme's table is wrong, or a client library is not installed.
    """
    place = Uri.parse(uri) if isinstance(uri, str) else uri
    if not place.is_local and session.config.storage(place.scheme) is None:
        backend = session.backend()
        if place.scheme in backend.capabilities.schemes:
            return backend.store(place)
    return configured_store(session.config, place)


def configured_store(config: Config, uri: Uri | str) -> Store:
    """The store that holds `uri`, by its table alone; without one, without settings."""
    place = Uri.parse(uri) if isinstance(uri, str) else uri
    if place.scheme not in known_schemes():
        from anyfit.plugins import observers

        observers()  # to load plugins is to learn their schemes
    return open_store(place, config.storage(place.scheme))


def profile_store(profile: str | None, uri: Uri) -> Store:
    """The store that holds `uri`, as a profile configures it: for backends, whose own store it is not."""
    if uri.is_local:
        return open_store(uri)
    from anyfit.config import load_config

    return configured_store(load_config(profile), uri)


class Stores:
    """Opens each bucket once, and closes all together: `with Stores(open) as stores: transfer(..., open=stores)`."""

    def __init__(self, open: Callable[[Uri], Store]) -> None:
        self._open = open
        self._opened: dict[Uri, Store] = {}
        self._lock = Lock()

    def __call__(self, uri: Uri) -> Store:
        """The store that holds `uri`."""
        with self._lock:
            if uri.root not in self._opened:
                self._opened[uri.root] = self._open(uri)
            return self._opened[uri.root]

    def close(self) -> None:
        """Give up connections."""
        for store in self._opened.values():
            store.close()
        self._opened.clear()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
