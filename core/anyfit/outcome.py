"""A finished job in a few lines."""

from __future__ import annotations

from typing import TYPE_CHECKING

from anyfit.artifacts import model_folder
from anyfit.backend import Feature
from anyfit.errors import NotFound
from anyfit.show import size_text

if TYPE_CHECKING:
    from anyfit.job import Job

__all__ = ["outcome_lines"]


def outcome_lines(job: Job) -> list[str]:
    """Metrics, where the model lies, and the next command."""
    key = job.spec.key
    artifacts = job.artifacts()
    lines = [f"{job.state.status.value} {job.ref}", *_metric_lines(job)]
    try:
        size = sum(a.size or 0 for a in artifacts if a.name.startswith("model/"))
        lines.append(f"model: {_readable(model_folder(artifacts, key))} ({size_text(size)})")
        lines.append(f"next: anyfit deploy {key}")
    except NotFound:
        lines.append("it left no model; a script saves one into the folder named by ANYFIT_MODEL_DIR")
        lines.append(f"next: anyfit logs {key}")
    return lines


def _metric_lines(job: Job) -> list[str]:
    if not job.spec.metric_definitions or not job.backend.capabilities.can(Feature.METRICS):
        return []
    shown = [f"{s.name} {s.points[-1].value:g}" for s in job.metrics() if s.points]
    return [f"metrics: {', '.join(shown)}"] if shown else []


def _readable(uri: str) -> str:
    """A path where the URI is one of this machine."""
    from anyfit.storage import Uri

    parsed = Uri.parse(uri)
    return str(parsed.path) if parsed.is_local else uri
