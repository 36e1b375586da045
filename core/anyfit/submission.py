"""From a spec to a submitted job: prepare, plan, stage, write down, submit."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from attrs import evolve

from anyfit.backend import Feature, Match, Note, Plan
from anyfit.errors import AuthError, ServiceError, SpecError, nearest
from anyfit.intents import JobIntent, ask_once
from anyfit.job import Job
from anyfit.names import check_name
from anyfit.secret import resolved
from anyfit.spec import JobSpec

if TYPE_CHECKING:
    from anyfit.backend import Backend
    from anyfit.session import Session
    from anyfit.storage.options import OnProgress

__all__ = ["NotSubmitted", "Progress", "check_spec", "make_plan", "outline", "submit"]

Progress = Callable[[str, float, str], None]
"""Told of each phase that is over: its name, its seconds, and what was done."""


_ANY_BUCKET = "YOUR-BUCKET"
_OFFERED = ("instance_type: ", "instance_count: ", "framework", "options.")


def make_plan(session: Session, backend: Backend, spec: JobSpec) -> Plan:
    """What submitting would do, after every observer has had its say."""
    from anyfit.inputs import measured
    from anyfit.plugins import observers

    spec = observers().prepare_job(spec)
    check_spec(spec, backend)
    return _planned(session, backend, measured(spec, backend))


def outline(session: Session, backend: Backend, spec: JobSpec) -> Plan:
    """What `make_plan` answers; without an account, or without its bucket, what can be told without."""
    from anyfit.cloud.places import NoBucket

    try:
        return _with_or_without_account(session, backend, spec, has_bucket=True)
    except NoBucket as fault:
        from anyfit.session import Session

        known = Session(session.config.with_setting(backend.name, "bucket", _ANY_BUCKET))
        plan = _with_or_without_account(known, known.backend(backend.name), spec, has_bucket=False)
        text = f"{_ANY_BUCKET} stands for one, which fit needs: {fault.hint}"
        return evolve(plan, notes=(Note("bucket", Match.NONE, text), *plan.notes))


def _with_or_without_account(session: Session, backend: Backend, spec: JobSpec, *, has_bucket: bool) -> Plan:
    from anyfit.inputs import measured_here
    from anyfit.plugins import observers
    from anyfit.stage import with_what_is_there

    spec = observers().prepare_job(spec)
    check_spec(spec, backend)
    measured, unknown = _measured_if_possible(spec, backend)
    try:
        plan = _planned(session, backend, measured)
    except (AuthError, ServiceError) as fault:
        catalog = backend.shipped_catalog()
        if catalog is None:
            raise
        plan = backend.plan(measured_here(spec, backend), catalog)
        as_of = f" of {catalog.as_of:%Y-%m-%d}" if catalog.as_of else ""
        text = f"the list{as_of} that came with anyfit, for {backend.name} could not be asked: {fault.message}"
        return evolve(plan, notes=(Note("instance_type", Match.NEAR, text), *plan.notes))
    if has_bucket:
        plan = with_what_is_there(backend, plan)
    return evolve(plan, notes=(*unknown, *plan.notes))


def _measured_if_possible(spec: JobSpec, backend: Backend) -> tuple[JobSpec, tuple[Note, ...]]:
    """The spec with all inputs measured, or where a store does not answer those of this machine, and which that is."""
    from anyfit.inputs import measured, measured_here

    try:
        return measured(spec, backend), ()
    except (AuthError, ServiceError) as fault:
        field, _, reason = fault.message.partition(": ")
        note = Note(field, Match.NEAR, f"nobody could look how much it is: {reason}")
        return measured_here(spec, backend), (note,)


def _planned(session: Session, backend: Backend, spec: JobSpec) -> Plan:
    """With the catalog that is kept, or a fresh one where that does not do."""
    from anyfit.offers import catalog_of, kept_catalog

    home = session.config.home
    kept = kept_catalog(home, backend)
    if kept is None:
        return backend.plan(spec, catalog_of(home, backend))
    try:
        return backend.plan(spec, kept)
    except SpecError as fault:
        if not fault.message.startswith(_OFFERED):
            raise
    return backend.plan(spec, catalog_of(home, backend, refresh=True))  # what was not offered then may be by now


def check_spec(spec: JobSpec, backend: Backend) -> None:
    """Refuse what no plan could mend, naming the field."""
    can = backend.capabilities
    check_name(spec.name, can, "job_name")
    if spec.image:
        backend.require(Feature.CUSTOM_IMAGE)
    if spec.framework:
        backend.require(Feature.FRAMEWORKS)
    if spec.instance_count > 1:
        backend.require(Feature.MULTI_NODE)
    if spec.version > 1:
        backend.require(Feature.VERSIONS)
    if spec.secrets:
        backend.require(Feature.SECRETS)
    if spec.checkpoint_path:
        backend.require(Feature.CHECKPOINTS)
    _check_places(spec)
    if spec.code and spec.code.size > can.max_code_mib * 1024**2:
        largest = ", ".join(f"{name} ({size / 1024**2:.1f} MiB)" for name, size in spec.code.largest)
        raise SpecError(
            f"source_dir: the code is {spec.code.size / 1024**2:.1f} MiB packed,"
            f" {backend.name} takes {can.max_code_mib} MiB",
            hint="pass data as an input, or name files in .anyfitignore, or in .gitignore where there is none;"
            f" the largest are {largest}",
        )


def _check_places(spec: JobSpec) -> None:
    """Refuse a URI that no store answers to before a job has run for it."""
    from anyfit.storage.opening import known_schemes

    known = known_schemes()
    places = {"output_path": spec.output_path, "checkpoint_path": spec.checkpoint_path}
    places |= {f"inputs.{name}": channel.uri for name, channel in spec.inputs.items()}
    for field, uri in places.items():
        scheme = uri.partition("://")[0]
        if uri and scheme != "file" and scheme not in known:
            hint = nearest(scheme, known) or f"there are: {', '.join(known)}"
            raise SpecError(f"{field}: nothing stores {scheme}:// here", hint=hint)


class NotSubmitted(KeyboardInterrupt):
    """Ctrl-C while the job's inputs were on their way: the platform was not asked for anything yet."""

    exit_code = 130


def submit(
    session: Session, backend: Backend, plan: Plan, progress: Progress, *, on_transfer: OnProgress | None = None
) -> Job:
    """Write the intent down, stage, submit, write the reference down; see `ask_once` for what may go wrong.

    `progress` is told of each phase that is over, `on_transfer` how far an input is that has to be moved.
    """
    from anyfit.plugins import observers
    from anyfit.stage import check_inputs, stage

    resolved(plan.spec.secrets)  # what is missing is told before anything is made
    began = time.monotonic()

    def prepare() -> None:
        nonlocal began
        try:
            check_inputs(backend, plan.spec)
            staged = stage(backend, plan, on_transfer)
        except KeyboardInterrupt:
            raise NotSubmitted from None
        progress("upload", time.monotonic() - began, staged)
        began = time.monotonic()

    ref = ask_once(
        JobIntent(session, backend, plan),
        prepare=prepare,
        send=lambda: backend.submit(plan),
        find=lambda: backend.find(plan.spec.key),
    )
    progress("submit", time.monotonic() - began, str(ref))
    observers().job_submitted(ref, plan.spec)
    return Job(session, backend, ref, plan.spec)
