"""What never changes about a job, and what reading and removing its things in the bucket takes."""

from __future__ import annotations

import json
import tarfile
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any

from attrs import evolve, field, frozen

from anyfit.backend import Artifact, Cause, JobState
from anyfit.codec import from_data
from anyfit.errors import AnyfitError, NotFound, ServiceError
from anyfit.spec import JobSpec
from anyfit.storage import Store, Uri
from anyfit_ti.bundle import JOB, unpacked
from anyfit_ti.places import is_of_job
from anyfit_ti.records import Records

__all__ = ["Bucket", "End", "Facts", "results_of"]


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
class End:
    """How a script ended, where that is known."""

    exit_code: int | None = None
    signal: int | None = None
    timeout: bool = False

    def told(self, state: JobState) -> JobState:
        """The state with what the platform does not tell."""
        if self == End():
            return state
        cause = Cause.TIMEOUT if self.timeout else state.cause
        return evolve(state, exit_code=self.exit_code, signal=self.signal, cause=cause)


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
        if not is_of_job(code):
            return {}
        uri = Uri.parse(code)
        try:
            if uri.is_dir:
                uri = uri.join(JOB)
                job = json.loads(self.store(uri).read(uri.key))
            else:
                job = json.loads(unpacked(self.store(uri).read(uri.key), JOB))
        except (NotFound, ValueError, KeyError, OSError, EOFError, tarfile.TarError):
            return {}
        return job if isinstance(job, dict) else {}

    def end(self, uri: str) -> End | None:
        """How the script ended, which anyfit's launcher has left among the results; None while nobody can say."""
        try:
            place = Uri.parse(uri)
            told = json.loads(self.store(place).read(place.key))
            return End(told["exit_code"], told["signal"], bool(told["timeout"]))
        except (NotFound, ValueError, KeyError, TypeError):
            return End()
        except AnyfitError:
            return None

    def artifacts(self, results: str, shown: Callable[[str], tuple[str, str]]) -> list[Artifact]:
        """What lies there; `shown` gives a file's name and kind, or "" for what is not to be seen.

        Nothing where the results are not in COS.
        """
        if not results:
            return []
        home = Uri.parse(results)
        found = []
        for entry in self.store(home).list(home.key):
            name, kind = shown(entry.key[len(home.key) :])
            if name and not entry.is_marker:
                found.append(Artifact(name, str(evolve(home, key=entry.key)), entry.size, kind))
        return found

    def remove(self, folders: Sequence[str]) -> None:
        """Remove all that lies in these; what cannot be deleted stays, and does no harm."""
        for text in folders:
            folder = Uri.parse(text).as_dir()
            with suppress(AnyfitError):
                store = self.store(folder)
                for _ in store.delete_many([entry.key for entry in store.list(folder.key)]):
                    pass

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
                target.copy(source, entry.key, there.join(name).key)


def results_of(facts: Facts) -> str:
    """The folder of results; a fault where they are not in COS."""
    if not facts.results:
        raise ServiceError(
            f"the results of job {facts.key} are not in COS", hint="look into the job's file system", backend="ti"
        )
    return facts.results
