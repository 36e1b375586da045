"""The page on Python names every field and every public method."""

from __future__ import annotations

from pathlib import Path

import attrs
import pytest

from anyfit import Estimator, Job, Predictor

PAGE = (Path(__file__).parents[2] / "docs" / "python.md").read_text()
INNER = {
    Estimator: {"of_job", "session"},
    Job: {"ended", "log_pages", "observe", "poll_seconds", "raise_unless_succeeded", "refresh", "to_json"},
    Predictor: {"invoke", "to_json", "wait"},
}


@pytest.mark.parametrize("field", [f.name for f in attrs.fields(Estimator) if not f.name.startswith("_")])
def test_fields(field: str) -> None:
    """Each field of the estimator is there."""
    assert f"`{field}`" in PAGE


@pytest.mark.parametrize("cls", [Estimator, Job, Predictor])
def test_methods(cls: type) -> None:
    """Each public method is there, but for those that anyfit itself uses."""
    fields = {f.name for f in attrs.fields(cls)} if attrs.has(cls) else set()
    public = {name for name in vars(cls) if not name.startswith("_")} - fields - INNER[cls]

    assert [name for name in sorted(public) if f"`{name}`" not in PAGE and f"{name}(" not in PAGE] == []
