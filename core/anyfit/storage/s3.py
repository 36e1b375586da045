"""Stores that speak the S3 protocol: `s3` (AWS and any compatible service) and `obs`."""

from __future__ import annotations

import os
from datetime import datetime, timedelta, timezone
from urllib.parse import urlsplit

from anyfit.errors import AuthError, ConfigError, UsageError
from anyfit.storage.api import Api, Bulk
from anyfit.storage.service import ServiceStore
from anyfit.storage.settings import SettingsSource, StoreSettings
from anyfit.values import evolve

__all__ = ["ObsStore", "S3Store", "behind_proxy", "is_loopback_or_ip"]

_LONGEST_PRESIGN = 7 * 86400


class S3Store(ServiceStore):
    """A bucket of AWS S3, or of a compatible service when an endpoint is given."""

    scheme = "s3"
    signs_bodies = True
    _lies_in = ""

    def move(self, region: str) -> bool:
        if self._lies_in:
            return False
        self._lies_in = region
        return True

    def complete(self, source: SettingsSource) -> SettingsSource:
        if isinstance(source, StoreSettings):
            return self.filled(source) if source.has_keys else _ChainSettings(source, self)
        give = source
        return lambda: self.filled(give())

    def filled(self, settings: StoreSettings) -> StoreSettings:
        """The settings with nothing left open."""
        region = self._lies_in or settings.region or "us-east-1"
        domain = "amazonaws.com.cn" if region.startswith("cn-") else "amazonaws.com"
        endpoint = settings.endpoint or f"https://s3.{region}.{domain}"
        addressing = settings.addressing
        if addressing == "auto":
            addressing = "path" if settings.endpoint or "." in self.bucket else "virtual"
        return evolve(settings, region=region, endpoint=endpoint.rstrip("/"), addressing=addressing)

    def direct(self, settings: StoreSettings) -> Bulk | None:
        if settings.fast is False or settings.signature != "v4" or behind_proxy(settings.endpoint):
            if settings.fast:
                raise ConfigError(f"{self.scheme}: no direct path with signature v2 or a proxy", hint="leave fast out")
            return None
        from anyfit.storage.rest import OBS, S3, RestApi
        from anyfit.storage.wire import Origin, Wire

        virtual = settings.addressing == "virtual" or not self.bucket
        origin = Origin.of(settings.endpoint, f"{self.bucket}." if virtual and self.bucket else "")
        wire = Wire(origin, timeout=settings.timeout, verify=settings.verify)
        base = urlsplit(settings.endpoint).path.rstrip("/")
        path = f"{base}/" if virtual else f"{base}/{self.bucket}/"
        dialect = S3 if self.signs_bodies else OBS
        return RestApi(dialect, wire, settings, scheme=self.scheme, bucket=self.bucket, path=path)

    def presign(self, key: str, *, method: str = "GET", expires: int = 3600) -> str:
        if expires > _LONGEST_PRESIGN and self.current.get().signature == "v4":
            raise UsageError(
                f"no URL can be presigned for {expires} seconds",
                hint=f"7 days, {_LONGEST_PRESIGN} seconds, are the most",
            )
        return super().presign(key, method=method, expires=expires)

    def library(self, settings: StoreSettings) -> Api:
        from anyfit.storage.boto import BotoApi

        return BotoApi(settings, scheme=self.scheme, bucket=self.bucket)


class ObsStore(S3Store):
    """A bucket of OBS: the host of a region, the bucket in the host name, temporary keys with a security token.

    A domain name as endpoint is always asked with the bucket in the host, as OBS demands; an IP address or
    `localhost` with the bucket in the path.
    """

    scheme = "obs"
    signs_bodies = False

    def complete(self, source: SettingsSource) -> SettingsSource:
        if isinstance(source, StoreSettings) and not source.has_keys:
            raise AuthError(
                f"obs://{self.bucket}: no credentials",
                hint="give access_key and secret_key under [storage.obs], or name the backend that has them with -b",
            )
        return super().complete(source)

    def filled(self, settings: StoreSettings) -> StoreSettings:
        region = self._lies_in or settings.region
        if not settings.endpoint and not region:
            raise ConfigError(
                f"obs://{self.bucket}/: neither endpoint nor region is set", hint="set region, such as cn-north-4"
            )
        endpoint = settings.endpoint or f"https://obs.{region}.myhuaweicloud.com"
        addressing = settings.addressing
        if addressing == "auto":
            addressing = "path" if is_loopback_or_ip(endpoint) else "virtual"
        return evolve(settings, endpoint=endpoint.rstrip("/"), region=region or "region", addressing=addressing)


class _ChainSettings:
    """Keys from where boto3 finds them: environment, shared files, the machine's role."""

    def __init__(self, settings: StoreSettings, store: S3Store) -> None:
        self.settings = settings
        self.store = store

    def __call__(self) -> StoreSettings:
        from anyfit.storage.boto import chain_keys

        found = chain_keys(self.settings, self.store.bucket)
        soon = datetime.now(timezone.utc) + timedelta(minutes=10) if found.session_token else None
        return self.store.filled(evolve(found, expires_at=found.expires_at or soon))


def is_loopback_or_ip(endpoint: str) -> bool:
    """Whether an endpoint has no name under which a bucket could be a host of its own."""
    host = urlsplit(endpoint).hostname or ""
    if host == "localhost":
        return True
    import ipaddress

    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def behind_proxy(endpoint: str) -> bool:
    """Whether requests have to go through a proxy, which only the libraries know."""
    parts = urlsplit(endpoint)
    if not any(name.lower() in (f"{parts.scheme}_proxy", "all_proxy") for name in os.environ):
        return False
    from urllib.request import getproxies, proxy_bypass  # takes 20 ms

    return parts.scheme in getproxies() and not proxy_bypass(parts.hostname or "")
