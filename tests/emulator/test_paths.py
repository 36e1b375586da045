"""Keys and the paths where their content lies."""

from __future__ import annotations

import os.path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from anyfit_emulator.storage.paths import key_of, path_of

SEGMENTS = st.one_of(
    st.sampled_from(
        ["", ".", "..", "...", "a", "a b", "%~", "%~=", "%~+x", "%41", "数据", "x" * 255, "数" * 120, "\0"]
    ),
    st.text(st.characters(exclude_categories=["Cs"], exclude_characters="/"), max_size=300),
)
KEYS = st.lists(SEGMENTS, min_size=1, max_size=5).map("/".join).filter(bool)


@given(KEYS, st.booleans())
@example("../../etc/passwd", False)
@example("//", True)
@example("x" * 1024, False)
@example("%" * 1024, False)
def test_paths_are_read_backwards(key: str, beside: bool) -> None:
    """A path tells its key."""
    assert key_of(path_of(key, beside_directory=beside)) == (key, beside)


@given(KEYS, st.booleans())
def test_no_path_leaves_the_bucket(key: str, beside: bool) -> None:
    """Every component is a file name that a file system takes, and none goes up."""
    path = path_of(key, beside_directory=beside)

    assert os.path.normpath(f"/bucket/{path}") == f"/bucket/{path}"
    assert all(0 < len(part.encode()) <= 255 and "\0" not in part for part in path.split("/"))


@given(KEYS, KEYS)
def test_different_keys_have_different_paths(one: str, other: str) -> None:
    """No two keys share a path, in either spelling."""
    paths = {path_of(key, beside_directory=beside) for key in (one, other) for beside in (False, True)}

    assert len(paths) == (2 if one == other else 4)


@pytest.mark.parametrize("key", ["a", "train/a b.csv", "数据/100%.txt", ".hidden", "a%20b", "~x", "a/…"])
def test_ordinary_keys_are_their_own_paths(key: str) -> None:
    """What can be a file name is one."""
    assert path_of(key) == key


@pytest.mark.parametrize("path", ["", "a//b", "../a", "%~=a", "%~+a", "%~!a/b", "%~=%2e", "%~", "a/."])
def test_other_paths_are_no_keys(path: str) -> None:
    """A file that has no key's path is not taken for an object."""
    with pytest.raises(ValueError, match=r"path|key"):
        key_of(path)
