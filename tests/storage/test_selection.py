"""What a person names in a store."""

from __future__ import annotations

from pathlib import Path

from anyfit.storage import Uri, exclude
from anyfit.storage.selection import Selection, select, together


def test_files_of_one_directory_are_moved_side_by_side(tmp_path: Path) -> None:
    """They are one selection, each file once; what is named otherwise stays as it is."""
    filters = exclude("*.tmp")
    words = [f"{tmp_path}/d/b", "s3://b/k", f"{tmp_path}/d/a", f"{tmp_path}/d/*", f"{tmp_path}/e/a", f"{tmp_path}/d/b"]
    found = together(select(word, filters) for word in words)
    here = Uri.parse(tmp_path)

    assert found[:2] == [
        Selection(here.join("d/"), filters, names=("b", "a")),
        Selection(here.join("e/"), filters, names=("a",)),
    ]
    assert [one.wildcards for one in found[2:]] == ["", "*"]
