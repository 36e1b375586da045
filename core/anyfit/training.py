"""A `fit` from the estimator to the end of the job, told on a console."""

from __future__ import annotations

import time
from collections.abc import Mapping
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING

import attrs

from anyfit.backend import Feature, JobState, LogLine, Plan
from anyfit.code.alone import notes_on_what_stays
from anyfit.code.bundle import pack_code
from anyfit.code.pruning import prune_bundles
from anyfit.code.remote import bring_archive, is_remote
from anyfit.errors import SpecError
from anyfit.job import Job
from anyfit.names import timestamped
from anyfit.options.by_backend import check_backends, own_options
from anyfit.pathtext import path_text
from anyfit.spec import DEFAULT_CHANNEL, Channel, Code, JobSpec
from anyfit.submission import NotSubmitted, make_plan, outline, submit
from anyfit.validate import check_channels, check_estimator

if TYPE_CHECKING:
    from anyfit.backend import Backend
    from anyfit.console import Console
    from anyfit.estimator import Estimator, Inputs
    from anyfit.session import Session

__all__ = ["Detached", "plan_only", "start", "watch"]


class Detached(KeyboardInterrupt):
    """Ctrl-C while watching: the watcher has left, the job goes on."""

    exit_code = 101


def start(
    estimator: Estimator,
    inputs: Inputs,
    *,
    job_name: str | None,
    version_of: Job | str | None,
    console: Console,
) -> Job:
    """Submit the estimator's job."""
    session = estimator.session()
    for sentence in session.reconcile():
        console.say(sentence)
    began = time.monotonic()
    spec = make_spec(estimator, session, inputs, job_name, version_of)
    plan = _with_notes(make_plan(session, session.backend(), spec))
    console.phase("package", time.monotonic() - began, _packed(spec.code))
    for note in plan.notes:
        console.note(note)
    try:
        job = submit(session, session.backend(), plan, console.phase, on_transfer=console.transfer)
    except NotSubmitted:
        console.say("interrupted; nothing was submitted. The same again goes on with what is left to upload")
        raise
    except KeyboardInterrupt:
        console.say(f"interrupted; job {spec.key} may have been started all the same: anyfit jobs tells")
        raise
    estimator.latest_job = job
    return job


def plan_only(estimator: Estimator, inputs: Inputs, *, job_name: str | None, version_of: Job | str | None) -> Plan:
    """What `start` would submit, as far as can be told without an account."""
    session = estimator.session()
    spec = make_spec(estimator, session, inputs, job_name, version_of)
    return _with_notes(outline(session, session.backend(), spec))


def watch(job: Job, *, console: Console, logs: bool, tensorboard: bool) -> JobState:
    """Tell what happens until the job has ended; raises unless it succeeded. Ctrl-C detaches."""
    from anyfit.tensorboard import board
    from anyfit.watch import LostContact, follow

    console.watch_metrics(job.spec.metric_definitions)
    try:
        with board(job, console, wanted=tensorboard):
            for event in follow(job, logs=logs):
                if isinstance(event, JobState):
                    console.state(event)
                elif isinstance(event, LogLine):
                    console.log(event, several=job.spec.instance_count > 1)
                elif isinstance(event, LostContact):
                    console.say(f"lost contact, trying again: {event.reason}")
                else:
                    console.tick()
    except KeyboardInterrupt:
        console.detached(job.spec.key)
        raise Detached from None
    except BrokenPipeError:
        console.detached(job.spec.key)
        raise
    finally:
        console.settle()
    state = job.raise_unless_succeeded()
    console.succeeded(job)
    return state


def make_spec(
    estimator: Estimator,
    session: Session,
    inputs: Inputs,
    job_name: str | None,
    version_of: Job | str | None,
) -> JobSpec:
    """The estimator as a neutral value, with everything that has to be read from this machine's disk."""
    check_estimator(estimator)
    backend = session.backend()
    core = session.config.core
    code, entry_point = _code(estimator, session)
    name, version = _name(estimator, session, job_name, version_of)
    return JobSpec(
        name=name,
        version=version,
        entry_point=entry_point,
        command=tuple(estimator.command),
        arguments=tuple(estimator.arguments),
        code=code,
        image=estimator.image_uri,
        framework=estimator.framework,
        framework_version=estimator.framework_version,
        py_version=estimator.py_version,
        hyperparameters=dict(estimator.hyperparameters),
        environment=dict(estimator.environment),
        secrets=dict(estimator.secrets),
        inputs=_channels(inputs),
        instance_type=_instance_type(estimator, backend, core.instance_type),
        instance_count=estimator.instance_count,
        volume_size=estimator.volume_size,
        distribution=estimator.distribution,
        output_path=_absolute(estimator.output_path or core.output_path, "output_path"),
        checkpoint_path=_absolute(estimator.checkpoint_path or core.checkpoint_path, "checkpoint_path"),
        max_run=estimator.max_run,
        max_wait=estimator.max_wait,
        tags={**core.tags, **estimator.tags},
        description=estimator.description,
        metric_definitions=dict(estimator.metric_definitions),
        convention=estimator.convention,
        options=own_options(estimator.options, backend.name),
    )


