"""A finished job in a few lines."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from anyfit.artifacts import model_folder
from anyfit.backend import Feature, JobState, Status
from anyfit.errors import NotFound
from anyfit.phases import Phases
from anyfit.show import seconds_text, size_text, uri_text

if TYPE_CHECKING:
    from anyfit.job import Job

__all__ = ["outcome_lines", "outcome_record", "phase_lines", "result_facts"]


def outcome_lines(job: Job) -> list[str]:
    """Metrics, where the model lies, and the next command."""
    key = job.spec.key
    artifacts = job.artifacts()
    lines = [f"{job.state.status.value} {job.ref}", *_metric_lines(job)]
    try:
        size = sum(a.size or 0 for a in artifacts if a.name.startswith("model/"))
        lines.append(f"model: {uri_text(model_folder(artifacts, key))} ({size_text(size)})")
        lines.append(f"next: anyfit deploy {key}")
    except NotFound:
        lines.append("it left no model; a script saves one into the folder named by ANYFIT_MODEL_DIR")
        lines.append(f"next: anyfit logs {key}")
    return lines


def outcome_record(job: Job) -> dict[str, Any]:
    """The job as a JSON object, with its metrics' last values and, once it has succeeded, its model."""
    return job.to_json() | {"metrics": _last_values(job), "model": _model_uri(job)}


def result_facts(job: Job) -> list[tuple[str, str]]:
    """What has come out of the job so far, in words."""
    metrics = ", ".join(f"{name} {value:g}" for name, value in _last_values(job).items())
    model = _model_uri(job)
    return [("metrics", metrics), ("model", uri_text(model) if model else "")]


def phase_lines(state: JobState) -> list[str]:
    """The phases that are over, with their seconds."""
    return [f"{name} {seconds_text(seconds)}" for name, seconds in Phases().feed(state) if seconds is not None]


def _model_uri(job: Job) -> str | None:
    if job.state.status != Status.SUCCEEDED:
        return None
    try:
        return model_folder(job.artifacts(), job.spec.key)
    except NotFound:
        return None


def _last_values(job: Job) -> dict[str, float]:
    if not job.spec.metric_definitions or not job.backend.capabilities.can(Feature.METRICS):
        return {}
    return {series.name: series.points[-1].value for series in job.metrics() if series.points}


def _metric_lines(job: Job) -> list[str]:
    shown = [f"{name} {value:g}" for name, value in _last_values(job).items()]
    return [f"metrics: {', '.join(shown)}"] if shown else []
