"""Numbers in answers of platforms, which write them as numbers or as text."""

from __future__ import annotations

__all__ = ["number", "whole"]


def number(value: object, default: float = 0.0) -> float:
    """A number, also where it came as text."""
    try:
        return default if isinstance(value, bool) or value is None else float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return default


def whole(value: object) -> int | None:
    """An integer, also where it came as digits."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return value
    return int(value) if isinstance(value, str) and value.isdecimal() else None
