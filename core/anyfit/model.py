"""Registered models."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from attrs import evolve

from anyfit.arguments import named_arguments
from anyfit.backend import Feature, ModelInfo, ModelRef, ModelStatus
from anyfit.errors import AnyfitError, NotFinished, NotFound, ServiceError, nearest
from anyfit.names import named_text
from anyfit.options.by_backend import own_options
from anyfit.spec import EndpointSpec, Variant

if TYPE_CHECKING:
    from anyfit.backend import Backend
    from anyfit.job import Job
    from anyfit.predictor import Predictor
    from anyfit.session import Session

__all__ = ["Model", "deploy_new", "find_model"]

_PREPARE_SECONDS = 1800.0


class Model:
    """A model version that can be deployed.

    Attributes:
        name: The model's name.
        version: Its version.
        ref: Finds it from anywhere.
        status: How it was when it was last looked at.
    """

    def __init__(self, session: Session, backend: Backend, info: ModelInfo, job: str = "") -> None:
        self.session = session
        self.backend = backend
        self.name = info.name
        self.version = info.version
        self.ref = info.ref
        self.status = info.status
        self._job = job

    @named_arguments
    def deploy(
        self,
        initial_instance_count: int = 1,
        instance_type: str = "",
        endpoint_name: str = "",
        *,
        environment: Mapping[str, str] | None = None,
        description: str = "",
        tags: Mapping[str, str] | None = None,
        options: Mapping[str, Mapping[str, Any]] | None = None,
        wait: bool = True,
    ) -> Predictor:
        """Serve this model version; see `Estimator.deploy` for the arguments."""
        from anyfit.predictor import deploy_endpoint
        from anyfit.validate import check_arguments

        check_arguments(
            instance_type=instance_type,
            endpoint_name=endpoint_name,
            environment=environment,
            description=description,
            tags=tags,
            options=options,
        )
        variant = Variant(
            model=str(self.ref),
            instance_type=instance_type,
            instance_count=initial_instance_count,
            environment=environment or {},
        )
        spec = EndpointSpec(
            name=endpoint_name or self.name,
            variants=(variant,),
            description=description,
            tags=dict(tags or {}),
            options=own_options(options, self.backend.name),
        )
        return deploy_endpoint(self.session, self.backend, spec, job=self._job, wait=wait)

    @property
    def info(self) -> ModelInfo:
        """How the version is now."""
        found = next((info for info in self.backend.models(self.name) if info.ref == self.ref), None)
        if found is None:
            raise NotFound(f"there is no model {self.ref}", hint="anyfit models lists them", backend=self.backend.name)
        return found

    @named_arguments
    def wait(self, timeout: float = _PREPARE_SECONDS) -> None:
        """Wait until the version can be deployed; `ServiceError` tells why it cannot."""
        deadline = time.monotonic() + timeout
        pause = self.backend.capabilities.poll_seconds
        while self.status != ModelStatus.READY:
            info = self.info
            self.status = info.status
            if info.status == ModelStatus.FAILED:
                raise self._failed(info.reason)
            if info.status != ModelStatus.READY:
                if time.monotonic() > deadline:
                    raise NotFinished(
                        f"model {self.name}:{self.version} is still {info.native or info.status.value}",
                        hint=f"look again: anyfit models {self.name}",
                    )
                time.sleep(pause)

    def _failed(self, reason: str) -> ServiceError:
        return ServiceError(
            f"model {self.name}:{self.version} is FAILED: {reason or 'no reason given'}",
            hint=f"mend what it is made of, and remove it: anyfit models delete {self.name}:{self.version}",
            backend=self.backend.name,
        )

    def delete(self) -> None:
        """Remove this version; a model that an endpoint serves stays until the endpoint is gone."""
        self.backend.delete_model(self.ref)

    def __repr__(self) -> str:
        return f"<Model {self.name} version {self.version}: {self.ref}>"


def deploy_new(job: Job, spec: EndpointSpec, register: Callable[[], Model], *, wait: bool) -> Predictor:
    """Serve a model version that is registered for it, and taken back if no endpoint comes of it.

    Args:
        job: The job whose model it is.
        spec: The endpoint; its only variant lacks the model.
        register: Asks for the model version, once it is certain that nothing speaks against the endpoint.
        wait: Whether to return only when the endpoint answers.
    """
    from anyfit.predictor import check_endpoint, deploy_endpoint

    job.session.reconcile()
    check_endpoint(job.session, job.backend, spec)
    model = register()
    try:
        model.wait()
    except ServiceError:
        with suppress(AnyfitError):
            model.delete()
        raise
    filled = evolve(spec, variants=tuple(evolve(variant, model=str(model.ref)) for variant in spec.variants))
    try:
        predictor = deploy_endpoint(job.session, job.backend, filled, job=str(job.ref), wait=False)
    except AnyfitError as fault:
        if not isinstance(fault, ServiceError) or not _known_endpoint(job, spec.name):
            with suppress(AnyfitError):
                model.delete()
        raise
    if wait:
        predictor.wait()
    return predictor


def _known_endpoint(job: Job, name: str) -> bool:
    """Whether there is an endpoint, or may be one."""
    rows = job.session.journal.endpoints(backend=job.backend.name, name=name)
    return any(row.place == job.backend.place for row in rows)


def find_model(session: Session, name_or_ref: str, backend: Backend | None = None) -> Model:
    """The model of that reference, `name:version`, or the newest version of that name on a backend."""
    name_or_ref = named_text("model", name_or_ref)
    backend = backend or session.backend()
    if "://" in name_or_ref:
        ref = ModelRef.parse(name_or_ref)
        backend = session.reach(ref)
    name, _, version = name_or_ref.partition(":") if "://" not in name_or_ref else ("", "", "")
    backend.require(Feature.MODELS)
    for info in backend.models(name):
        if name_or_ref == str(info.ref) or (name and version in ("", info.version)):
            return Model(session, backend, info, info.job)
    known = [info.name for info in backend.models()]
    raise NotFound(
        f"there is no model {name_or_ref!r} on {backend.name}",
        hint=nearest(name, known) or "anyfit models lists them",
    )
