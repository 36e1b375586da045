"""Places as callers name them: URIs and paths as text, or a path as `pathlib` has it."""

from __future__ import annotations

import os
from collections.abc import Sequence

__all__ = ["PathText", "path_text", "path_texts"]

PathText = str | os.PathLike[str]


def path_text(place: str | os.PathLike[str]) -> str:
    """The place as text; what is neither stays as it is, for whoever checks it."""
    return os.fspath(place) if isinstance(place, os.PathLike) else place


def path_texts(places: Sequence[str | os.PathLike[str]]) -> Sequence[str]:
    """Each of the places as text."""
    if not isinstance(places, (list, tuple)):
        return places  # type: ignore[return-value]
    texts = [path_text(place) for place in places]
    return texts if isinstance(places, list) else tuple(texts)
