"""Which files belong to the code, held against git itself."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from anyfit.code.tree import source_files
from anyfit.errors import SpecError

FOLDERS = st.sampled_from(["", "a", "b", "a/b", "a/a", "b/build"])
FILES = st.tuples(FOLDERS, st.sampled_from(["a", "b", "c.txt", "d.py", "#e", "a "])).map(
    lambda parts: "/".join(parts).lstrip("/")
)
PATTERNS = st.sampled_from([
    "a", "/a", "a/", "/a/", "b", "*.txt", "!*.txt", "!c.txt", "a/b", "a/b/", "**/b", "a/**", "a/*", "!a/b", "!a/", "*",
    "!*/", "!/a", "b/*/", "[ab]", "?.txt", "# a", "", "\\#e", "a ", "build", "**/build/**", "a/**/c.txt", "!d.py", "*/",
    "[!a]", "[^a-b]", "[]a]", "[a", "a\\ ", "**", "a**", "**/a/b", "!a/b/a", "a/?", "*\r", "a\\", "!", "/", "[a\\]b]",
])  # fmt: skip


def names(root: Path) -> list[str]:
    """What belongs to the code."""
    return [file.name for file in source_files(root)]


def write(root: Path, files: dict[str, str]) -> None:
    """Make these files, as far as no folder of that name is in the way."""
    for name, text in files.items():
        path = root / name
        if not path.is_dir() and not any(parent.is_file() for parent in path.parents):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)


def git_names(root: Path) -> list[str]:
    """What git would add, by the same ignore files."""
    environment = {**os.environ, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull}
    command = ["git", "ls-files", "--others", "--exclude-standard", "-z"]
    listed = subprocess.run(command, cwd=root, env=environment, capture_output=True, check=True, text=True)
    return sorted(filter(None, listed.stdout.split("\0")))


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty git repository."""
    root = tmp_path_factory.mktemp("repository")
    subprocess.run(["git", "init", "--quiet"], cwd=root, check=True)
    return root


@settings(max_examples=60)
@given(
    st.sets(FILES, min_size=1, max_size=12),
    st.lists(PATTERNS, max_size=4),
    st.lists(PATTERNS, max_size=2),
)
@example({"a/c.txt", "a/d.py"}, ["*", "!a/"], [])
@example({"a/b/c.txt", "a/d.py"}, ["a/*", "!a/b"], ["c.txt"])
@example({"a/b", "b"}, ["a", "!a/b"], [])
@example({"a/b/a"}, ["b", "!/a"], [])
@example({"a/b/a"}, ["a/**", "!a", "!a/b"], [])
def test_like_git(repository: Path, files: set[str], patterns: list[str], deeper: list[str]) -> None:
    """For any tree and any `.gitignore` files the code is what git would add."""
    for entry in repository.iterdir():
        if entry.name != ".git":
            shutil.rmtree(entry) if entry.is_dir() else entry.unlink()
    write(repository, dict.fromkeys(sorted(files), ""))
    write(repository, {".gitignore": "\n".join(patterns), "a/.gitignore": "\n".join(deeper)})

    assert names(repository) == git_names(repository)


def test_sorted(tmp_path: Path) -> None:
    """Files come by name, whatever the order on the disk."""
    write(tmp_path, dict.fromkeys(["z", "a/b", "a.py", "m/n/o"], ""))

    assert names(tmp_path) == ["a.py", "a/b", "m/n/o", "z"]


def test_own_ignore_file(tmp_path: Path) -> None:
    """With an `.anyfitignore` at the root, `.gitignore` files have no say, and it is not packed itself."""
    write(tmp_path, {".anyfitignore": "*.bin\n", ".gitignore": "*.py\n", "a.py": "", "b.bin": "", "deep/c.bin": ""})

    assert names(tmp_path) == [".gitignore", "a.py"]


def test_never(tmp_path: Path) -> None:
    """Version control, caches, virtual environments and anyfit's configuration never belong to the code."""
    junk = [
        "anyfit.toml",
        ".git/config",
        "__pycache__/a.pyc",
        "a.pyc",
        ".DS_Store",
        ".pytest_cache/x",
        "env/pyvenv.cfg",
        "env/bin/python",
    ]
    write(tmp_path, dict.fromkeys([*junk, "a.py", "pkg/__pycache__/b.pyc", "pkg/b.py"], ""))

    assert names(tmp_path) == ["a.py", "pkg/b.py"]


def test_rules_from_above(tmp_path: Path) -> None:
    """In a folder of a repository the `.gitignore` files above it hold too."""
    write(
        tmp_path,
        {".git/HEAD": "", ".gitignore": "*.bin\n/src/data\n", "src/a.bin": "", "src/data/x": "", "src/a.py": ""},
    )

    assert names(tmp_path / "src") == ["a.py"]


def test_links(tmp_path: Path) -> None:
    """A link is what it leads to."""
    write(tmp_path, {"real/a.py": "", "code/b.py": ""})
    (tmp_path / "code" / "linked").symlink_to(tmp_path / "real")
    (tmp_path / "code" / "c.py").symlink_to(tmp_path / "real" / "a.py")

    assert names(tmp_path / "code") == ["b.py", "c.py", "linked/a.py"]


def test_endless_link(tmp_path: Path) -> None:
    """A link to a folder above itself is an error and not an endless walk."""
    write(tmp_path, {"a/b.py": ""})
    (tmp_path / "a" / "up").symlink_to(tmp_path)

    with pytest.raises(SpecError, match=r"^source_dir: .* is a link to a folder above it"):
        names(tmp_path)


def test_broken_link(tmp_path: Path) -> None:
    """A link that leads nowhere is an error, unless it is ignored."""
    (tmp_path / "gone.py").symlink_to(tmp_path / "nowhere")

    with pytest.raises(SpecError, match=r"gone\.py is a broken link"):
        names(tmp_path)
    write(tmp_path, {".gitignore": "gone.py"})
    assert names(tmp_path) == [".gitignore"]
