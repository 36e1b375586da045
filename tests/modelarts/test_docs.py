"""The page about the backend says what the code does."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from anyfit_modelarts.settings import Options, Settings
from anyfit_modelarts.states import ENDPOINT_STATUS, PHASES, V1_STATUS
from configured import assert_documented

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "backends" / "modelarts.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("kind", [Settings, Options])
def test_every_key_is_documented(kind: type) -> None:
    """Each setting and option stands in its table, with its default and meaning."""
    assert_documented(PAGE, kind)


def test_every_state_is_documented() -> None:
    """Each word of the platform stands in the table of states."""
    for word, status in PHASES.items():
        assert re.search(rf"^\|.*`{word}`.*\| {status.value} \|$", PAGE, re.MULTILINE)
    for number, (word, status) in V1_STATUS.items():
        assert re.search(rf"^\|.*`{word}` \({number}\).*\| {status.value} \|$", PAGE, re.MULTILINE)


def test_every_state_of_an_endpoint_is_documented() -> None:
    """Each word of a service stands in the table of states."""
    for word, status in ENDPOINT_STATUS.items():
        assert re.search(rf"^\|.*`{word}`.*\| {status.value}\b.*\|$", PAGE, re.MULTILINE)


def test_bodies_are_as_shown() -> None:
    """The plans and bodies on the page are the golden ones."""
    shown = re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL)
    golden = ROOT / "tests" / "golden" / "modelarts"
    files = {path.stem: json.loads(path.read_text()) for path in golden.glob("*.json")}
    plans = [files[name]["requests"][0]["body"] for name in ("v2-script", "v1-tutorial", "v1-version-data-source")]
    bodies = [*plans, files["model-pytorch"]["config.json"], files["service-weights"]]
    for text, wanted in zip(shown, bodies, strict=True):
        assert json.loads(re.sub(r"/[0-9a-f]{16}/", "/DIGEST/", text)) == wanted
