"""The zoo of failing scripts, read from the comments at their heads."""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from attrs import Factory, frozen

ZOO = Path(__file__).parent.parent / "zoo"


@frozen(kw_only=True)
class Animal:
    """A script that fails, and how it shall be named.

    Attributes:
        path: The script.
        expect: The kind of failure.
        says: What the cause must mention.
        watched: The kind where the platform has watched the kernel, and knows more; by default the same.
        signal, exit_code: How it ends, where that is fixed.
        max_run: Seconds it may run.
        hyperparameters, inputs: What it is given; inputs are names of empty channels.
        python: The oldest Python on which it fails so.
    """

    path: Path
    expect: str
    says: str = ""
    watched: str = ""
    signal: str = ""
    exit_code: int | None = None
    max_run: int = 60
    hyperparameters: Mapping[str, Any] = Factory(dict)
    inputs: tuple[str, ...] = ()
    python: str = "3.10"


def read_animal(path: Path) -> Animal:
    """Read the `# key: value` comments at the head of a script."""
    head = re.match(rb"(?:# .*\n)+", path.read_bytes())
    assert head, f"{path} has no head"
    pairs = (line[2:].split(": ", 1) for line in head[0].decode().splitlines())
    texts = {"expect", "says", "watched", "signal", "python"}
    values: dict[str, Any] = {key: value if key in texts else ast.literal_eval(value) for key, value in pairs}
    return Animal(path=path, **values)


def read_zoo() -> list[Animal]:
    """Every script that this Python can run to its failure."""
    animals = [read_animal(path) for path in sorted(ZOO.glob("*.py"))]
    return [animal for animal in animals if _version(animal.python) <= sys.version_info[:2]]


@pytest.fixture
def zoo() -> list[Animal]:
    """Every script of the zoo."""
    return read_zoo()


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run a test that asks for an `animal` once for each script of the zoo."""
    if "animal" in metafunc.fixturenames:
        metafunc.parametrize("animal", read_zoo(), ids=lambda animal: animal.path.stem)


def _version(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in text.split("."))
