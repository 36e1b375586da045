"""References are text, and what finds a thing again from anywhere."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anyfit.backend import EndpointRef, JobRef, ModelRef, Ref
from anyfit.errors import UsageError

KINDS = st.sampled_from([JobRef, ModelRef, EndpointRef])


@given(KINDS, st.from_regex(r"[a-z][a-z0-9_-]*", fullmatch=True), st.from_regex(r"[^/]+", fullmatch=True), st.text())
def test_there_and_back(kind: type[Ref], backend: str, region: str, tail: str) -> None:
    """Text and reference are each other's inverse, whatever a platform's ids look like."""
    ref = kind(backend, region, f"x{tail}")

    assert kind.parse(str(ref)) == ref


@given(st.text() | st.from_regex(r"[a-z]*(:?//?)[a-z/]*", fullmatch=True))
def test_any_text(text: str) -> None:
    """Any text either is a reference and comes back unchanged, or is refused."""
    try:
        ref = JobRef.parse(text)
    except UsageError:
        return

    assert str(ref) == text


@pytest.mark.parametrize("text", ["", "local", "local://", "local://here", "local://here/", "://here/1", "local:///1"])
def test_incomplete(text: str) -> None:
    """A text that lacks a part is refused with the form that it should have."""
    with pytest.raises(UsageError, match="backend://region/id"):
        JobRef.parse(text)


def test_kinds_differ() -> None:
    """A job and a model of one id are two things."""
    job, model = JobRef("local", "here", "1"), ModelRef("local", "here", "1")

    assert len({job, model}) == 2