def _with_notes(plan: Plan) -> Plan:
    """With what this machine alone can tell of the code, which no backend sees before it is packed."""
    return attrs.evolve(plan, notes=(*notes_on_what_stays(plan.spec.code), *plan.notes))


def _code(estimator: Estimator, session: Session) -> tuple[Code | None, str]:
    if not estimator.entry_point and not estimator.source_dir:
        return None, ""
    folder = session.config.home / "bundles"
    source = estimator.source_dir
    remote = is_remote(source)
    code, entry_point = pack_code(
        estimator.entry_point,
        str(bring_archive(session.backend(), source, folder)) if remote else source,
        estimator.dependencies,
        folder,
        allow_secrets=session.config.core.allow_secrets,
    )
    prune_bundles(folder, session.journal)
    return attrs.evolve(code, source=source) if remote else code, entry_point


def _name(
    estimator: Estimator, session: Session, job_name: str | None, version_of: Job | str | None
) -> tuple[str, int]:
    if version_of is not None:
        if job_name:
            raise SpecError("job_name: a new version keeps the job's name", hint="leave out one of the two")
        return _next_version(session, version_of)
    if job_name is not None:
        return job_name, 1
    stem = Path(estimator.entry_point).stem or estimator.framework or "job"
    return timestamped(estimator.base_job_name or stem, datetime.now(timezone.utc)), 1


def _next_version(session: Session, version_of: Job | str) -> tuple[str, int]:
    from anyfit.job import find_job

    job = version_of if isinstance(version_of, Job) else find_job(session, version_of)
    if job.ref.backend != session.backend().name:
        raise SpecError(
            f"version_of: {job.ref} is not on {session.backend().name}",
            hint=f"a new version runs where the job ran: choose the backend {job.ref.backend}",
        )
    session.backend().require(Feature.VERSIONS)
    version = job.spec.version + 1
    while session.backend().find(attrs.evolve(job.spec, version=version).key) is not None:
        version += 1
    return job.spec.name, version


def _channels(inputs: Inputs) -> dict[str, Channel]:
    if inputs is None:
        return {}
    named = inputs if isinstance(inputs, Mapping) else {DEFAULT_CHANNEL: inputs}
    check_channels(named)
    return {name: _channel(name, path_text(place)) for name, place in sorted(named.items())}


def _channel(name: str, text: str) -> Channel:
    uri = _absolute(text, f"inputs.{name}")
    if uri.startswith("file://"):
        from anyfit.storage import Uri

        path = Path(Uri.parse(uri).path)
        try:
            if not path.exists():
                raise SpecError(f"inputs.{name}: {text} does not exist", hint=f"looked for {path}")
        except OSError as fault:  # a folder that may not be searched, or a name that no disk takes
            raise SpecError(f"inputs.{name}: {text} cannot be read: {fault.strerror}") from fault
        if path.is_dir() and not uri.endswith("/"):
            uri += "/"
    return Channel(uri=uri)


def _absolute(text: str, field: str) -> str:
    """The canonical URI; a path on this machine becomes a `file://` URI, and "" stays ""."""
    if not text:
        return ""
    from anyfit.storage import Uri
    from anyfit.storage.opening import known_schemes

    scheme, _, rest = text.partition(":/")
    if scheme in known_schemes() and not rest.startswith("/"):
        raise SpecError(f"{field}: {text!r} is no URI: it lacks a slash", hint=f"write {scheme}://{rest}")
    try:
        return str(Uri.parse(text))
    except SpecError as fault:
        raise SpecError(f"{field}: {fault.message}", hint=fault.hint) from None


def _instance_type(estimator: Estimator, backend: Backend, default: str) -> str:
    """A table by backend names the backends that matter; the others take the configured default."""
    wanted = estimator.instance_type
    if isinstance(wanted, str):
        return wanted or default
    check_backends("instance_type", wanted, backend.name)
    return wanted.get(backend.name, default)


def _packed(code: Code | None) -> str:
    from anyfit.show import size_text

    if code is None:
        return "no code"
    largest = ", ".join(f"{name} {size_text(size)}" for name, size in code.largest)
    return f"{code.files} file{'s' if code.files != 1 else ''}, {size_text(code.size)} packed; largest: {largest}"
