"""Addresses: the services by region, the bucket's folders, and the spellings of a place in OBS."""

from __future__ import annotations

import re
from urllib.parse import quote, unquote, urlsplit

from attrs import frozen

from anyfit.errors import SpecError
from anyfit.storage.uri import Uri, parse_vendor
from anyfit_modelarts.settings import Settings

__all__ = ["Places", "endpoint", "iam_endpoint", "obs_endpoint", "obs_path", "obs_uri", "obs_url", "uri_of_url"]

_OURS = re.compile(r"/jobs/([^/]+)/[0-9a-f]{16}/")


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


@frozen
class Places:
    """Where anyfit keeps what belongs to a job, a model or an input; every URI ends in `/`."""

    bucket: str
    folder: str

    @property
    def root(self) -> str:
        """The folder of everything."""
        if not self.bucket:
            raise SpecError(
                "bucket: there is no place for code and outputs", hint="set bucket under [modelarts] in anyfit.toml"
            )
        folder = self.folder.strip("/")
        bucket = self.bucket.removeprefix("obs://").strip("/")
        return f"obs://{bucket}/{folder}{'/' if folder else ''}"

    def job(self, key: str, digest: str) -> str:
        """What belongs to a job; the digest is that of everything that it is made of."""
        return f"{self.root}jobs/{key}/{digest[:16]}/"

    def key_in(self, uri: str) -> str:
        """The key of the job that a place belongs to, "" for places that are none of ours."""
        found = _OURS.search(uri)
        return found[1] if found else ""

    def model(self, name: str, digest: str) -> str:
        """What belongs to a model version."""
        return f"{self.root}models/{name}/{digest[:16]}/"

    def input(self, digest: str) -> str:
        """Staged data of this content."""
        return f"{self.root}inputs/{digest[:32]}/"

    def job_input(self, key: str, channel: str) -> str:
        """Staged data whose content is not known."""
        return f"{self.root}inputs/of-{key}/{channel}/"
