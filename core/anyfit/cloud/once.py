"""Parts of an object that are built when they are first asked for, whichever thread that is."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Generic, TypeVar, overload

if TYPE_CHECKING:
    from typing_extensions import Self

__all__ = ["built", "once"]

_T = TypeVar("_T")


class once(Generic[_T]):
    """As `functools.cached_property`, but built once for all threads: under `_lock`, an `RLock` of the object."""

    def __init__(self, build: Callable[[Any], _T]) -> None:
        self._build = build
        self._name = build.__name__

    @overload
    def __get__(self, owner: None, kind: type) -> Self: ...
    @overload
    def __get__(self, owner: object, kind: type) -> _T: ...
    def __get__(self, owner: Any, kind: type) -> Self | _T:
        if owner is None:
            return self
        with owner._lock:
            kept = vars(owner)
            if self._name not in kept:
                kept[self._name] = self._build(owner)
            found: _T = kept[self._name]
            return found


def built(owner: Any, name: str) -> Any:
    """A part of an object if it has been built, else None."""
    with owner._lock:
        return vars(owner).get(name)
