"""Addresses: the bucket's folders, and the platform's ways to name a place in it."""

from __future__ import annotations

import re
from typing import Any

from attrs import frozen

from anyfit.errors import SpecError
from anyfit.storage import Uri
from anyfit_ti.settings import Settings

__all__ = ["Places", "cos_path", "ems_uri", "folder", "is_of_job", "uri_of_ems"]

_OF_JOB = re.compile(r"/jobs/[^/]+/[0-9a-f]{16}/")
_EMS = re.compile(r"cos://([^./]+)\.cos\.[^./]+\.[a-z.]+/(.*)")


def is_of_job(uri: str) -> bool:
    """Whether it lies in a folder that anyfit has made for a job, whoever's bucket it is."""
    return _OF_JOB.search(uri) is not None


def folder(uri: str) -> str:
    """The URI as that of a folder."""
    return uri if uri.endswith("/") else f"{uri}/"


def cos_path(uri: str, region: str) -> dict[str, Any]:
    """A place as the second generation writes it."""
    place = Uri.parse(uri)
    return {"Bucket": place.bucket, "Region": region, "Paths": [place.key]}


def ems_uri(uri: str, region: str) -> str:
    """A folder as TI-EMS writes it: by the bucket's host."""
    place = Uri.parse(uri)
    return f"cos://{place.bucket}.cos.{region}.myqcloud.com/{place.key}"


def uri_of_ems(written: str) -> str:
    """The folder that TI-EMS means, or "" where it is none."""
    match = _EMS.fullmatch(written)
    return f"cos://{match[1]}/{match[2]}" if match else ""


@frozen
class Places:
    """Where anyfit keeps what belongs to a job, a model or an input; every URI ends in `/`."""

    bucket: str
    folder: str

    @classmethod
    def of(cls, settings: Settings) -> Places:
        """The places of a backend."""
        return cls(settings.home_bucket, settings.folder)

    @property
    def root(self) -> str:
        """The folder of everything."""
        if not self.bucket:
            raise SpecError(
                "bucket: there is no place for code and outputs",
                hint="set bucket under [ti] in anyfit.toml, or uin and app_id for the vendor's default bucket",
            )
        inner = self.folder.strip("/")
        return f"cos://{self.bucket}/{inner}{'/' if inner else ''}"

    @property
    def jobs(self) -> str:
        """What belongs to jobs."""
        return f"{self.root}jobs/"

    def job(self, key: str, digest: str) -> str:
        """What belongs to a job; the digest is that of everything that it is made of."""
        return f"{self.jobs}{key}/{digest[:16]}/"

    @property
    def models(self) -> str:
        """What belongs to models."""
        return f"{self.root}models/"

    def model(self, name: str, digest: str) -> str:
        """What belongs to a model version."""
        return f"{self.models}{name}/{digest[:16]}/"

    def input(self, digest: str) -> str:
        """Staged data of this content."""
        return f"{self.root}inputs/{digest[:32]}/"

    def job_input(self, key: str, channel: str) -> str:
        """Staged data whose content is not known."""
        return f"{self.root}inputs/of-{key}/{channel}/"

    def deleted(self, key: str = "") -> str:
        """The mark that a job of the first generation, which keeps them for ever, was deleted; the folder of all."""
        return f"{self.root}refs/deleted/{key}"

    def checkpoints(self, digest: str) -> str:
        """The note on which job wrote to a checkpoint path last."""
        return f"{self.root}refs/checkpoints/{digest[:32]}.json"
