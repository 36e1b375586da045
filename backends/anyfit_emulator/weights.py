"""Choosing among several by weight, evenly spread and without dice."""

from __future__ import annotations

import threading
from collections.abc import Sequence

__all__ = ["Wheel"]


class Wheel:
    """Smooth weighted round robin: 5 and 1 give a a a b a a and not a a a a a b. All zero counts as all equal."""

    def __init__(self, weights: Sequence[float]) -> None:
        self._weights = list(weights) if any(weight > 0 for weight in weights) else [1.0] * len(weights)
        self._credit = [0.0] * len(self._weights)
        self._lock = threading.Lock()

    def turn(self) -> int:
        """The index of the next one."""
        with self._lock:
            self._credit = [credit + weight for credit, weight in zip(self._credit, self._weights, strict=True)]
            chosen = max(range(len(self._credit)), key=self._credit.__getitem__)
            self._credit[chosen] -= sum(self._weights)
            return chosen
