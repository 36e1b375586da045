"""Finding jobs: by reference, by key, or all of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from attrs import evolve, frozen

from anyfit.backend import JobRef, Named
from anyfit.cloud.numbers import number
from anyfit.cloud.places import Places
from anyfit.errors import AuthError, NotFound, ServiceError
from anyfit.keys import job_key, key_parts
from anyfit_modelmaker.client import Client
from anyfit_modelmaker.guess import count_of
from anyfit_modelmaker.records import Record, Records
from anyfit_modelmaker.states import ENDED
from anyfit_modelmaker.wire import Entry, Version

__all__ = ["Finder", "ids_of"]


@frozen
class Finder:
    """The jobs of one account.

    Attributes:
        client: Makes the calls.
        records: What anyfit has noted about its jobs.
        places: Where anyfit keeps its things.
        region: For references.
    """

    client: Client
    records: Records
    places: Places
    region: str

    def ref(self, job: int, version: int) -> JobRef:
        """The reference of a version."""
        return JobRef("modelmaker", self.region, f"{job}/{version}")

    def find(self, key: str) -> JobRef | None:
        """The job of that key: as noted, else as the platform's lists tell."""
        noted = self._noted(key)
        if noted is not None:
            try:
                self.client.train_version(noted.version_id)
            except NotFound:
                self.records.forget(noted.version_id)
            else:
                return self.ref(noted.id, noted.version_id)
        found = self.listed(key)
        return self.ref(found.id, found.version_id) if found else None

    def every(self, limit: int | None) -> list[Named[JobRef]]:
        """All versions of all jobs, or so many of them, newest first.

        A job costs a question, unless the list tells that its newest version is older than enough others.
        """
        found: dict[int, Named[JobRef]] = {}
        for entry in sorted(self.client.trains(), key=_newest_version, reverse=True):
            newest = _newest_version(entry)
            if limit is not None and newest and sum(id > newest for id in found) >= limit:
                continue
            for version in self.versions(entry.id):
                named = Named(self._key(entry.name, version), self.ref(entry.id, version.version_id))
                found[version.version_id] = named
        return [found[id] for id in sorted(found, reverse=True)[:limit]]

    def named(self, name: str) -> int | None:
        """The number of the job of exactly this name."""
        return next((entry.id for entry in self.client.trains() if entry.name == name), None)

    def listed(self, key: str) -> Version | None:
        """The job of that key, as the platform's lists tell."""
        names = (key, key_parts(key)[0])
        for entry in self.client.trains():
            if entry.name in names:
                found = self._of_key(self.versions(entry.id), key)
                if found is not None:
                    return evolve(found, id=entry.id)
        return None

    def versions(self, job: int) -> list[Version]:
        """The versions of a job, none where it has gone meanwhile."""
        try:
            return self.client.train(job)
        except NotFound:
            return []

    def live(self) -> Mapping[int, Version]:
        """Running versions, as far as the list of jobs tells about its newest ones."""
        found = {}
        for entry in self.client.trains():
            version = Version(
                id=entry.id,
                version_id=_newest_version(entry),
                label="",
                status=str(entry.raw.get("status") or ""),
                message="",
                created=str(entry.raw.get("createTime") or ""),
                started=str(entry.raw.get("startTime") or ""),
                ended="",
                duration=None,
            )
            if version.version_id and version.status and version.status not in ENDED:
                found[version.version_id] = version
        return found

    def _noted(self, key: str) -> Record | None:
        """What is noted about a key; where that cannot be read the lists have to do."""
        try:
            return self.records.of_key(key)
        except (AuthError, ServiceError):
            return None

    def _key(self, name: str, version: Version) -> str:
        """anyfit's own key, which a job's places hold, else one made of the platform's number of the version."""
        return self._key_in(version) or job_key(name, count_of(version))

    def _key_in(self, version: Version) -> str:
        return self.places.key_in(version.text("codeUrl")) or self.places.key_in(version.text("output"))

    def _of_key(self, versions: Sequence[Version], key: str) -> Version | None:
        """The version that anyfit made for this key; of what others made, the one of that number."""
        for version in versions:
            if self._key_in(version) == key:
                return version
        _, count = key_parts(key)
        foreign = [each for each in versions if not self._key_in(each)]
        return next((each for each in foreign if each.label == f"V{count:04d}"), None)


def _newest_version(entry: Entry) -> int:
    """The number of a job's newest version, 0 where the list does not tell."""
    return int(number(entry.raw.get("versionId")))


def ids_of(ref: JobRef) -> tuple[int, int]:
    """The numbers of job and version."""
    job, _, version = ref.id.partition("/")
    if not (job.isdigit() and version.isdigit()):
        raise NotFound(
            f"there is no job {ref.id!r} on ModelMaker",
            hint="a job is found by job id/version id",
            backend="modelmaker",
        )
    return int(job), int(version)
