"""Waiting for what happens by itself."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

_SECONDS = 30.0


def until(look: Callable[[], Any], good: Callable[[Any], bool]) -> Any:
    """Look until what is seen is good; answers that."""
    deadline = time.monotonic() + _SECONDS
    while not good(seen := look()):
        assert time.monotonic() < deadline, seen
        time.sleep(0.01)
    return seen
