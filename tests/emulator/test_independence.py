"""The emulator knows nothing of the client that is tested against it."""

from __future__ import annotations

import ast
from pathlib import Path

import anyfit_emulator


def test_the_emulator_imports_no_client_code() -> None:
    """Of anyfit it may know the errors alone, so that both sides cannot share a misunderstanding."""
    root = Path(anyfit_emulator.__file__).parent
    imported = set()
    for path in root.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                imported |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom):
                imported.add(node.module or "")

    assert {name for name in imported if name.partition(".")[0] == "anyfit"} <= {"anyfit.errors"}
