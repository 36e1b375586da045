"""The emulator knows nothing of the client that is tested against it."""

from __future__ import annotations

import ast
from pathlib import Path

import anyfit_ti.emulator


def test_the_emulator_imports_no_client_code() -> None:
    """Neither the neutral library's nor this vendor's, so that both sides cannot share a misunderstanding."""
    imported = set()
    for path in Path(anyfit_ti.emulator.__file__).parent.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ImportFrom):
                imported.add(f"{node.module}.")
            elif isinstance(node, ast.Import):
                imported |= {f"{alias.name}." for alias in node.names}
    own = ("anyfit_emulator.", "anyfit_ti.emulator.")

    assert [name for name in imported if name.startswith("anyfit") and not name.startswith(own)] == []
