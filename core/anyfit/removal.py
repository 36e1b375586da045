"""Removing jobs, and on request what was made of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from attrs import frozen

from anyfit.backend import EndpointRef, Feature, ModelInfo
from anyfit.errors import NotFound, StorageError
from anyfit.show import size_text
from anyfit.storage.uri import Uri

if TYPE_CHECKING:
    from anyfit.job import Job
    from anyfit.predictor import Predictor
    from anyfit.spec import Variant

__all__ = ["Removal", "removal_of"]


@frozen
class Removal:
    """A job that is to go, with what belongs to it.

    Attributes:
        job: The job.
        size: Bytes of what it left, as far as known; None when the backend no longer has the job.
        endpoints: Endpoints that serve its model.
        models: Model versions made of its result.
        outputs: The folder of what it left, where that would stay without the job and is to go too; or "".
    """

    job: Job
    size: int | None
    endpoints: tuple[Predictor, ...] = ()
    models: tuple[ModelInfo, ...] = ()
    outputs: str = ""

    def lines(self) -> list[str]:
        """What would go, one thing a line."""
        lines = [f"job {self.job.spec.key} {self._whole()}"]
        lines += [f"endpoint {predictor.name}" for predictor in self.endpoints]
        lines += [f"model {model.name}:{model.version}" for model in self.models]
        return lines + ([f"{size_text(self.size or 0)} in {self.outputs}"] if self.outputs else [])

    def run(self) -> None:
        """Remove all of it: what depends on the job before the job."""
        for predictor in self.endpoints:
            predictor.delete()
        for model in self.models:
            self.job.backend.delete_model(model.ref)
        self.job.delete()
        if self.outputs:
            folder = Uri.parse(self.outputs)
            store = self.job.backend.store(folder)
            failed = list(store.delete_many([entry.key for entry in store.list(folder.key)]))
            if failed:
                raise StorageError(
                    f"{failed[0].key} cannot be deleted: {failed[0].reason}", backend=self.job.ref.backend
                )

    def _whole(self) -> str:
        if self.size is None:
            return f"from the journal; it is no longer on {self.job.ref.backend}"
        status = self.job.state.status
        running = "" if status.finished else "; it runs, and will be stopped"
        if self.job.backend.capabilities.keeps_outputs:
            return f"({status.value}{running}) and its log"
        return f"({status.value}{running}), its log and {size_text(self.size)} it left"


def removal_of(job: Job, *, everything: bool) -> Removal:
    """What would go with a job; its endpoints and models only when `everything` is to go."""
    size = _size(job)
    if not everything:
        return Removal(job, size)
    every = _every_model(job)
    made = [info for info in every if info.job == str(job.ref)]
    endpoints = _endpoints(job) or _found(job, {str(info.ref) for info in made})
    served = {variant.model for each in endpoints for variant in _variants(each)}
    models = [info for info in every if info in made or str(info.ref) in served]
    return Removal(job, size, tuple(endpoints), tuple(models), _outputs(job, size))


def _outputs(job: Job, size: int | None) -> str:
    """The folder of what the job left, where that is the job's alone: what a user has named may hold more."""
    if not size or not job.backend.capabilities.keeps_outputs:
        return ""
    uri = str(Uri.parse(job.backend.output_uri(job.ref)).as_dir())
    return uri if f"/{job.spec.key}/" in uri else ""


def _size(job: Job) -> int | None:
    try:
        return sum(artifact.size or 0 for artifact in job.artifacts())
    except NotFound:
        return None


def _variants(predictor: Predictor) -> Sequence[Variant]:
    try:
        spec = predictor.info().spec
    except NotFound:
        return ()
    return spec.variants if spec else ()


def _endpoints(job: Job) -> list[Predictor]:
    from anyfit.predictor import Predictor

    session = job.session
    rows = [row for row in session.journal.endpoints() if row.ref and row.job == str(job.ref)]
    return [
        Predictor(session, session.reach(EndpointRef.parse(row.ref), row.profile), EndpointRef.parse(row.ref), row.name)
        for row in rows
    ]


def _found(job: Job, models: set[str]) -> list[Predictor]:
    """On a machine that never saw them: the backend's endpoints that serve the job's models."""
    from anyfit.predictor import Predictor

    if not models or not job.backend.capabilities.can(Feature.ENDPOINTS):
        return []
    listed = [Predictor(job.session, job.backend, named.ref, named.name) for named in job.backend.endpoints()]
    return [each for each in listed if models.intersection(variant.model for variant in _variants(each))]


def _every_model(job: Job) -> list[ModelInfo]:
    return list(job.backend.models()) if job.backend.capabilities.can(Feature.MODELS) else []
