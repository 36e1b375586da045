"""What to train, with what, on what: the face of anyfit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from os import PathLike
from typing import TYPE_CHECKING, Any

import attrs
from attrs import Factory, define, field

from anyfit.arguments import UnknownArgument, named_arguments
from anyfit.errors import UsageError, nearest
from anyfit.job import Job, find_job
from anyfit.names import without_time
from anyfit.pathtext import PathText, path_text, path_texts

if TYPE_CHECKING:
    from anyfit.backend import JobRef, Plan
    from anyfit.model import Model
    from anyfit.predictor import Predictor
    from anyfit.session import Session

__all__ = ["Estimator"]

Inputs = PathText | Mapping[str, PathText] | None


@define(kw_only=True, eq=False, repr=False)
class Estimator:
    """A training, defined once and run anywhere.

    Attributes:
        entry_point: The script, relative to `source_dir`, or a path by itself where there is none.
        source_dir: The code: a folder, a file, a tar archive, or a git URL such as
            `git+https://host/team/project.git@v1#folder`.
        dependencies: Further folders or files that the script imports.
        image_uri: A container image of one's own, instead of a framework.
        framework: The platform's image: "pytorch", "tensorflow", ...
        framework_version: Of the framework; "1.8" means the newest 1.8.x.
        py_version: Of the image's Python, for instance "3.9".
        command: What to start instead of a script.
        arguments: Appended to the script's command line as they are.
        hyperparameters: JSON values by name.
        environment: Environment variables for the script.
        secrets: Variables whose values are secrets, each as "env:NAME", "file:PATH" or "keyring:SERVICE/USER".
        instance_type: A spec ID, a wish such as "A100:8" or "cpu=4+ mem=16GB+", or one of these by backend.
        instance_count: Nodes.
        volume_size: Extra disk per node in GiB.
        distribution: "none", "torch", "mpi" or "parameter-server".
        output_path: URI or folder for the model and other outputs.
        checkpoint_path: URI or folder where checkpoints go and come from.
        max_run: Seconds that the job may run.
        max_wait: Seconds that it may wait for a machine.
        base_job_name: What generated job names begin with.
        tags: For people and bills.
        description: For people.
        metric_definitions: Regular expression by metric name; its first group is the value.
        convention: How hyperparameters become arguments: "sagemaker", "ti" or "modelarts".
        options: What only one backend knows, by backend.
        backend: Where to run; the configuration's choice by default.
        profile: Which profile of the configuration to use.
        latest_job: The job of the last `fit` or `attach`.
    """

    entry_point: str = field(default="", converter=path_text)
    source_dir: str = field(default="", converter=path_text)
    dependencies: Sequence[str] = field(default=(), converter=path_texts)
    image_uri: str = ""
    framework: str = ""
    framework_version: str = ""
    py_version: str = ""
    command: Sequence[str] = ()
    arguments: Sequence[str] = ()
    hyperparameters: Mapping[str, Any] = Factory(dict)
    environment: Mapping[str, str] = Factory(dict)
    secrets: Mapping[str, str] = Factory(dict)
    instance_type: str | Mapping[str, str] = ""
    instance_count: int = 1
    volume_size: int | None = None
    distribution: str = "none"
    output_path: str = field(default="", converter=path_text)
    checkpoint_path: str = field(default="", converter=path_text)
    max_run: int = 86400
    max_wait: int | None = None
    base_job_name: str = ""
    tags: Mapping[str, str] = Factory(dict)
    description: str = ""
    metric_definitions: Mapping[str, str] = Factory(dict)
    convention: str = "sagemaker"
    options: Mapping[str, Mapping[str, Any]] = Factory(dict)
    backend: str | None = None
    profile: str | None = None
    latest_job: Job | None = field(default=None, init=False)
    _session: Session | None = field(default=None, init=False)

    @named_arguments
    def fit(
        self,
        inputs: Inputs = None,
        wait: bool = True,
        logs: bool = True,
        job_name: str | None = None,
        tensorboard: bool = False,
        version_of: Job | str | None = None,
    ) -> Job:
        """Train.

        Args:
            inputs: URI or local path by channel; a text alone is the channel `training`.
            wait: Whether to return only when the job has ended; anything but success then raises.
            logs: Whether to print phases and log lines while waiting.
            job_name: The job's name; one that ends in the time by default.
            tensorboard: Start TensorBoard on the job's output folder.
            version_of: Make a new version of this job instead of a job of its own.

        Raises `JobFailed` (with a report), `JobStopped`, or what is wrong with the estimator. Ctrl-C while
        waiting detaches; the job goes on.
        """
        from anyfit.console import Console, silent
        from anyfit.training import start, watch

        if tensorboard and not wait:
            raise UsageError("tensorboard: needs wait=True", hint="or run: anyfit attach --tensorboard NAME")
        console = Console() if wait and logs else silent()
        job = start(self, inputs, job_name=job_name, version_of=version_of, console=console)
        if wait:
            watch(job, console=console, logs=logs, tensorboard=tensorboard)
        return job

    @named_arguments
    def plan(
        self,
        inputs: Inputs = None,
        job_name: str | None = None,
        version_of: Job | str | None = None,
    ) -> Plan:
        """What `fit` would do and send, without doing it."""
        from anyfit.training import plan_only

        return plan_only(self, inputs, job_name=job_name, version_of=version_of)

    @classmethod
    @named_arguments
    def attach(
        cls, name_or_ref: str | JobRef | None = None, *, backend: str | None = None, profile: str | None = None
    ) -> Estimator:
        """The estimator of a job that was submitted earlier or elsewhere; `latest_job` is the job.

        Its name is looked up in the journal, else on the backend. Without one the newest job is meant.
        """
        from anyfit.session import Session

        session = Session.open(backend=backend, profile=profile)
        session.reconcile()
        job = find_job(session, name_or_ref)
        estimator = cls.of_job(job)
        estimator.latest_job = job
        return estimator

    @named_arguments
    def jobs(self, *, limit: int | None = 20) -> list[Job]:
        """This estimator's backend's jobs in the journal, newest first; all of them where the limit is None."""
        from anyfit.validate import check_count

        check_count("limit", limit)
        session = self.session()
        rows = session.journal.jobs(backend=session.backend().name, limit=-1 if limit is None else limit)
        return [find_job(session, row.ref) for row in rows if row.ref]

    @named_arguments
    def register(
        self,
        *,
        model_name: str = "",
        model_version: str = "",
        entry_point: str = "",
        source_dir: str | PathLike[str] = "",
        environment: Mapping[str, str] | None = None,
        description: str = "",
        options: Mapping[str, Mapping[str, Any]] | None = None,
        wait: bool = True,
    ) -> Model:
        """Make a model version of the latest job's result.

        Args:
            model_name: The job's name by default.
            model_version: Counted by the backend by default.
            entry_point: The inference script; `inference.py` by default, where the code has one.
            source_dir: Where it is; the job's own code by default.
            environment: Variables for the server.
            description: For people.
            options: What only one backend knows, by backend; the job's own by default, name by name.
            wait: Whether to return only when it can be deployed.
        """
        from anyfit.registering import register_job
        from anyfit.validate import check_arguments

        check_arguments(
            model_name=model_name,
            model_version=model_version,
            entry_point=entry_point,
            source_dir=path_text(source_dir),
            environment=environment,
            description=description,
            options=options,
        )
        return register_job(
            self._finished_job(),
            model_name=model_name,
            model_version=model_version,
            entry_point=entry_point,
            source_dir=path_text(source_dir),
            environment=environment or {},
            description=description,
            options=options,
            wait=wait,
        )

    @named_arguments
    def deploy(
        self,
        initial_instance_count: int = 1,
        instance_type: str = "",
        endpoint_name: str = "",
        *,
        model_name: str = "",
        entry_point: str = "",
        source_dir: str | PathLike[str] = "",
        environment: Mapping[str, str] | None = None,
        description: str = "",
        tags: Mapping[str, str] | None = None,
        options: Mapping[str, Mapping[str, Any]] | None = None,
        wait: bool = True,
    ) -> Predictor:
        """Serve the latest job's model.

        Args:
            initial_instance_count: How many servers (on `local`: worker processes).
            instance_type: As for training.
            endpoint_name: The job's name by default.
            model_name: As in `register`, which this calls first.
            entry_point: As in `register`.
            source_dir: As in `register`.
            environment: Variables for the server.
            description: The endpoint's, for people.
            tags: The endpoint's, for people and bills.
            options: What only one backend knows of the model and the endpoint, by backend.
            wait: Whether to return only when it answers.
        """
        from anyfit.model import deploy_new
        from anyfit.options.by_backend import own_options
        from anyfit.spec import EndpointSpec, Variant
        from anyfit.validate import check_arguments

        check_arguments(
            instance_type=instance_type,
            endpoint_name=endpoint_name,
            model_name=model_name,
            entry_point=entry_point,
            source_dir=path_text(source_dir),
            environment=environment,
            description=description,
            tags=tags,
            options=options,
        )
        job = self._finished_job()
        variant = Variant(model="", instance_type=instance_type, instance_count=initial_instance_count)
        spec = EndpointSpec(
            name=endpoint_name or job.spec.key.replace(".", "-"),
            variants=(variant,),
            description=description,
            tags=dict(tags or {}),
            options=own_options(options, job.backend.name),
        )

        def register() -> Model:
            return self.register(
                model_name=model_name,
                entry_point=entry_point,
                source_dir=source_dir,
                environment=environment,
                options=options,
                wait=False,
            )

        return deploy_new(job, spec, register, wait=wait)

    def changed(self, **changes: Any) -> Estimator:
        """A copy with some fields changed."""
        known = [name for name in attrs.fields_dict(type(self)) if name not in ("latest_job", "_session")]
        for name in changes:
            if name not in known:
                raise UnknownArgument(f"Estimator has no field {name!r}", hint=nearest(name, known))
        copy = attrs.evolve(self, **changes)
        if "backend" not in changes and "profile" not in changes:
            copy._session = self._session
        return copy

    @classmethod
    def of_job(cls, job: Job) -> Estimator:
        """The estimator that a job came from, as far as its spec tells; it runs where the job ran."""
        spec, session, backend = job.spec, job.session, job.ref.backend
        same = {name for name in attrs.fields_dict(type(spec)) if name in attrs.fields_dict(cls)}
        estimator = cls(
            **{name: getattr(spec, name) for name in same - {"options"}},
            source_dir=spec.code.archive if spec.code else "",
            image_uri=spec.image,
            options={backend: spec.options} if spec.options else {},
            base_job_name=without_time(spec.name),
            backend=backend,
            profile=session.profile,
        )
        estimator._session = session
        return estimator

    def session(self) -> Session:
        """The configuration, journal and backends that this estimator works with."""
        from anyfit.session import Session

        if self._session is None:
            self._session = Session.open(backend=self.backend, profile=self.profile)
        return self._session

    def __repr__(self) -> str:
        from anyfit.code.git import masked

        shown = [
            f"{name}={masked(repr(getattr(self, name)))}"
            for name in ("entry_point", "source_dir", "framework", "image_uri", "instance_type", "backend")
            if getattr(self, name)
        ]
        return f"Estimator({', '.join(shown)})"

    def _finished_job(self) -> Job:
        if self.latest_job is None:
            raise UsageError("there is no job to deploy yet", hint="call fit first, or Estimator.attach(name)")
        self.latest_job.raise_unless_succeeded()
        if not self.latest_job.finished:
            key = self.latest_job.spec.key
            raise UsageError(f"job {key} has not ended yet", hint=f"latest_job.wait(), or anyfit attach {key}")
        return self.latest_job


# attrs wrote the initialiser, so it is wrapped here and not by a decorator above it.
Estimator.__init__ = named_arguments(Estimator.__init__)  # type: ignore[method-assign]
