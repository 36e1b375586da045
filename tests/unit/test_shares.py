"""Shares of traffic in percents."""

from __future__ import annotations

import pytest

from anyfit.errors import SpecError
from anyfit.shares import percents


@pytest.mark.parametrize(
    ("weights", "shares"),
    [
        ([1.0], [100]),
        ([1.0, 1.0], [50, 50]),
        ([1.0, 0.0], [100, 0]),
        ([1.0, 1.0, 1.0], [34, 33, 33]),
        ([90.0, 10.0], [90, 10]),
        ([999.0, 1.0], [99, 1]),
        ([1.0, 999.0, 999.0], [1, 49, 50]),
    ],
)
def test_shares(weights: list[float], shares: list[int]) -> None:
    """Weights become whole percents that are 100 together, and what has a weight gets a share."""
    assert sorted(percents(weights)) == sorted(shares)
    assert sum(percents(weights)) == 100
    assert all(bool(weight) == bool(share) for weight, share in zip(weights, percents(weights), strict=True))


@pytest.mark.parametrize("weights", [[0.0], [-1.0, 2.0], []])
def test_impossible_shares(weights: list[float]) -> None:
    """No traffic at all, or less than none, is refused."""
    with pytest.raises(SpecError, match="weights"):
        percents(weights)
