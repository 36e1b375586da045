"""Doing to several things what can be done, and telling at the end of those with which it could not be."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from anyfit.errors import AnyfitError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any

__all__ = ["Faults", "each"]

_T = TypeVar("_T")
_R = TypeVar("_R")


class Faults(dict[str, AnyfitError]):
    """What was wrong, by the name that was given."""

    def to_json(self) -> list[dict[str, Any]]:
        """One object for each."""
        return [{"name": name, **fault.to_json()} for name, fault in self.items()]

    def exit_code(self) -> int:
        """That of the first, or 0."""
        return next((fault.exit_code for fault in self.values()), 0)

    def tell(self) -> None:
        """Raise what was wrong as one error, if anything was."""
        if not self:
            return
        first, *others = self.values()
        if others:
            first.message = "".join([f"{len(self)} faults:", *(f"\n  {fault.message}" for fault in self.values())])
            first.hint = "; ".join(dict.fromkeys(fault.hint for fault in self.values() if fault.hint))
        raise first


def each(items: Sequence[_T], do: Callable[[_T], _R], called: Callable[[_T], str] = str) -> tuple[list[_R], Faults]:
    """Do it to each of the items, one given twice once only; answers what came of it and what was wrong."""
    done, faults = [], Faults()
    for item in dict.fromkeys(items):
        try:
            done.append(do(item))
        except AnyfitError as fault:
            faults[called(item)] = fault
    return done, faults
