"""JSON as this cloud speaks it."""

from __future__ import annotations

import json
import math
from typing import Any

from anyfit_emulator.http import Response
from anyfit_modelarts.emulator.errors import ApiError, Surface

__all__ = ["BODY_LIMIT", "answer", "milliseconds", "parse_body"]

BODY_LIMIT = 12 << 20  # what the gateway lets through


def answer(document: Any, status: int = 200) -> Response:
    """A response; without a document it has no body."""
    if document is None:
        return Response(status, [("Content-Type", "application/json")])
    body = json.dumps(document, ensure_ascii=False, allow_nan=False).encode("utf-8", "replace")
    return Response(status, [("Content-Type", "application/json")], body)


def parse_body(data: bytes, surface: Surface) -> dict[str, Any]:
    """The object that a request carries; an empty one for none.

    Raises:
        ApiError: It is no object.
    """
    if not data.strip():
        return {}
    try:
        body = json.loads(data, parse_constant=_refuse, parse_float=_finite)
        json.dumps(body, ensure_ascii=False).encode()  # there are halves of characters that cannot be kept
    except (ValueError, RecursionError) as error:
        raise ApiError(surface.malformed, f"The body is not valid JSON: {error}") from None
    if not isinstance(body, dict):
        raise ApiError(surface.malformed, "The body must be a JSON object.")
    return body


def milliseconds(seconds: float) -> int:
    """A moment or a duration as all of its APIs write it."""
    return round(seconds * 1000)


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"{text} is too large")
    return number


def _refuse(word: str) -> Any:
    raise ValueError(f"{word} is not allowed")
