"""Parts that are built once."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier, RLock

import pytest

from anyfit.cloud.once import built, once

MANY = 8


class Whole:
    """Has a part that needs another one."""

    def __init__(self) -> None:
        self._lock = RLock()
        self.made: list[str] = []

    @once
    def lower(self) -> object:
        """A part."""
        self.made.append("lower")
        return object()

    @once
    def upper(self) -> list[object]:
        """A part that stands on the other one."""
        self.made.append("upper")
        return [self.lower]


def test_built_by_one_thread() -> None:
    """However many threads ask at the same time, there is one part, and it is the same for all."""
    whole, start = Whole(), Barrier(MANY)

    def ask(_: int) -> list[object]:
        start.wait()
        return whole.upper

    assert built(whole, "upper") is None
    with ThreadPoolExecutor(MANY) as pool:
        found = list(pool.map(ask, range(MANY)))

    assert whole.made == ["upper", "lower"]
    assert all(each is found[0] for each in found)
    assert built(whole, "upper") is found[0]


def test_fault_while_building() -> None:
    """What could not be built is built when it is asked for again."""

    class Fragile(Whole):
        @once
        def part(self) -> int:
            self.made.append("part")
            return 1 // (len(self.made) - 1)

    fragile = Fragile()
    with pytest.raises(ZeroDivisionError):
        _ = fragile.part

    assert fragile.part == 1
