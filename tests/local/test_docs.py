"""The page on the backend tells of every setting."""

from __future__ import annotations

import json
from pathlib import Path

import attrs
import pytest

from anyfit_local.settings import Options, Settings

PAGE = (Path(__file__).parents[2] / "docs" / "backends" / "local.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("setting", attrs.fields(Settings), ids=lambda setting: setting.name)
def test_every_setting_has_a_row(setting: attrs.Attribute[object]) -> None:
    """With its default."""
    assert f"| `{setting.name}` | `{json.dumps(setting.default)}` |" in PAGE


@pytest.mark.parametrize("option", attrs.fields(Options), ids=lambda option: option.name)
def test_every_option_is_named(option: attrs.Attribute[object]) -> None:
    """In the sentence on what a job may set for itself."""
    assert f"`{option.name}`" in PAGE.partition("A job may set")[2].partition("\n\n")[0]
