"""Sending a plan, once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import attrs

from anyfit.backend import Plan
from anyfit.errors import Conflict, NotFound, ServiceError, SpecError
from anyfit.secret import revealed
from anyfit.spec import JobSpec
from anyfit_modelarts.blame import of_field
from anyfit_modelarts.finding import Finder, is_made_from
from anyfit_modelarts.training.v1 import ids_of
from anyfit_modelarts.translate.work import options_of

__all__ = ["submit"]

Body = Mapping[str, Any]


def submit(plan: Plan, finder: Finder) -> str:
    """Start the job; its id. An answer that was lost is looked up by name, and never asked for twice."""
    spec, request = plan.spec, plan.requests[0]
    api = request.action.split("/")[1]
    finder = finder.within(_workspace(request.body))
    body = revealed(request.body, spec.secrets)
    try:
        if request.action.endswith("/versions"):
            return _new_version(spec, body, finder)
        return finder.v1.create(body) if api == "v1" else finder.v2.create(body)
    except ServiceError:
        found = finder.of_key(api, spec.key)
        if not found:
            raise
        if not is_made_from(found[0], request.body):
            raise _conflict(spec.key) from None
        return found[0].id
    except (SpecError, NotFound) as fault:
        raise of_field(fault, spec, attrs.asdict(options_of(spec.options))) from None


def _new_version(spec: JobSpec, body: Body, finder: Finder) -> str:
    job = finder.v1.job_named(spec.name)
    if job is None:
        raise NotFound(
            f"there is no job {spec.name!r} to make a version of", hint="fit it without version_of", backend="modelarts"
        )
    if finder.of_key("v1", spec.key):
        raise _conflict(spec.key)
    config = dict(body["config"])
    if not config["pre_version_id"]:
        config["pre_version_id"] = ids_of(finder.v1.get(str(job)).id)[1]
    return finder.v1.create_version(job, {**body, "config": config}, f"new version of job {spec.name}")


def _workspace(body: Body) -> str:
    named = str(body.get("workspace_id") or body.get("metadata", {}).get("workspace_id") or "")
    return "" if named == "0" else named


def _conflict(key: str) -> Conflict:
    return Conflict(
        f"job_name: there is already a job {key!r} on ModelArts",
        hint="choose another name, or make a new version of the job with version_of",
        backend="modelarts",
    )
