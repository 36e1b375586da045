"""Addresses: the services by region, the bucket's folders, and the spellings of a place in OBS."""

from __future__ import annotations

from urllib.parse import quote, unquote, urlsplit

from anyfit.cloud.places import Places
from anyfit.storage.uri import Uri, parse_vendor
from anyfit_modelarts.settings import Settings

__all__ = ["endpoint", "iam_endpoint", "obs_endpoint", "obs_path", "obs_uri", "obs_url", "places_of", "uri_of_url"]


def endpoint(settings: Settings) -> str:
    """Where ModelArts is."""
    return _host("modelarts", settings.endpoint, settings)


def iam_endpoint(settings: Settings) -> str:
    """Where tokens come from."""
    return _host("iam", settings.iam_endpoint, settings)


def obs_endpoint(settings: Settings) -> str:
    """Where objects are."""
    return _host("obs", settings.obs_endpoint, settings)


def _host(service: str, given: str, settings: Settings) -> str:
    return given.rstrip("/") or f"https://{service}.{settings.region}.{settings.cloud}"


def obs_uri(text: str) -> Uri:
    """A place in any of the platform's spellings: `/bucket/key/`, `obs://`, `s3://`, or the URL of an object."""
    return parse_vendor(text, "obs")


def obs_path(text: str) -> str:
    """A place as the training API spells it: `/bucket/key/`."""
    uri = obs_uri(text)
    return f"/{uri.bucket}/{uri.key}"


def obs_url(text: str, settings: Settings) -> str:
    """A place as the model API spells it: by the host of its bucket, or in the path where a host can have no names."""
    uri, endpoint = obs_uri(text), obs_endpoint(settings)
    parts = urlsplit(endpoint)
    host = parts.hostname or ""
    bare = host == "localhost" or host.replace(".", "").isdigit() or ":" in host
    base = f"{endpoint}/{uri.bucket}" if bare else f"{parts.scheme}://{uri.bucket}.{parts.netloc}"
    return f"{base}/{quote(uri.key)}"


def uri_of_url(text: str, settings: Settings) -> Uri:
    """What `obs_url` has spelt."""
    endpoint = f"{obs_endpoint(settings)}/"
    return obs_uri(f"/{unquote(text[len(endpoint) :])}" if text.startswith(endpoint) else text)


def places_of(settings: Settings) -> Places:
    """The folders of anyfit in the bucket."""
    hint = "set bucket under [modelarts] in anyfit.toml, or in ANYFIT_MODELARTS_BUCKET"
    return Places("obs", settings.bucket, settings.folder, hint)
