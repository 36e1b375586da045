"""Waiting for what happens by itself."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

_SECONDS = 60.0
_SHORTEST = 0.01


def until(look: Callable[[], Any], good: Callable[[Any], bool]) -> Any:
    """Look until what is seen is good; answers that.

    Most of the time it does not look: what is waited for may need the processors.
    """
    deadline = time.monotonic() + _SECONDS
    began = time.monotonic()
    while not good(seen := look()):
        now = time.monotonic()
        assert now < deadline, seen
        time.sleep(max(_SHORTEST, 3 * (now - began)))
        began = time.monotonic()
    return seen
