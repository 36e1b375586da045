"""Finding what is wrong with a request's body, member by member."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from typing import Any

from anyfit_modelmaker.emulator.errors import INVALID, ApiError

__all__ = [
    "Members",
    "custom_resource",
    "expressions",
    "id_in",
    "integer",
    "is_number",
    "items",
    "number",
    "one_of",
    "s3_uri",
    "s3_uris",
    "strings",
    "text",
]

Rule = Callable[[Any], str]
_RESOURCE_FOUR = frozenset({"cpu", "memory", "gpuModel", "gpuCount"})
_RESOURCE_ALL = _RESOURCE_FOUR | {"requestCpu", "requestMemory", "shareGpu", "gpuz"}


class Members:
    """The members of an object, read by rule; what breaks one is gathered, and told all at once by `finish`.

    A null counts as absent, and what no rule reads is ignored.

    Attributes:
        values: What was found good, by member.
        faults: What was not.
    """

    def __init__(self, body: dict[str, Any], place: str = "") -> None:
        self._body = {name: value for name, value in body.items() if value is not None}
        self._place = place
        self.values: dict[str, Any] = {}
        self.faults: list[str] = []

    def read(self, name: str, rule: Rule, *, required: bool = False) -> Any:
        """Hold one member against a rule, which answers what the member must be, or ""; answers the value if good."""
        if name not in self._body:
            if required:
                self.fault(name, "is missing")
            return None
        if wanted := rule(self._body[name]):
            self.fault(name, f"must be {wanted}")
            return None
        self.values[name] = self._body[name]
        return self._body[name]

    def has(self, name: str) -> bool:
        """Whether the member is there and not null."""
        return name in self._body

    def fault(self, name: str, what: str) -> None:
        """Note a fault."""
        self.faults.append(f"{self._place}{name}: {what}")

    def finish(self) -> dict[str, Any]:
        """The good values.

        Raises:
            ApiError: There were faults.
        """
        if self.faults:
            raise ApiError(INVALID, "; ".join(self.faults))
        return self.values


def is_number(value: Any) -> bool:
    """Whether it is a JSON number; flags are none."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def text(shortest: int = 1, longest: int = 1 << 16) -> Rule:
    """A string of that many characters."""

    def rule(value: Any) -> str:
        if isinstance(value, str) and shortest <= len(value) <= longest:
            return ""
        return f"a string of {shortest} to {longest} characters" if longest < 1 << 16 else "a string, and not empty"

    return rule


def one_of(words: Collection[str]) -> Rule:
    """One of these words."""
    return lambda value: "" if isinstance(value, str) and value in words else f"one of {', '.join(sorted(words))}"


def id_in(ids: Collection[int], where: str) -> Rule:
    """An integer out of a list that the service offers."""
    return lambda value: "" if type(value) is int and value in ids else f"an id out of {where}"


def number(least: float, most: float | None = None) -> Rule:
    """A number in a range."""

    def rule(value: Any) -> str:
        if is_number(value) and value >= least and (most is None or value <= most):
            return ""
        return f"a number from {least:g} to {most:g}" if most is not None else f"a number, {least:g} or more"

    return rule


def integer(value: Any) -> str:
    """A whole number."""
    return "" if type(value) is int else "an integer"


def s3_uri(value: Any) -> str:
    """A place in the object store."""
    return "" if isinstance(value, str) and re.match(r"s3://[^/]+", value) else "a string that begins with s3://"


def s3_uris(value: Any) -> str:
    """A place or a list of places in the object store."""
    good = value and all(not s3_uri(item) for item in value) if isinstance(value, list) else not s3_uri(value)
    return "" if good else "a string that begins with s3://, or a list of such strings"


def strings(value: Any) -> str:
    """An object whose members are strings."""
    good = isinstance(value, dict) and all(member is None or isinstance(member, str) for member in value.values())
    return "" if good else "an object of strings"


def items(*names: str, optional: Collection[str] = ()) -> Rule:
    """A list of objects with these members, which are strings (or numbers, as clients send values)."""

    def good(item: Any) -> bool:
        if not isinstance(item, dict) or not isinstance(item.get(names[0]), str) or not item[names[0]]:
            return False
        known = [item.get(name) for name in names[1:]] + [item[name] for name in optional if item.get(name) is not None]
        return all(isinstance(member, str) or is_number(member) for member in known)

    described = ", ".join(names)
    return lambda value: (
        "" if isinstance(value, list) and all(map(good, value)) else f"a list of objects of {described}"
    )


def expressions(value: Any) -> str:
    """A list of monitors, whose expressions must be valid."""
    if wanted := items("name", "regular", optional=("sample",))(value):
        return wanted
    for item in value:
        try:
            re.compile(item["regular"])
        except (re.error, TypeError, OverflowError, RecursionError) as error:
            return f"made of valid expressions; that of {item['name']!r} is not: {error}"
    return ""


def custom_resource(value: Any) -> str:
    """What is asked of a personal pool instead of a machine (reference, section 7.2.4)."""
    if not isinstance(value, dict) or not _RESOURCE_FOUR <= set(value) <= _RESOURCE_ALL:
        return "an object with cpu, memory, gpuModel, gpuCount, and at most requestCpu, requestMemory, shareGpu, gpuz"
    for name, member in value.items():
        good = isinstance(member, str) if name == "gpuModel" else is_number(member)
        if member is not None and not good:
            return f"an object of numbers and a gpuModel; {name} is neither a number nor null"
    return ""
