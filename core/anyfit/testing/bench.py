"""A bench to try a backend on: small scripts in, jobs and endpoints out, through anyfit's own submission code."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from anyfit.backend import ModelRef, Plan, Status
from anyfit.code.bundle import pack_code
from anyfit.config import Config
from anyfit.errors import AnyfitError, NotFinished
from anyfit.job import Job
from anyfit.session import Session
from anyfit.spec import Channel, EndpointSpec, JobSpec, ModelSpec, Variant
from anyfit.stage import stage
from anyfit.storage import Uri
from anyfit.submission import make_plan, submit
from anyfit.watch import follow, wait_all

if TYPE_CHECKING:
    from anyfit.backend import Backend
    from anyfit.model import Model
    from anyfit.predictor import Predictor

__all__ = ["Bench"]

_IMAGE = ("image", "framework", "framework_version", "py_version", "options")
_NOTHING: Mapping[str, Any] = MappingProxyType({})


class _Session(Session):
    """A session that knows one backend, under whatever name."""

    def __init__(self, backend: Backend, home: Path) -> None:
        super().__init__(Config(environ={"ANYFIT_HOME": str(home)}, arguments={"backend": backend.name}))
        self._only = backend

    def backend(self, name: str = "", profile: str | None = None) -> Backend:
        """The one backend."""
        return self._only


class Bench:
    """Runs scripts on one backend and cleans up after itself.

    Args:
        backend: The backend to try.
        folder: An empty folder, for the journal, the scripts and their bundles.
        job_seconds: How long a job may take from submitting to its end.
        endpoint_seconds: How long an endpoint may take to answer.
        job_fields: Fields of every job's spec that differ from the defaults, for instance `framework`.
        variant_fields: The same for every variant of an endpoint, for instance `instance_type`.
    """

    def __init__(
        self,
        backend: Backend,
        folder: Path,
        *,
        job_seconds: float = 60.0,
        endpoint_seconds: float = 120.0,
        job_fields: Mapping[str, Any] = _NOTHING,
        variant_fields: Mapping[str, Any] = _NOTHING,
    ) -> None:
        self.backend = backend
        self.folder = folder
        self.session: Session = _Session(backend, folder / "home")
        self.job_seconds = job_seconds
        self.endpoint_seconds = endpoint_seconds
        self._job_fields = job_fields
        self._variant_fields = variant_fields
        self._jobs: list[Job] = []
        self._models: list[ModelRef] = []
        self._predictors: list[Predictor] = []

    def name(self) -> str:
        """A name that nobody has."""
        return f"contract-{uuid4().hex[:12]}"

    def spec(self, script: str, *, handler: str = "", **fields: Any) -> JobSpec:
        """A job that runs the Python source `script`; `handler` is the source of its `inference.py`."""
        name = fields.pop("name", "") or self.name()
        source = self.folder / "code" / uuid4().hex
        source.mkdir(parents=True)
        (source / "train.py").write_text(script, encoding="utf-8")
        if handler:
            (source / "inference.py").write_text(handler, encoding="utf-8")
        code, entry_point = pack_code("train.py", str(source), (), self.folder / "bundles")
        return JobSpec(name=name, entry_point=entry_point, code=code, **{**self._job_fields, **fields})

    def channel(self, files: Mapping[str, str]) -> Channel:
        """An input that is a local folder with these texts; one file alone is itself the input."""
        folder = self.folder / "data" / uuid4().hex
        for name, text in files.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        if len(files) == 1:
            return Channel(uri=str(Uri.parse(folder / next(iter(files)))))
        return Channel(uri=str(Uri.parse(f"{folder}/")))

    def plan(self, spec: JobSpec) -> Plan:
        """What anyfit would submit."""
        return make_plan(self.session, self.backend, spec)

    def start(self, spec: JobSpec) -> Job:
        """Submit the job as `fit` does."""
        job = submit(self.session, self.backend, self.plan(spec), lambda *_: None)
        self._jobs.append(job)
        return job

    def start_unchecked(self, spec: JobSpec) -> Job:
        """Submit the job as somebody does who has not looked whether its inputs are there."""
        plan = self.plan(spec)
        stage(self.backend, plan)
        job = Job(self.session, self.backend, self.backend.submit(plan), plan.spec)
        self._jobs.append(job)
        return job

    def run(self, spec: JobSpec) -> Job:
        """Submit the job and wait for its end, whatever that is."""
        job = self.start(spec)
        self.wait(job)
        return job

    def wait(self, *jobs: Job) -> None:
        """Wait until the jobs have ended."""
        try:
            wait_all(jobs, timeout=self.job_seconds)
        except NotFinished:
            states = ", ".join(f"{job.ref}: {job.state.status.value}" for job in jobs if not job.finished)
            raise AssertionError(f"not finished within {self.job_seconds:g} s: {states}") from None

    def wait_for_line(self, job: Job, text: str) -> None:
        """Wait until a running job has said this line."""
        for event in follow(job, timeout=self.job_seconds):
            if getattr(event, "text", None) == text:
                return
        raise AssertionError(f"{job.ref} ended as {job.state.status.value} and never said {text!r}")

    def lines(self, job: Job, node: int | None = None) -> list[str]:
        """What the job has said so far."""
        return [line.text for line in job.logs(node=node)]

    def register(self, job: Job, **fields: Any) -> Model:
        """Make a model version of a job's result, as `Estimator.register` does."""
        from anyfit.registering import register_job

        wanted = {"model_name": "", "model_version": "", "entry_point": "", "source_dir": "", "description": ""}
        model = register_job(job, **{**wanted, "environment": {}, **fields})
        self._models.append(model.ref)
        return model

    def register_files(self, artifact: str, handler: str, **fields: Any) -> Model:
        """Make a model version of a folder, as `register_model` does; `handler` is the source of its script."""
        from anyfit.registering import registered

        source = self.folder / "code" / uuid4().hex
        source.mkdir(parents=True)
        (source / "inference.py").write_text(handler, encoding="utf-8")
        code, entry_point = pack_code("inference.py", str(source), (), self.folder / "bundles")
        same = {name: value for name, value in self._job_fields.items() if name in _IMAGE}
        wanted = {"name": self.name(), **same, **fields}
        spec = ModelSpec(artifact=artifact, code=code, entry_point=entry_point, **wanted)
        model = registered(self.session, self.backend, spec, wait=True)
        self._models.append(model.ref)
        return model

    def variant(self, model: Model, **fields: Any) -> Variant:
        """One model behind an endpoint."""
        return Variant(model=str(model.ref), **{**self._variant_fields, **fields})

    def deploy(self, *variants: Variant, name: str = "") -> Predictor:
        """Serve the variants, and wait until they answer."""
        from anyfit.predictor import deploy_endpoint

        spec = EndpointSpec(name=name or self.name(), variants=variants)
        predictor = deploy_endpoint(self.session, self.backend, spec, job="", wait=False)
        self._predictors.append(predictor)
        predictor.wait(self.endpoint_seconds)
        return predictor

    def close(self) -> None:
        """Remove everything that was made; what is gone already is fine."""
        for predictor in self._predictors:
            with suppress(AnyfitError):
                self.backend.undeploy(predictor.ref)
        for ref in self._models:
            with suppress(AnyfitError):
                self.backend.delete_model(ref)
        for job in self._jobs:
            with suppress(AnyfitError):
                self._remove(job)
        self.session.journal.close()

    def _remove(self, job: Job) -> None:
        if self.backend.describe([job.ref])[0].status == Status.UNKNOWN:
            return
        if not job.finished:
            job.stop()
            self.wait(job)
        job.delete()
