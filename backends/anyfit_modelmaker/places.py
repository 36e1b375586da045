"""Addresses: the server, the bucket's folders, and where services answer."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from anyfit.cloud.places import Places
from anyfit_modelmaker.settings import Settings

__all__ = ["base_url", "host_of", "is_plain_host", "places_of", "predict_url"]

_ADDRESS = re.compile(r"\d{1,3}.\d{1,3}.\d{1,3}.\d{1,3}")


def is_plain_host(host_base: str) -> bool:
    """Whether the host stands for itself: an IP address, where the vendor's own rule puts no region in front."""
    return bool(_ADDRESS.search(host_base)) or urlsplit(host_base).hostname == "localhost"


def base_url(host_base: str, region: str) -> str:
    """The URL below which all calls are; the region is glued to a host name without a dot."""
    whole = host_base.rstrip("/")
    if is_plain_host(host_base):
        return whole
    scheme, _, rest = whole.partition("://")
    return f"{scheme}://{region}{rest}"


def predict_url(settings: Settings) -> str:
    """The common address of all services of the region."""
    return settings.infer_url or f"http://{settings.region}infer.wangsucloud.com:10000/ModelMaker/predict"


def host_of(url: str, service: int) -> str:
    """The Host header: at the common gateway its first label chooses the service."""
    netloc = urlsplit(url).netloc
    host = urlsplit(url).hostname or ""
    if is_plain_host(url) or host.split(".")[0] == str(service) or "infer" not in host.split(".")[0]:
        return netloc
    return f"{service}.{netloc}"


def places_of(settings: Settings) -> Places:
    """The folders of anyfit in the bucket."""
    hint = (
        "set bucket under [modelmaker] in anyfit.toml or in ANYFIT_MODELMAKER_BUCKET,"
        ' or "bucket" in ~/.modelmaker/config.json'
    )
    return Places("s3", settings.bucket, settings.folder, hint)
