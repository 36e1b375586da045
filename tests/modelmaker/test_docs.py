"""The page about the backend says what the code does."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from anyfit_modelmaker.settings import Options, Settings
from anyfit_modelmaker.states import JOB_STATUS
from configured import assert_documented

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "backends" / "modelmaker.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("kind", [Settings, Options])
def test_every_key_is_documented(kind: type) -> None:
    """Each setting and option stands in its table, with its default and meaning."""
    assert_documented(PAGE, kind)


def test_every_state_is_documented() -> None:
    """Each word of the platform stands in the table of states."""
    for word, status in JOB_STATUS.items():
        assert re.search(rf"`{word}`.*\| .*{status.value}", PAGE)


def test_plans_are_as_shown() -> None:
    """The plans on the page have the members of the golden ones."""
    shown = [json.loads(text) for text in re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL)]
    golden = ROOT / "tests" / "golden" / "modelmaker"
    for body, name in zip(shown, ("custom", "preset", "basic"), strict=True):
        wanted = json.loads((golden / f"{name}.json").read_text())["requests"][0]["body"]

        assert set(body) == set(wanted)
