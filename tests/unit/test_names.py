"""Names of jobs."""

from __future__ import annotations

import re
from datetime import datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anyfit.backend import Capabilities
from anyfit.errors import SpecError
from anyfit.keys import job_key, key_parts
from anyfit.names import check_name, timestamped

NOW = datetime(2026, 11, 21, 7, 0, 35, 123456, tzinfo=timezone.utc)


def test_readable() -> None:
    """A generated name tells what and when."""
    assert timestamped("mnist", NOW) == "mnist-2026-11-21-07-00-35-123"
    assert timestamped("My Script_2.py", NOW) == "My-Script-2-py-2026-11-21-07-00-35-123"


@given(st.text(), st.datetimes())
def test_always_valid(base: str, now: datetime) -> None:
    """Whatever a script is called, the name is valid everywhere."""
    check_name(timestamped(base, now), Capabilities(), "job_name")


@given(st.text(), st.integers(1, 10**9))
def test_later_names_differ(base: str, milliseconds: int) -> None:
    """Names of different milliseconds differ, and sort by time."""
    later = timestamped(base, NOW + timedelta(milliseconds=milliseconds))

    assert later > timestamped(base, NOW)


@pytest.mark.parametrize("name", ["", "-a", "a-", "a b", "a/b", "名", "a" * 64, "a\n", "a.b"])
def test_invalid(name: str) -> None:
    """An invalid name is refused by its field, with the rule in words."""
    with pytest.raises(SpecError, match=rf"^job_name: {re.escape(repr(name))} is no valid name") as caught:
        check_name(name, Capabilities(), "job_name")

    assert "1 to 63 letters" in caught.value.hint


@pytest.mark.parametrize(
    ("key", "parts"),
    [("mnist", ("mnist", 1)), ("mnist.v12", ("mnist", 12)), ("a.vb", ("a.vb", 1)), ("a.v²", ("a.v²", 1))],
)
def test_keys(key: str, parts: tuple[str, int]) -> None:
    """A job's key is its name, and its version where there is more than one."""
    assert key_parts(key) == parts
    assert job_key(*parts) == key
