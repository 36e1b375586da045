"""Reading answers: JSON objects, and nothing else; too hasty clients are answered with a page of HTML."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from requests import Response

__all__ = ["object_of"]


def object_of(response: Response) -> Mapping[str, Any] | None:
    """The JSON object that is the answer's body, an empty one for no body; None for anything else."""
    if not response.content:
        return {}
    try:
        answer = response.json()
    except ValueError:
        return None
    return answer if isinstance(answer, dict) else None
