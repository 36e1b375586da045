"""Series of values as a table with a small drawing of each curve."""

from __future__ import annotations

from typing import TYPE_CHECKING

from anyfit.cli.output import table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from anyfit.backend import Series

__all__ = ["print_curves"]

_BARS = "▁▂▃▄▅▆▇█"
_WIDE = 32


def print_curves(series: Sequence[Series]) -> None:
    """One line per curve."""
    heads = ("NAME", "LAST", "LOWEST", "HIGHEST", "VALUES", "CURVE")
    table(heads, [_row(each) for each in series if each.points])


def _row(series: Series) -> tuple[str, ...]:
    values = [point.value for point in series.points]
    last, low, high = (f"{value:.4g}" for value in (values[-1], min(values), max(values)))
    name = f"{series.name} ({series.unit})" if series.unit else series.name
    return name, last, low, high, str(len(values)), _curve(values)


def _curve(values: Sequence[float]) -> str:
    """Bars, each the mean of as many values as needed to fit."""
    size = -(-len(values) // _WIDE)
    means = [sum(part) / len(part) for part in (values[at : at + size] for at in range(0, len(values), size))]
    low, span = min(means), max(means) - min(means)
    return "".join(_BARS[round((mean - low) / span * (len(_BARS) - 1)) if span > 0 else 0] for mean in means)
