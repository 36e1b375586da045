"""Weights as whole parts of a hundred, for platforms that share out traffic by percents."""

from __future__ import annotations

from collections.abc import Sequence

from anyfit.errors import SpecError

__all__ = ["percents"]


def percents(weights: Sequence[float]) -> list[int]:
    """Weights as whole percents that are 100 together; what has a weight has a percent at least."""
    if any(weight < 0 for weight in weights) or not any(weights):
        raise SpecError("variants: weights must be 0 or more, and one of them more than 0")
    total = sum(weights)
    exact = [100 * weight / total for weight in weights]
    shares = [max(int(share), 1 if share else 0) for share in exact]
    by_need = sorted(range(len(shares)), key=lambda index: shares[index] - exact[index])
    position = 0
    while sum(shares) != 100:
        index = by_need[position % len(by_need)] if sum(shares) < 100 else shares.index(max(shares))
        if exact[index]:
            shares[index] += 1 if sum(shares) < 100 else -1
        position += 1
    return shares
