"""The two generations of the platform: which of them a thing is of, as its reference tells, and which is asked first.

The id of what is of 2019 begins with `2019/` in references; everything else is of 2021.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Generic, TypeVar

from attrs import frozen

from anyfit_ti.errors import where_offered

__all__ = ["OLD", "Generations", "Row", "is_old", "own_id"]

OLD = "2019/"

Row = tuple[int, str, str]
"""A thing in a list: when it was made, its name, and its id within its generation."""

_T = TypeVar("_T")
_R = TypeVar("_R")


def is_old(id: str) -> bool:
    """Whether the id of a reference is that of a thing of 2019."""
    return id.startswith(OLD)


def own_id(id: str) -> str:
    """The platform's own id in that of a reference."""
    return id.removeprefix(OLD)


@frozen
class Generations(Generic[_T]):
    """What answers for each generation.

    Attributes:
        new: For that of 2021.
        old: For that of 2019.
        api: The one in force, which is asked first.
    """

    new: _T
    old: _T
    api: str

    def of(self, id: str) -> _T:
        """What answers for the thing of that id."""
        return self.old if is_old(id) else self.new

    def id(self, side: _T, own: str) -> str:
        """The id for references of what one side knows by its own."""
        return f"{OLD}{own}" if side is self.old else own

    def parted(self, ids: Iterable[str]) -> list[tuple[_T, list[str]]]:
        """What answers for these, with those that it answers for."""
        wanted = list(ids)
        parts = [(side, [id for id in wanted if self.of(id) is side]) for side in self._order]
        return [(side, mine) for side, mine in parts if mine]

    def find(self, look: Callable[[_T], str | None]) -> str | None:
        """The id of what the generation in force finds, or else the other where it is offered."""
        first, second = self._order
        found = look(first)
        if found is not None:
            return self.id(first, found)
        with where_offered():
            found = look(second)
        return None if found is None else self.id(second, found)

    def every(self, rows: Callable[[_T], list[Row]]) -> list[tuple[str, str]]:
        """Names and ids of everything, newest first."""
        found = self.both(lambda side: [(at, name, self.id(side, own)) for at, name, own in rows(side)])
        return [(name, id) for _, name, id in sorted(found, key=lambda row: row[0], reverse=True)]

    def both(self, rows: Callable[[_T], list[_R]]) -> list[_R]:
        """The rows of both, as far as the other than the one in force is offered."""
        first, second = self._order
        found = list(rows(first))
        with where_offered():
            found += rows(second)
        return found

    @property
    def _order(self) -> tuple[_T, _T]:
        return (self.old, self.new) if self.api == "2019" else (self.new, self.old)
