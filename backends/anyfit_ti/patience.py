"""Waiting for what the platform does by itself."""

from __future__ import annotations

from collections.abc import Callable, Iterator

__all__ = ["looks"]

_FIRST, _LONGEST = 0.1, 4.0


def looks(sleep: Callable[[float], None], seconds: float) -> Iterator[None]:
    """Times to look at something, with pauses that grow: at once, and until so many seconds have been slept."""
    pause, slept = _FIRST, 0.0
    yield
    while slept < seconds:
        sleep(pause)
        slept += pause
        pause = min(2 * pause, _LONGEST)
        yield
