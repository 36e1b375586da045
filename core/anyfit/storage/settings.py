"""Endpoint and credentials of a store, as one value or as a function that gives it anew."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from threading import Lock
from typing import Literal
from urllib.parse import urlsplit

from anyfit.errors import AnyfitError, ConfigError
from anyfit.values import field, frozen

__all__ = ["CurrentSettings", "SettingsSource", "StoreSettings"]

REFRESH_BEFORE = timedelta(minutes=5)
_PAUSE = 10.0


@frozen(kw_only=True)
class StoreSettings:
    """How to reach a service and as whom.

    Attributes:
        endpoint: `https://host[:port]` without the bucket; "" for the service's own by region.
        region: The service's name of the region.
        access_key, secret_key: The key pair; COS calls them SecretId and SecretKey.
        session_token: The security token of temporary keys.
        expires_at: When temporary keys end; a function that gives settings is asked again some minutes before.
        addressing: "virtual" (bucket in the host), "path", or "auto": path for IP addresses and `localhost`, and for
            s3 with an endpoint of one's own; else virtual.
        signature: "v4", or "v2" for services that know only that.
        fast: Whether bulk bytes take the direct path, not the vendor's library; None: when it is possible.
        verify: Check TLS certificates; a text is a file of authorities.
        connections: How many connections to keep.
        timeout: Seconds without a byte before a connection counts as lost.
    """

    endpoint: str = ""
    region: str = ""
    access_key: str = ""
    secret_key: str = field(default="", repr=False)
    session_token: str = field(default="", repr=False)
    expires_at: datetime | None = None
    addressing: Literal["auto", "virtual", "path"] = "auto"
    signature: Literal["v4", "v2"] = "v4"
    fast: bool | None = None
    verify: bool | str = True
    connections: int = 16
    timeout: float = 60.0

    def __attrs_post_init__(self) -> None:
        if bool(self.access_key) != bool(self.secret_key):
            missing = "secret_key" if self.access_key else "access_key"
            raise ConfigError(f"storage: {missing} is missing", hint="give both keys, or none")
        if self.endpoint and not self.endpoint.startswith(("http://", "https://")):
            raise ConfigError(f"storage: endpoint {self.endpoint!r} has no scheme", hint="write https://host")
        if self.endpoint and not _has_host(self.endpoint):
            raise ConfigError(f"storage: endpoint {self.endpoint!r} names no host", hint="write https://host[:port]")
        for name in ("access_key", "session_token"):
            value = getattr(self, name)
            if not (value.isascii() and value.isprintable()):
                raise ConfigError(f"storage: {name} holds characters that no key has", hint="copy it anew")

    @property
    def has_keys(self) -> bool:
        """Whether credentials were given."""
        return bool(self.access_key)


SettingsSource = StoreSettings | Callable[[], StoreSettings]


class CurrentSettings:
    """The settings of the moment: temporary keys are renewed before they end, by one thread at a time."""

    def __init__(self, source: SettingsSource) -> None:
        self._give = source if callable(source) else None
        self._lock = Lock()
        self._again = 0.0
        self._now = source() if callable(source) else source

    def get(self) -> StoreSettings:
        """Settings that are valid for a while."""
        settings = self._now
        if self._give is None or settings.expires_at is None or not _ends_soon(settings.expires_at):
            return settings
        valid = datetime.now(timezone.utc) < settings.expires_at
        if valid and time.monotonic() < self._again:
            return settings
        try:
            return self.renew(settings)
        except AnyfitError:  # whoever gives keys may be out of order for a while
            if not valid:
                raise
            self._again = time.monotonic() + _PAUSE
            return settings

    def renew(self, old: StoreSettings) -> StoreSettings:
        """Settings other than `old`, which the service refused or which end soon."""
        with self._lock:
            if self._now is old and self._give is not None:
                self._now = self._give()
            return self._now

    @property
    def renewable(self) -> bool:
        """Whether asking again may bring other keys."""
        return self._give is not None


def _ends_soon(end: datetime) -> bool:
    return datetime.now(timezone.utc) >= end - REFRESH_BEFORE


def _has_host(endpoint: str) -> bool:
    try:
        parts = urlsplit(endpoint)
        return bool(parts.hostname) and parts.port != 0
    except ValueError:  # of the port, or of brackets
        return False
