"""A misspelt argument is answered with the name that was meant."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import ParamSpec, TypeVar

from anyfit.errors import UsageError, nearest

__all__ = ["UnknownArgument", "named_arguments"]

_P = ParamSpec("_P")
_T = TypeVar("_T")


class UnknownArgument(UsageError, TypeError):
    """A call names an argument that does not exist."""


def named_arguments(function: Callable[_P, _T]) -> Callable[_P, _T]:
    """Make unknown keyword arguments of `function`, and too many without a name, an error that names the right one."""
    parameters = inspect.signature(function).parameters
    known = [name for name in parameters if name not in ("self", "cls")]
    by_name = [name for name, each in parameters.items() if each.kind is each.KEYWORD_ONLY]
    owner = function.__qualname__.removesuffix(".__init__")

    @functools.wraps(function)
    def checked(*args: _P.args, **kwargs: _P.kwargs) -> _T:
        if by_name and len(args) > len(parameters) - len(by_name):
            first = by_name[0]
            raise UnknownArgument(f"{owner} takes {first} and what follows by name only", hint=f"write {first}=...")
        for name in kwargs:
            if name not in known:
                raise UnknownArgument(
                    f"{owner} has no argument {name!r}",
                    hint=nearest(name, known) or f"it has: {', '.join(known)}",
                )
        return function(*args, **kwargs)

    return checked
