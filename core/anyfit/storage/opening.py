"""From a URI to its store."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module

from anyfit.errors import ConfigError, Unsupported, nearest
from anyfit.storage.settings import SettingsSource, StoreSettings
from anyfit.storage.store import Store
from anyfit.storage.uri import Uri

__all__ = ["StoreFactory", "known_schemes", "open_store", "register_scheme"]

StoreFactory = Callable[[Uri, SettingsSource], Store]
"""Makes the store that holds a URI; the settings are `StoreSettings()` when the caller gave none."""

_BUILT_IN = {
    "cos": ("anyfit.storage.cos", "CosStore"),
    "file": ("anyfit.storage.file", "FileStore"),
    "obs": ("anyfit.storage.s3", "ObsStore"),
    "s3": ("anyfit.storage.s3", "S3Store"),
}
_registered: dict[str, StoreFactory] = {}


def register_scheme(scheme: str, factory: StoreFactory) -> None:
    """Announce who opens `scheme://...`.

    Raises:
        ConfigError: The scheme is taken by somebody else.
    """
    scheme = scheme.lower()
    if scheme in _BUILT_IN or _registered.get(scheme, factory) is not factory:
        raise ConfigError(f"two storage plugins want the scheme {scheme!r}", hint="uninstall one of them")
    _registered[scheme] = factory


def known_schemes() -> tuple[str, ...]:
    """All schemes that `open_store` takes."""
    return tuple(sorted({*_BUILT_IN, *_registered}))


def open_store(uri: Uri | str, settings: SettingsSource | None = None) -> Store:
    """The store that holds `uri`: its bucket, or for files the whole disk.

    Args:
        uri: Any place in it.
        settings: Endpoint and credentials, or a function that gives them. Without any, s3 takes what boto3 finds.

    Raises:
        Unsupported: Nobody knows the scheme.
        ConfigError: The client library is not installed.
    """
    place = Uri.parse(uri) if isinstance(uri, str) else uri
    given = settings if settings is not None else StoreSettings()
    factory = _registered.get(place.scheme)
    if factory:
        return factory(place, given)
    if place.scheme not in _BUILT_IN:
        raise Unsupported(
            f"{place}: nobody knows the scheme {place.scheme!r}",
            hint=nearest(place.scheme, known_schemes()) or f"known are {', '.join(known_schemes())}",
        )
    module, name = _BUILT_IN[place.scheme]
    kind = getattr(import_module(module), name)
    store: Store = kind() if place.is_local else kind(place.bucket, given)
    return store
