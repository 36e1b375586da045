"""What kept a job's script from running, as far as the platform's words tell."""

from __future__ import annotations

import re
from collections.abc import Mapping

from attrs import evolve

from anyfit.backend import Cause, JobState
from anyfit.spec import Channel

__all__ = ["with_input"]


def with_input(state: JobState, inputs: Mapping[str, Channel]) -> JobState:
    """The state of a job that could not be started, with the input that the platform names by its place.

    Of places that lie in one another the longest one counts.
    """
    found = [name for name, channel in inputs.items() if _is_named(channel.uri, state.reason)]
    if not found:
        return state
    name = max(found, key=lambda each: len(inputs[each].uri))
    return evolve(state, cause=Cause.INPUT, reason=f"inputs.{name} could not be fetched: {state.reason}")


def _is_named(uri: str, text: str) -> bool:
    """Whether a text has the place, in whatever spelling of its scheme."""
    place = uri.partition("://")[2].rstrip("/")
    return bool(place) and re.search(rf"(?<![\w.-]){re.escape(place)}(?![\w-])", text) is not None
