"""The folders of anyfit in a cloud's bucket."""

from __future__ import annotations

import re

from attrs import frozen

from anyfit.errors import SpecError

__all__ = ["NoBucket", "Places"]

_JOB = re.compile(r"/jobs/([^/]+)/[0-9a-f]{16}/")


class NoBucket(SpecError):
    """The setting `bucket` of a cloud is missing; a plan can be shown without it, and nothing be done."""


@frozen
class Places:
    """Where anyfit keeps what belongs to a job, a model or an input; every URI ends in `/`.

    Attributes:
        scheme: Of the cloud's store.
        bucket: Its name, or a URI of it; "" while none is configured.
        folder: The folder in it, or "".
        hint: What to do when there is no bucket.
    """

    scheme: str
    bucket: str
    folder: str
    hint: str

    @property
    def root(self) -> str:
        """The folder of everything."""
        if not self.bucket:
            raise NoBucket("bucket: there is no place for code and outputs", hint=self.hint)
        bucket = self.bucket.removeprefix(f"{self.scheme}://").strip("/")
        inner = self.folder.strip("/")
        return f"{self.scheme}://{bucket}/{inner}{'/' if inner else ''}"

    def job(self, key: str, digest: str) -> str:
        """What belongs to a job; the digest is that of everything that it is made of."""
        return f"{self.root}jobs/{key}/{digest[:16]}/"

    def model(self, name: str, digest: str) -> str:
        """What belongs to a model version."""
        return f"{self.root}models/{name}/{digest[:16]}/"

    def input(self, digest: str) -> str:
        """Staged data of this content."""
        return f"{self.root}inputs/{digest[:32]}/"

    def job_input(self, key: str, channel: str) -> str:
        """Staged data whose content is not known."""
        return f"{self.root}inputs/of-{key}/{channel}/"

    @staticmethod
    def key_in(uri: str) -> str:
        """The key of the job that a place belongs to, "" for places that are none of ours."""
        found = _JOB.search(uri)
        return found[1] if found else ""
