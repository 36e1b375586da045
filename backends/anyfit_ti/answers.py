"""Reading answers: the envelope `{"Response": {...}}`, in which errors come with HTTP status 200 too."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from requests import Response

__all__ = ["inside", "object_of"]


def object_of(response: Response) -> Mapping[str, Any] | None:
    """The JSON object that is the answer's body, or None for anything else."""
    try:
        answer = response.json()
    except ValueError:
        return None
    return answer if isinstance(answer, dict) else None


def inside(response: Response) -> Mapping[str, Any] | None:
    """What the envelope holds, or None where there is no envelope."""
    answer = object_of(response)
    found = answer.get("Response") if answer is not None else None
    return found if isinstance(found, dict) else None
