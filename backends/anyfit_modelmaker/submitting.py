"""Sending a plan, once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from anyfit.backend import JobRef, Plan
from anyfit.errors import Conflict, NotFound, ServiceError
from anyfit.secret import revealed
from anyfit.spec import JobSpec
from anyfit_modelmaker.finding import Finder
from anyfit_modelmaker.wire import Version

__all__ = ["submit"]

Body = Mapping[str, Any]

_MEMBERS = ("type", "codeUrl", "output", "mirrorUrl", "command", "args", "dataUrl", "algorithmId", "resourceId")


def submit(plan: Plan, finder: Finder) -> JobRef:
    """Start the job; an answer that was lost is looked up by name, and never asked for twice."""
    spec, body = plan.spec, revealed(plan.requests[0].body, plan.spec.secrets)
    if spec.version > 1:
        return _new_version(spec, body, finder)
    try:
        made = finder.client.create_train(body)
    except ServiceError as fault:
        return _lost(spec, body, finder, fault)
    return _made(spec, body, finder, made.id, made.version_id)


def _new_version(spec: JobSpec, body: Body, finder: Finder) -> JobRef:
    job = finder.named(spec.name)
    if job is None:
        raise NotFound(
            f"there is no job {spec.name!r} to make a version of",
            hint="fit it without version_of",
            backend="modelmaker",
        )
    if finder.find(spec.key) is not None:
        raise _conflict(spec.key)
    try:
        made = finder.client.create_train_version(job, body)
    except ServiceError as fault:
        return _lost(spec, body, finder, fault)
    return _made(spec, body, finder, job, made.version_id)


def _made(spec: JobSpec, body: Body, finder: Finder, job: int, version: int) -> JobRef:
    finder.records.write(spec.key, job, version, body)
    return finder.ref(job, version)


def _lost(spec: JobSpec, body: Body, finder: Finder, fault: ServiceError) -> JobRef:
    """Nobody knows whether the job was made: look."""
    found = finder.listed(spec.key)
    if found is None:
        raise fault
    if not _is_made_from(found, body):
        raise _conflict(spec.key)
    return _made(spec, body, finder, found.id, found.version_id)


def _is_made_from(found: Version, body: Body) -> bool:
    """Whether a version was made from this very body, as far as the platform tells, and it has to tell a place.

    The place of anyfit's code holds a digest of everything; what the user has named may have been used before.
    """
    place = "codeUrl" if body.get("codeUrl") else "output"
    told = [member for member in _MEMBERS if found.raw.get(member) not in (None, "")]
    return place in told and all(str(found.raw[member]) == str(body.get(member)) for member in told)


def _conflict(key: str) -> Conflict:
    return Conflict(
        f"job_name: there is already a job {key!r} on ModelMaker",
        hint="choose another name, or make a new version of the job with version_of",
        backend="modelmaker",
    )
