"""Times as services write them."""

from __future__ import annotations

from datetime import datetime, timezone
from functools import lru_cache

__all__ = ["from_http", "from_iso"]

_MONTHS = {"JanFebMarAprMayJunJulAugSepOctNovDec"[3 * n : 3 * n + 3]: n + 1 for n in range(12)}


@lru_cache(maxsize=4096)
def from_iso(text: str) -> datetime:
    """`2026-01-02T03:04:05.678Z`."""
    moment = datetime.fromisoformat(text.replace("Z", "+00:00"))
    return moment if moment.tzinfo else moment.replace(tzinfo=timezone.utc)


@lru_cache(maxsize=4096)
def from_http(text: str) -> datetime:
    """`Fri, 02 Jan 2026 03:04:05 GMT`; the epoch when there is none, or nothing that can be read."""
    try:
        _, day, month, year, clock, _ = text.split()
        hour, minute, second = map(int, clock.split(":"))
        return datetime(int(year), _MONTHS[month], int(day), hour, minute, second, tzinfo=timezone.utc)
    except (ValueError, KeyError):
        return datetime.fromtimestamp(0, timezone.utc)
