"""What never changes about a job, and what reading and removing its things in the bucket takes."""

from __future__ import annotations

import json
import tarfile
from collections.abc import Callable, Mapping, Sequence
from threading import Lock
from typing import Any

from attrs import evolve, field, frozen

from anyfit.backend import Artifact
from anyfit.cloud.leavings import HIDDEN, End, artifacts_in, read_document, read_end, remove_folders
from anyfit.cloud.places import Places
from anyfit.codec import from_data
from anyfit.errors import AnyfitError, NotFound, ServiceError
from anyfit.spec import JobSpec
from anyfit.storage import Store, Uri
from anyfit_ti.bundle import JOB, unpacked
from anyfit_ti.records import Records

__all__ = ["Bucket", "FactBook", "Facts", "results_of"]


@frozen
class Facts:
    """What never changes about a job.

    Attributes:
        key: Its name on the platform.
        created: When it was made, in nanoseconds since 1970.
        results: The folder of what it leaves, or "" where that is not in COS.
        code: Where anyfit put its files: a folder or an archive, or "".
        guess: The spec as far as the platform tells.
        job: What anyfit wrote down beside the code, if it did.
    """

    key: str
    created: int
    results: str
    code: str
    guess: JobSpec
    job: Mapping[str, Any] = field(factory=dict, repr=False)

    @property
    def spec(self) -> JobSpec:
        """What was asked for: as anyfit wrote it down, else as far as the platform tells."""
        return from_data(JobSpec, self.job["spec"]) if "spec" in self.job else self.guess

    @property
    def nodes(self) -> int:
        """How many nodes the job has; asked of the platform alone, for lines are not to wait for the store."""
        return self.guess.instance_count


@frozen
class Bucket:
    """Reads and removes what belongs to jobs.

    Attributes:
        store: Opens the store of a URI.
        records: The notes in the bucket.
    """

    store: Callable[[Uri], Store]
    records: Records

    def written(self, code: str) -> Mapping[str, Any]:
        """What anyfit wrote down beside the code, if it did."""
        if not Places.key_in(code):
            return {}
        uri = Uri.parse(code)
        if uri.is_dir:
            return read_document(self.store, uri.join(JOB))
        try:
            job = json.loads(unpacked(self.store(uri).read(uri.key), JOB))
        except (NotFound, ValueError, KeyError, OSError, EOFError, tarfile.TarError):
            return {}
        return job if isinstance(job, dict) else {}

    def end(self, folder: str) -> End | None:
        """How the script ended, which anyfit's launcher has left in a folder; None while nobody can say."""
        try:
            return read_end(self.store, Uri.parse(folder))
        except AnyfitError:
            return None

    def artifacts(self, results: str, shown: Callable[[str], str] = str) -> list[Artifact]:
        """What lies there, by the names that `shown` gives; nothing where the results are not in COS."""
        if not results:
            return []
        found = artifacts_in(self.store, Uri.parse(results), shown)
        return [artifact for artifact in found if not artifact.name.startswith(HIDDEN)]

    def remove(self, folders: Sequence[str]) -> None:
        """Remove all that lies in these; what cannot be deleted stays, and does no harm."""
        remove_folders(self.store, [Uri.parse(text).as_dir() for text in folders])

    def bring_checkpoints(self, path: str) -> None:
        """Copy the newest checkpoints of a path to it, inside the service, so that the next job finds them there."""
        newest = self.records.newest_checkpoints(path)
        if not newest:
            return
        here, there = Uri.parse(newest), Uri.parse(path)
        source, target = self.store(here), self.store(there)
        for entry in source.list(here.key):
            name = entry.key[len(here.key) :]
            if name and not entry.is_marker and not name.startswith("anyfit/"):
                target.copy(source, entry.key, there.join(name).key, size=entry.size)


class FactBook:
    """The facts of jobs, by the platform's ids; safe from any thread.

    Args:
        ask: Asks the platform for those of a job.
        bucket: Reads what anyfit wrote down about it.
    """

    def __init__(self, ask: Callable[[str], Facts], bucket: Bucket) -> None:
        self._ask = ask
        self._bucket = bucket
        self._lock = Lock()
        self._known: dict[str, Facts] = {}

    def of(self, id: str) -> Facts:
        """What the platform says of a job, asked for once."""
        known = self._known.get(id)
        if known is not None:
            return known
        asked = self._ask(id)
        with self._lock:
            return self._known.setdefault(id, asked)

    def whole(self, id: str) -> Facts:
        """The same with what anyfit wrote down beside the code."""
        facts = self.of(id)
        if facts.code and not facts.job:
            facts = evolve(facts, job=self._bucket.written(facts.code))
            with self._lock:
                self._known[id] = facts
        return facts

    def forget(self, id: str) -> None:
        """The job is gone."""
        with self._lock:
            self._known.pop(id, None)


def results_of(facts: Facts) -> str:
    """The folder of results; a fault where they are not in COS."""
    if not facts.results:
        raise ServiceError(
            f"the results of job {facts.key} are not in COS", hint="look into the job's file system", backend="ti"
        )
    return facts.results
