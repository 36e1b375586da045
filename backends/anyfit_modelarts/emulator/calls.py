"""What a call carries, and what a table of calls is made of; every room of the service has such a table."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any

from attrs import field, frozen

from anyfit_emulator.http import Response
from anyfit_modelarts.emulator.errors import ApiError, Surface

__all__ = ["Arguments", "Caller", "Operation", "Query", "Route"]


@frozen
class Caller:
    """Who asks.

    Attributes:
        user: The user's name.
        user_id: Its id.
        domain_id: The account's id.
        project: The id of the project that the token is good for, or that was signed with; "" for none.
    """

    user: str = ""
    user_id: str = ""
    domain_id: str = ""
    project: str = ""


@frozen
class Query:
    """The parameters behind the question mark.

    Attributes:
        values: By name.
        invalid: The code of the error for a value that is none.
    """

    values: dict[str, str] = field(factory=dict)
    invalid: str = "ModelArts.0104"

    def text(self, name: str, default: str = "") -> str:
        """A text; an empty one counts as none."""
        return self.values.get(name) or default

    def whole(self, name: str, default: int, least: int, most: int = 1 << 62) -> int:
        """A whole number in a range."""
        text = self.text(name)
        if not text:
            return default
        if not text.isascii() or not text.isdigit() or not least <= int(text) <= most:
            raise ApiError(self.invalid, f"The value of {name} must be a whole number of [{least},{most}].")
        return int(text)

    def word(self, name: str, default: str, allowed: Collection[str]) -> str:
        """One of some words."""
        text = self.text(name, default)
        if text not in allowed:
            raise ApiError(self.invalid, f"The value of {name} must be one of {', '.join(sorted(allowed))}.")
        return text


@frozen
class Arguments:
    """What a call carries.

    Attributes:
        caller: Who asks.
        path: The words of the path, the project's id (`project`) included.
        headers: By lower-case name.
    """

    caller: Caller = Caller()
    path: dict[str, str] = field(factory=dict)
    query: Query = Query()
    body: dict[str, Any] = field(factory=dict)
    headers: dict[str, str] = field(factory=dict)

    def number(self, name: str) -> int:
        """An id of the path that the table declares to be a number."""
        return int(self.path[name])


@frozen
class Operation:
    """One call.

    Attributes:
        name: For faults and logs, such as `CreateTrainingJob`.
        do: Does it; answers the document, None for an empty body, or a whole response.
        surface: Decides the shape of failures, and adds what all successes of it have.
        status: Of success.
        free: Whether it may be asked for by nobody in particular; it then looks itself for who asks.
    """

    name: str
    do: Callable[[Arguments], dict[str, Any] | list[Any] | Response | None]
    surface: Surface
    status: int = 200
    free: bool = False


Route = tuple[str, str, Operation]  # method, path, call
