"""JSON as this service speaks it: the official client evaluates answers as Python (reference, section 3.3).

So no `null`, `true`, `false` or `NaN` may ever stand in an answer, and every answer is an object.
"""

from __future__ import annotations

import json
import math
import time
from typing import Any

from anyfit_emulator.http import Response
from anyfit_modelmaker.emulator.errors import INVALID, ApiError

__all__ = ["answer", "parse_body", "plain", "timestamp"]


def answer(document: dict[str, Any], status: int = 200) -> Response:
    """A response."""
    body = json.dumps(plain(document), ensure_ascii=False, allow_nan=False).encode("utf-8", "replace")
    return Response(status, [("Content-Type", "application/json")], body)


def plain(value: Any) -> Any:
    """The value without what an answer must not hold: flags become 0 and 1, members without a value are left out."""
    if isinstance(value, dict):
        return {name: plain(member) for name, member in value.items() if not _is_nothing(member)}
    if isinstance(value, list | tuple):
        return [plain(member) for member in value if not _is_nothing(member)]
    return int(value) if isinstance(value, bool) else value


def parse_body(data: bytes | None) -> dict[str, Any]:
    """The object that a request carries; an empty one for none."""
    if data is None:
        raise ApiError(INVALID, "body: it is too large")
    if not data.strip():
        return {}
    try:
        body = json.loads(data, parse_constant=_refuse)
    except ValueError as error:
        raise ApiError(INVALID, f"body: it is not JSON: {error}") from None
    if not isinstance(body, dict):
        raise ApiError(INVALID, "body: it must be a JSON object")
    return body


def timestamp(seconds: float) -> str:
    """A moment in the console's form, local time; "" for none."""
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(seconds)) if seconds else ""


def _is_nothing(value: Any) -> bool:
    return value is None or (isinstance(value, float) and not math.isfinite(value))


def _refuse(word: str) -> Any:
    raise ValueError(f"{word} is not allowed")
