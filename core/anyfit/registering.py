"""Making model versions: of what a job has left, and of files that lie somewhere."""

from __future__ import annotations

import tarfile
from collections.abc import Mapping
from os import PathLike
from typing import TYPE_CHECKING, Any

from attrs import evolve

from anyfit.arguments import named_arguments
from anyfit.artifacts import model_folder
from anyfit.backend import Feature, ModelInfo
from anyfit.errors import SpecError, UsageError, nearest
from anyfit.intents import ModelIntent, ask_once
from anyfit.model import Model
from anyfit.names import check_name
from anyfit.options.by_backend import own_options
from anyfit.pathtext import path_text
from anyfit.spec import Code, ModelSpec

if TYPE_CHECKING:
    from anyfit.backend import Backend
    from anyfit.job import Job
    from anyfit.session import Session

__all__ = ["register_job", "register_model", "registered"]

_HANDLER = "inference.py"


def register_job(
    job: Job,
    *,
    model_name: str,
    model_version: str,
    entry_point: str,
    source_dir: str,
    environment: Mapping[str, str],
    description: str,
    options: Mapping[str, Mapping[str, Any]] | None = None,
    wait: bool = True,
) -> Model:
    """Make a model version of a job's result; what `options` leave out is as it was for the job."""
    backend = job.backend
    backend.require(Feature.MODELS)
    code, handler = _handler(job, entry_point, source_dir)
    spec = ModelSpec(
        name=model_name or job.spec.key.replace(".", "-"),
        version=model_version,
        artifact=model_folder(job.artifacts(), job.spec.key),
        job=str(job.ref),
        code=code,
        entry_point=handler,
        image=job.spec.image,
        framework=job.spec.framework,
        framework_version=job.spec.framework_version,
        py_version=job.spec.py_version,
        environment=dict(environment),
        description=description,
        options={**job.spec.options, **own_options(options, backend.name)},
    )
    return registered(job.session, backend, spec, wait=wait)


@named_arguments
def register_model(
    artifact: str | PathLike[str],
    *,
    model_name: str,
    model_version: str = "",
    backend: str | None = None,
    profile: str | None = None,
    entry_point: str = "",
    source_dir: str | PathLike[str] = "",
    framework: str = "",
    framework_version: str = "",
    py_version: str = "",
    image_uri: str = "",
    environment: Mapping[str, str] | None = None,
    description: str = "",
    options: Mapping[str, Mapping[str, Any]] | None = None,
    wait: bool = True,
) -> Model:
    """Make a model version of files that no job has left.

    Args:
        artifact: The folder with the model's files: a URI that the backend can read, or a path here.
        model_name: What it shall be called.
        model_version: Counted by the backend by default.
        backend: Where; the configured one by default.
        profile: The profile of the configuration to use.
        entry_point: The inference script; `inference.py` by default.
        source_dir: Where it is; without it the backend's own handler answers.
        framework, framework_version, py_version: The platform's image to serve in.
        image_uri: An image of one's own, instead.
        environment: Variables for the server.
        description: For people.
        options: What only one backend knows, by backend.
        wait: Whether to return only when it can be deployed.
    """
    from anyfit.session import Session
    from anyfit.storage import Uri
    from anyfit.validate import check_arguments

    check_arguments(
        artifact=path_text(artifact),
        model_name=model_name,
        model_version=model_version,
        entry_point=entry_point,
        source_dir=path_text(source_dir),
        framework=framework,
        framework_version=framework_version,
        py_version=py_version,
        image_uri=image_uri,
        environment=environment,
        description=description,
        options=options,
    )
    session = Session.open(backend=backend, profile=profile)
    session.reconcile()
    chosen = session.backend()
    chosen.require(Feature.MODELS)
    if entry_point and not source_dir:
        raise SpecError(f"entry_point: {entry_point} has no code to lie in", hint="name its source_dir")
    code, handler = _packed(session, entry_point, path_text(source_dir)) if source_dir else (None, "")
    spec = ModelSpec(
        name=model_name,
        version=model_version,
        artifact=str(Uri.parse(artifact)),
        code=code,
        entry_point=handler,
        image=image_uri,
        framework=framework,
        framework_version=framework_version,
        py_version=py_version,
        environment=dict(environment or {}),
        description=description,
        options=own_options(options, chosen.name),
    )
    return registered(session, chosen, spec, wait=wait)


def registered(session: Session, backend: Backend, spec: ModelSpec, *, wait: bool) -> Model:
    """Write the intent down, register, and wait if asked; see `ask_once` for what may fail."""
    check_name(spec.name, backend.capabilities, "model_name")
    intent = ModelIntent(session, backend, spec)
    ref = ask_once(intent, send=lambda: backend.register(spec), find=intent.find)
    known = ModelInfo(ref=ref, name=spec.name, version=spec.version)  # not every platform lists what it has
    info = next((i for i in backend.models(spec.name) if i.ref == ref), known)
    model = Model(session, backend, info, spec.job)
    if wait:
        model.wait()
    return model


def _handler(job: Job, entry_point: str, source_dir: str) -> tuple[Code | None, str]:
    """The inference code and its script: what was asked for, else the job's own, else none."""
    if source_dir:
        return _packed(job.session, entry_point, source_dir)
    here = _code_here(job)
    names = _names_in(here)
    if entry_point and entry_point not in names:
        raise SpecError(
            f"entry_point: the code of job {job.spec.key} has no {entry_point}",
            hint=nearest(entry_point, names) or "name the source_dir that holds it",
        )
    wanted = entry_point or next((name for name in job.backend.capabilities.handlers if name in names), "")
    return (here, wanted) if wanted else (None, "")


def _packed(session: Session, entry_point: str, source_dir: str) -> tuple[Code | None, str]:
    from anyfit.code.bundle import pack_code

    core = session.config.core
    folder = session.config.home / "bundles"
    return pack_code(entry_point or _HANDLER, source_dir, (), folder, allow_secrets=core.allow_secrets)


def _code_here(job: Job) -> Code | None:
    """The job's code, brought to this machine when it lies in the backend's store."""
    code = job.spec.code
    if code is None or "://" not in code.archive:
        return code
    from anyfit.code.remote import bring_archive

    folder = job.session.config.home / "bundles"
    return evolve(code, archive=str(bring_archive(job.backend, code.archive, folder, digest=code.digest)))


def _names_in(code: Code | None) -> list[str]:
    if code is None:
        return []
    try:
        with tarfile.open(code.archive) as tar:
            return tar.getnames()
    except FileNotFoundError:
        raise UsageError(
            "source_dir: the job's code is not on this machine",
            hint="name the source_dir that holds the inference script",
        ) from None
