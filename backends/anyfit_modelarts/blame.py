"""Which field of a job is to blame, where the platform's words name a place in OBS but not whose place it is."""

from __future__ import annotations

import re
from collections.abc import Mapping

from attrs import evolve

from anyfit.backend import Cause, JobState
from anyfit.errors import AnyfitError, SpecError
from anyfit.spec import JobSpec

__all__ = ["of_field", "with_input"]

_OPTIONS = ("code_dir", "log_path")


def with_input(state: JobState, spec: JobSpec) -> JobState:
    """The state of a job that could not be started, with the input that the platform names by its place."""
    field = _named(_inputs(spec), state.reason)
    if not field:
        return state
    return evolve(state, cause=Cause.INPUT, reason=f"{field} could not be fetched: {state.reason}")


def of_field(fault: AnyfitError, spec: JobSpec, options: Mapping[str, str]) -> AnyfitError:
    """The refusal of a job, with the field whose place it names, if it names one.

    Args:
        options: The backend's own options of the job.
    """
    more = {"output_path": spec.output_path, "checkpoint_path": spec.checkpoint_path}
    more |= {f"options.modelarts.{name}": options.get(name, "") for name in _OPTIONS}
    field = _named({**_inputs(spec), **more}, fault.message)
    if not field:
        return fault
    return SpecError(
        f"{field}: {fault.message}",
        hint=f"is what {field} names there, in the same region, and may ModelArts use it? anyfit ls shows what is",
        backend=fault.backend,
        status=fault.status,
        request_id=fault.request_id,
    )


def _inputs(spec: JobSpec) -> dict[str, str]:
    return {f"inputs.{name}": channel.uri for name, channel in spec.inputs.items()}


def _named(places: Mapping[str, str | None], text: str) -> str:
    """The field whose place the text has, however spelt; of places that lie in one another the longest counts."""
    found = [field for field, place in places.items() if place and _is_in(place, text)]
    return max(found, key=lambda field: len(places[field] or ""), default="")


def _is_in(uri: str, text: str) -> bool:
    place = uri.partition("://")[2].strip("/") or uri.strip("/")
    return bool(place) and re.search(rf"(?<![\w.-]){re.escape(place)}(?![\w-])", text) is not None
