"""The house stays in order: who may import whom, what is packed, what is public, what an import costs."""

from __future__ import annotations

import ast
import importlib
import inspect
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import anyfit
from anyfit.testing import BackendContract

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROOT = Path(__file__).parents[2]
CORE = ROOT / "core"
BACKENDS = ROOT / "backends"
PACKAGES = sorted(path.parent for path in [*CORE.glob("*/__init__.py"), *BACKENDS.glob("*/__init__.py")])
EMULATOR = "anyfit_emulator"  # lies with the backends and is none
# Modules of a job, known there under these names:
COPIED = {"anyfit_launch", "anyfit_inference", "anyfit_obs", "anyfit_platform"}
SLOW = {
    "asyncio", "boto3", "cattrs", "attr", "attrs", "click", "email", "http", "importlib.metadata", "json", "logging",
    "platformdirs", "pluggy", "re", "requests", "rich", "sqlite3", "ssl", "subprocess", "urllib", "urllib3", "yaml",
}  # fmt: skip


def modules(folder: Path) -> list[Path]:
    """The Python files below a folder."""
    return sorted(folder.rglob("*.py"))


def imports(path: Path) -> set[str]:
    """The top-level names that a file imports, wherever in it."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found.add(node.module.partition(".")[0])
    return found


def module_names(folder: Path) -> Iterator[str]:
    """The modules of a package, as one imports them."""
    for path in modules(folder):
        parts = path.relative_to(folder.parent).with_suffix("").parts
        yield ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


@pytest.mark.parametrize("path", modules(CORE), ids=lambda path: str(path.relative_to(CORE)))
def test_core_knows_no_backend(path: Path) -> None:
    """Nothing in core imports a backend."""
    assert not {name for name in imports(path) if name.startswith("anyfit_")} - COPIED


@pytest.mark.parametrize("path", modules(BACKENDS), ids=lambda path: str(path.relative_to(BACKENDS)))
def test_backends_know_only_core(path: Path) -> None:
    """A backend imports itself and anyfit; only its emulator stands on the common one, which stands on `local`."""
    package, *rest = path.relative_to(BACKENDS).parts
    allowed = COPIED | {package}
    if "emulator" in rest:
        allowed |= {EMULATOR}
    if package == EMULATOR:
        allowed |= {"anyfit_local"}

    assert not {name for name in imports(path) if name.startswith("anyfit_")} - allowed


def test_packaging() -> None:
    """What is packed is what there is, and every package that makes a backend has an entry point by its short name."""
    project: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    packed = project["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]
    entry_points = project["project"]["entry-points"]["anyfit.backends"]
    backends = [path.name for path in PACKAGES if "def anyfit_backends(" in (path / "__init__.py").read_text()]

    assert sorted(packed) == [str(path.relative_to(ROOT)) for path in PACKAGES]
    assert entry_points == {name.removeprefix("anyfit_"): name for name in backends}


@pytest.mark.parametrize("package", PACKAGES, ids=lambda path: path.name)
def test_typed(package: Path) -> None:
    """Every package says that it is typed."""
    assert (package / "py.typed").exists()


@pytest.mark.parametrize("folder", [CORE, BACKENDS], ids=lambda path: path.name)
def test_roots_are_no_packages(folder: Path) -> None:
    """The roots of the source are no packages themselves."""
    assert not (folder / "__init__.py").exists()


def test_import_is_light() -> None:
    """`import anyfit` loads itself and next to nothing else."""
    script = f"import sys; before = set(sys.modules); sys.path.insert(0, {str(CORE)!r}); import anyfit"
    command = [sys.executable, "-I", "-S", "-c", f"{script}; print(*sorted(set(sys.modules) - before))"]
    loaded = set(subprocess.run(command, capture_output=True, text=True, check=True).stdout.split())

    assert "anyfit" in loaded
    assert {name for name in loaded if name.startswith("anyfit.")} == set()
    assert loaded & SLOW == set()
    assert len(loaded) <= 3, loaded


def test_import_of_the_estimator_is_light() -> None:
    """Naming the Estimator loads no client, no database, no network and no backend."""
    heavy = [
        "requests",
        "urllib3",
        "boto3",
        "rich",
        "sqlite3",
        "http.client",
        "ssl",
        "asyncio",
        "cattrs",
        "anyfit_local",
    ]
    script = "import sys; from anyfit import Estimator; print(*sorted(set(sys.modules) & set(sys.argv[1:])))"
    done = subprocess.run([sys.executable, "-c", script, *heavy], capture_output=True, text=True, check=True)

    assert done.stdout.split() == []


def test_public_face() -> None:
    """The face of anyfit is sorted and complete, each name is the one of its module, and checkers see the same."""
    tree = ast.parse(inspect.getsource(anyfit))
    guarded = next(node for node in tree.body if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING")
    seen = {
        alias.name: node.module
        for node in ast.walk(guarded)
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    seen = {name: module for name, module in seen.items() if module != "typing"}

    assert anyfit.__all__ == sorted({*seen, "__version__"})
    for name, module in seen.items():
        assert getattr(anyfit, name) is getattr(importlib.import_module(str(module)), name)
    assert dir(anyfit) == anyfit.__all__
    with pytest.raises(AttributeError, match="Estimater"):
        anyfit.Estimater  # noqa: B018


@pytest.mark.parametrize("name", sorted(module_names(CORE / "anyfit")))
def test_what_is_listed_is_there(name: str) -> None:
    """Every module can be imported by itself, and has what it lists as public."""
    if name.endswith("__main__") or ".templates." in name:
        return
    module = importlib.import_module(name)

    assert [each for each in getattr(module, "__all__", ()) if not hasattr(module, each)] == []


@pytest.mark.parametrize("name", ["backend", "config", "errors", "plugins", "spec", "storage", "testing"])
def test_faces_are_sorted(name: str) -> None:
    """The modules that others build upon list their names in order."""
    listed = importlib.import_module(f"anyfit.{name}").__all__

    assert list(listed) == sorted(listed)


def test_promises_have_names_of_their_own() -> None:
    """No promise of the contract hides another of the same name."""
    names = [
        name
        for suite in BackendContract.__mro__
        for name in vars(suite)
        if name.startswith("test_") and suite is not object
    ]

    assert len(set(names)) == len(names)
