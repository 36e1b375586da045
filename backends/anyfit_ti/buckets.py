"""The vendor's default bucket, which its SDK makes when it is first needed; so it is here."""

from __future__ import annotations

from urllib.parse import urlsplit

from anyfit.errors import AnyfitError
from anyfit.http import Transport
from anyfit.storage.s3 import is_loopback_or_ip
from anyfit.storage.settings import StoreSettings
from anyfit.storage.signing import sign_cos

__all__ = ["make_bucket"]


def make_bucket(transport: Transport, settings: StoreSettings, bucket: str, now: float) -> None:
    """Make a bucket; one that is there is fine, and what else is wrong shows when it is used."""
    endpoint = settings.endpoint or f"https://cos.{settings.region}.myqcloud.com"
    host = f"{bucket}.cos.{settings.region}.myqcloud.com"
    url = endpoint
    if not is_loopback_or_ip(endpoint):
        host = f"{bucket}.{urlsplit(endpoint).netloc}"
        url = f"{urlsplit(endpoint).scheme}://{host}"
    headers = {"host": host, "content-length": "0"}
    sign_cos(settings, "PUT", "/", [], headers, now)
    try:
        transport.send("PUT", f"{url.rstrip('/')}/", headers=headers)
    except AnyfitError:
        return
