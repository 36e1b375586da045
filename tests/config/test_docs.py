"""The page on configuration tells of every key, and its examples are true."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from anyfit.config import CoreSettings, load_config
from anyfit.options import describe
from anyfit.plugins import backend_factory

PAGE = (Path(__file__).parents[2] / "docs" / "configuration.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("key", [each.name for each in describe(CoreSettings)])
def test_every_key_has_a_heading(key: str) -> None:
    """Each of anyfit's own keys has a heading, its default and its variable."""
    _, _, text = PAGE.partition(f"### `{key}`\n")
    text = text.partition("\n#")[0]
    default = next(each.default for each in describe(CoreSettings) if each.name == key)

    assert f"Default `{default}`" in text
    assert f"`ANYFIT_{key.upper()}`" in text


def test_no_other_heading() -> None:
    """The page tells of no key that does not exist."""
    assert set(re.findall(r"(?m)^### `(\w+)`$", PAGE)) == {each.name for each in describe(CoreSettings)}


@pytest.mark.parametrize("example", re.findall(r"(?s)```toml\n(.*?)```", PAGE))
def test_examples_are_accepted(example: str, tmp_path: Path) -> None:
    """Each example is a configuration without a fault, down to the backend's settings."""
    (tmp_path / "anyfit.toml").write_text(example, encoding="utf-8")
    config = load_config(cwd=tmp_path, environ={"XDG_CONFIG_HOME": str(tmp_path)})

    config.check(backend_factory("local"))


def test_first_example(tmp_path: Path) -> None:
    """The first example does what the page says of it."""
    example = re.findall(r"(?s)```toml\n(.*?)```", PAGE)[0]
    (tmp_path / "anyfit.toml").write_text(example, encoding="utf-8")
    environ = {"XDG_CONFIG_HOME": str(tmp_path)}
    plain = load_config(cwd=tmp_path, environ=environ)
    big = load_config("big", cwd=tmp_path, environ=environ)

    assert plain.core_value("backend").origin == "anyfit.toml:2"
    assert plain.backend_settings(backend_factory("local")).grace_seconds == 30
    assert big.backend_settings(backend_factory("local")).grace_seconds == 120
    assert big.core.instance_type == "cpu:8+"
    assert big.core.tags == {"team": "vision"}
