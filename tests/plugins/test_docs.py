"""The page on plugins tells of every hook, and its example works."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from anyfit.backend import JobRef, JobState, Status
from anyfit.plugins import observers
from anyfit.plugins.hooks import BackendHooks, ObserverHooks, StorageHooks
from anyfit.spec import JobSpec

PAGE = (Path(__file__).parents[2] / "docs" / "plugins.md").read_text(encoding="utf-8")
HOOKS = {
    name: function
    for hooks in (BackendHooks, StorageHooks, ObserverHooks)
    for name, function in vars(hooks).items()
    if name.startswith("anyfit_")
}


@pytest.mark.parametrize("name", sorted(HOOKS))
def test_every_hook_has_a_heading(name: str) -> None:
    """Each hook has a heading, followed by its parameters."""
    _, _, text = PAGE.partition(f"### `{name}`\n")
    parameters = [f"{p.name}: {p.annotation}" for p in inspect.signature(HOOKS[name]).parameters.values()][1:]

    assert text.startswith(f"`({', '.join(parameters)})")


def test_no_other_heading() -> None:
    """The page tells of no hook that does not exist."""
    assert set(re.findall(r"(?m)^### `(\w+)`$", PAGE)) == set(HOOKS)


def test_example(install: Callable[..., str], capsys: pytest.CaptureFixture[str]) -> None:
    """The example tags jobs and tells of their end."""
    install("anyfit.plugins", "costs", re.findall(r"(?s)```python\n(.*?)```", PAGE)[0])

    assert observers().prepare_job(JobSpec(name="mnist")).tags == {"cost-centre": "4711"}
    observers().job_finished(JobRef("local", "here", "1"), JobState(status=Status.SUCCEEDED))
    assert capsys.readouterr().out == "local://here/1 ended: SUCCEEDED\n"
