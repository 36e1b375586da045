"""Ending what may end by itself at the same moment."""

from __future__ import annotations

from collections.abc import Callable

from anyfit.errors import AnyfitError

__all__ = ["ask_to_end"]


def ask_to_end(stop: Callable[[], object], is_over: Callable[[], bool]) -> None:
    """Stop what was seen to run; where that is refused, it is fine if it is over by now."""
    try:
        stop()
    except AnyfitError:
        if not is_over():
            raise
