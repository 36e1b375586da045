"""Addresses: the server, the bucket's folders, and where services answer."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from attrs import frozen

from anyfit.errors import SpecError
from anyfit_modelmaker.settings import Settings

__all__ = ["Places", "base_url", "host_of", "is_plain_host", "predict_url"]

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
                "bucket: there is no place for code and outputs",
                hint='set bucket under [modelmaker] in anyfit.toml, or "bucket" in ~/.modelmaker/config.json',
            )
        folder = self.folder.strip("/")
        return f"s3://{self.bucket.strip('/')}/{folder}{'/' if folder else ''}"

    def job(self, key: str, digest: str) -> str:
        """What belongs to a job; the digest is that of everything that it is made of."""
        return f"{self.root}jobs/{key}/{digest[:16]}/"

    def job_mark(self, key: str) -> str:
        """What the code URI of this job, and of no other, holds."""
        return f"/jobs/{key}/"

    def model(self, name: str, digest: str) -> str:
        """What belongs to a model version."""
        return f"{self.root}models/{name}/{digest[:16]}/"

    def input(self, digest: str) -> str:
        """Staged data of this content."""
        return f"{self.root}inputs/{digest[:32]}/"

    def job_input(self, key: str, channel: str) -> str:
        """Staged data whose content is not known."""
        return f"{self.root}inputs/of-{key}/{channel}/"
