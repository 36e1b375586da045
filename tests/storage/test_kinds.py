"""The type of content that objects are given by the ends of their names."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
import requests

from anyfit.storage import Store, copy_tree
from anyfit.storage.kinds import content_type

UNSAID = ("binary/octet-stream", "application/octet-stream")


@pytest.mark.parametrize(
    ("key", "kind"),
    [
        ("report.html", "text/html"),
        ("a/b.c/PLOT.PNG", "image/png"),
        ("code.tar.gz", "application/gzip"),
        (".json", "application/json"),
        ("a.json/b", ""),
        ("json", ""),
        ("model.pt", ""),
        ("ends.", ""),
        ("", ""),
    ],
)
def test_the_end_of_a_name(key: str, kind: str) -> None:
    """What follows the last dot of the last part counts, in whatever case."""
    assert content_type(key) == kind


@pytest.mark.parametrize("scheme", ["s3", "obs", "cos"])
@pytest.mark.parametrize("fast", [True, False])
def test_a_browser_is_told(open_in: Callable[..., Store], tmp_path: Path, scheme: str, fast: bool) -> None:
    """Small files, single objects and those sent in parts come with their type, by the direct path and the library."""
    folder = tmp_path / "data"
    folder.mkdir()
    (folder / "small.html").write_bytes(b"<p>hello")
    (folder / "middle.csv").write_bytes(os.urandom(300_000))
    (folder / "large.json").write_bytes(os.urandom((8 << 20) + 1))
    (folder / "model.pt").write_bytes(b"x")
    store = open_in(scheme, fast=fast)
    home = tmp_path / "home"
    copy_tree(folder, f"{scheme}://{store.bucket}/", open=lambda uri: store, state_dir=home).raise_for_failures()

    told = {}
    for name in ("small.html", "middle.csv", "large.json", "model.pt"):
        answer = requests.get(store.presign(name), stream=True, timeout=60)
        told[name] = answer.headers["Content-Type"]
        answer.close()
    assert told.pop("model.pt") in UNSAID
    assert told == {"small.html": "text/html", "middle.csv": "text/csv", "large.json": "application/json"}
