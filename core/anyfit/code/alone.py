"""A script that is named by itself goes alone: which of its own modules it would miss."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from anyfit.backend import Match, Note
from anyfit.spec import Code

__all__ = ["notes_on_what_stays"]


def notes_on_what_stays(code: Code | None) -> tuple[Note, ...]:
    """A note where the code is one script and modules that it imports lie beside it, which stay there."""
    if code is None or code.files != 1:
        return ()
    script = Path(code.source)
    names = sorted({name for name in _imported(script) if _lies_beside(script, name)})
    if not names:
        return ()
    text = f"{script} goes alone, and {', '.join(names)} beside it not: source_dir = '{script.parent}' takes them along"
    return (Note("source_dir", Match.NONE, text),)


def _imported(script: Path) -> Iterator[str]:
    """The first words of what the script imports; nothing where it cannot be read, which the job will tell."""
    try:
        tree = ast.parse(script.read_bytes())
    except (OSError, SyntaxError, ValueError, RecursionError):
        return
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module.partition(".")[0]


def _lies_beside(script: Path, name: str) -> bool:
    return (script.parent / f"{name}.py").is_file() or (script.parent / name / "__init__.py").is_file()
