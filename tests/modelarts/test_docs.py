"""The page about the backend says what the code does."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from anyfit.options import describe
from anyfit_modelarts.settings import Options, Settings
from anyfit_modelarts.states import PHASES, V1_STATUS

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "backends" / "modelarts.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("kind", [Settings, Options])
def test_every_key_is_documented(kind: type) -> None:
    """Each setting and option stands in its table, with its default and meaning."""
    for key in describe(kind):
        default = f"`{key.default}`" if key.default.strip('"') else ""

        assert f"| `{key.name}` | {default} | {key.help} |" in PAGE


def test_every_state_is_documented() -> None:
    """Each word of the platform stands in the table of states."""
    for word, status in PHASES.items():
        assert re.search(rf"^\|.*`{word}`.*\| {status.value} \|$", PAGE, re.MULTILINE)
    for number, (word, status) in V1_STATUS.items():
        assert re.search(rf"^\|.*`{word}` \({number}\).*\| {status.value} \|$", PAGE, re.MULTILINE)


def test_plans_are_as_shown() -> None:
    """The plans on the page are the golden ones."""
    shown = re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL)
    golden = ROOT / "tests" / "golden" / "modelarts"
    for text, name in zip(shown, ("v2-script", "v1-tutorial", "v1-version-data-source"), strict=True):
        wanted = json.loads((golden / f"{name}.json").read_text())["requests"][0]["body"]

        assert json.loads(re.sub(r"/[0-9a-f]{16}/", "/DIGEST/", text)) == wanted
