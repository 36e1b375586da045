"""The `cos` store: Tencent COS, whose bucket names end in the account's APPID."""

from __future__ import annotations

import re

from anyfit.errors import AuthError, ConfigError, SpecError
from anyfit.storage.api import Api, Bulk, Sum
from anyfit.storage.s3 import behind_proxy, is_loopback_or_ip
from anyfit.storage.service import ServiceStore
from anyfit.storage.settings import SettingsSource, StoreSettings
from anyfit.storage.store import Data
from anyfit.values import evolve

__all__ = ["CosStore"]


class CosStore(ServiceStore):
    """A bucket of COS. Requests carry COS' own signature on the direct path too.

    An endpoint that is an IP address or `localhost` is connected to, while the request still names the host
    `bucket.cos.region...`, which is how COS tells buckets apart.
    """

    scheme = "cos"
    min_part = 1 << 20

    def __init__(self, bucket: str, settings: SettingsSource | None = None) -> None:
        if bucket and not re.fullmatch(r"[a-z0-9]([a-z0-9-]*)-\d+", bucket):
            raise SpecError(f"cos://{bucket}/ has no APPID", hint=f"write cos://{bucket}-1250000000/ with your APPID")
        super().__init__(bucket, settings)

    def complete(self, source: SettingsSource) -> SettingsSource:
        if isinstance(source, StoreSettings):
            return self.filled(source)
        give = source
        return lambda: self.filled(give())

    def filled(self, settings: StoreSettings) -> StoreSettings:
        """The settings with nothing left open."""
        if not settings.has_keys:
            raise AuthError(
                f"cos://{self.bucket}: no credentials",
                hint="give access_key (SecretId) and secret_key (SecretKey) under [storage.cos],"
                " or name the backend that has them with -b",
            )
        if not self.bucket:
            endpoint = settings.endpoint or "https://service.cos.myqcloud.com"
            return evolve(settings, region=settings.region or _region(endpoint), endpoint=endpoint.rstrip("/"))
        region = settings.region or _region(settings.endpoint)
        if not region:
            raise ConfigError(f"cos://{self.bucket}/: no region is set", hint="set region, such as ap-guangzhou")
        endpoint = settings.endpoint or f"https://cos.{region}.myqcloud.com"
        return evolve(settings, region=region, endpoint=endpoint.rstrip("/"))

    def direct(self, settings: StoreSettings) -> Bulk | None:
        if settings.fast is False or behind_proxy(settings.endpoint):
            return None
        from anyfit.storage.rest import COS, RestApi
        from anyfit.storage.wire import Origin, Wire

        if is_loopback_or_ip(settings.endpoint):
            name = f"{self.bucket}.cos.{settings.region}" if self.bucket else "service.cos"
            origin = evolve(Origin.of(settings.endpoint), host=f"{name}.myqcloud.com")
        else:
            origin = Origin.of(settings.endpoint, f"{self.bucket}." if self.bucket else "")
        wire = Wire(origin, timeout=settings.timeout, verify=settings.verify)
        return RestApi(COS, wire, settings, scheme="cos", bucket=self.bucket, path="/")

    def part_sums(self, data: Data) -> Sum:
        from anyfit.storage.crc64 import crc64
        from anyfit.storage.wire import Origin

        settings = self.current.get()
        value = crc64(data) if Origin.of(settings.endpoint).is_private(settings.verify) else ""
        return Sum(crc64=value) if value else self.sums(data)

    def library(self, settings: StoreSettings) -> Api:
        from anyfit.storage.qcloud import CosApi

        return CosApi(settings, bucket=self.bucket, on_address=is_loopback_or_ip(settings.endpoint))


def _region(endpoint: str) -> str:
    found = re.search(r"//cos\.([a-z0-9-]+)\.", endpoint)
    return found[1] if found else ""
