"""The page on storage names every method of a store and every option of a transfer."""

from __future__ import annotations

from pathlib import Path

import attrs
import pytest

from anyfit.storage import Options, Store

DOCS = Path(__file__).parents[2] / "docs"
PAGE = (DOCS / "storage.md").read_text()


@pytest.mark.parametrize(
    "method", [name for name in vars(Store) if not name.startswith("_") and callable(vars(Store)[name])]
)
def test_methods(method: str) -> None:
    """Each method of the contract is there."""
    assert f"`{method}(" in PAGE


@pytest.mark.parametrize("option", [field.name for field in attrs.fields(Options)])
def test_options(option: str) -> None:
    """Each option is there."""
    assert f"`{option}`" in PAGE
