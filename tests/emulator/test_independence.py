"""The emulators know nothing of the clients that are tested against them."""

from __future__ import annotations

import ast
from importlib import import_module
from pathlib import Path

import pytest


def imported(package: str) -> set[str]:
    """The modules that a package's files import, each with a dot behind it."""
    found = set()
    for path in Path(str(import_module(package).__file__)).parent.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                found |= {f"{alias.name}." for alias in node.names}
            elif isinstance(node, ast.ImportFrom):
                found.add(f"{node.module or ''}.")
    return found


def test_what_emulators_share_imports_no_client_code() -> None:
    """Of anyfit it may know the errors alone, so that both sides cannot share a misunderstanding."""
    assert {name for name in imported("anyfit_emulator") if name.startswith("anyfit.")} <= {"anyfit.errors."}


@pytest.mark.parametrize("cloud", ["modelarts", "modelmaker", "ti"])
def test_an_emulator_imports_no_client_code(cloud: str) -> None:
    """Neither the neutral library's nor this vendor's."""
    own = ("anyfit_emulator.", f"anyfit_{cloud}.emulator.")

    found = imported(f"anyfit_{cloud}.emulator")

    assert found
    assert [name for name in found if name.startswith("anyfit") and not name.startswith(own)] == []
