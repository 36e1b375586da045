"""The page about the backend says what the code does."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from anyfit_ti.settings import Options, Settings
from anyfit_ti.states import EMS_STATUS, SECONDARY_2019, SERVICE_STATUS, STATUS_2021
from anyfit_ti.vendor import _IN_CONTAINERS, _VARIABLES
from configured import assert_documented

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "backends" / "ti.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("kind", [Settings, Options])
def test_every_key_is_documented(kind: type) -> None:
    """Each setting and option stands in its table, with its default and meaning."""
    assert_documented(PAGE, kind)


def test_every_state_is_documented() -> None:
    """Each word of the platform stands in the table of states."""
    for word, status in (STATUS_2021 | SECONDARY_2019).items():
        assert re.search(rf"`{word}`.*\| .*{status.value}", PAGE)


def test_every_state_of_an_endpoint_is_documented() -> None:
    """Each word for a service stands in the table of endpoints' states."""
    for word in filter(None, SERVICE_STATUS | EMS_STATUS):
        assert re.search(rf"\| .*`{word}`.* \| .*[A-Z]{{5}}", PAGE)


def test_plans_are_as_shown() -> None:
    """The plans on the page are the golden ones."""
    shown = [json.loads(text) for text in re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL)]
    golden = ROOT / "tests" / "golden" / "ti"
    for body, name in zip(shown, ("2021-pytorch", "2019-parameter-server"), strict=True):
        assert body == json.loads((golden / f"{name}.json").read_text())["requests"][0]["body"]


@pytest.mark.parametrize("name", [*_VARIABLES, *_IN_CONTAINERS])
def test_every_variable_is_documented(name: str) -> None:
    """Each variable of the vendor's is named."""
    assert f"`{name}`" in PAGE or f"`...{name.removeprefix('TENCENTCLOUD')}`" in PAGE
