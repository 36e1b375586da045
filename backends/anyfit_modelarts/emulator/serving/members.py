"""Finding what is wrong with a document about models or services, member by member."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from typing import Any

from anyfit_modelarts.emulator.errors import ApiError

__all__ = ["INVALID", "MISSING", "Members", "Rule", "flag", "matching", "number", "objects", "one_of", "text", "texts"]

MISSING = "ModelArts.3036"
INVALID = "ModelArts.3037"
Rule = Callable[[Any], str]  # answers what the value must be, or ""


class Members:
    """The members of an object, read by rule; what breaks one is gathered, and told all at once by `finish`.

    A null counts as absent, and what no rule reads is ignored.

    Attributes:
        values: What was found good, by member.
        faults: What was not.
        missing: Whether one of the faults is that something is not there.
    """

    def __init__(self, document: dict[str, Any], place: str = "") -> None:
        self._document = {name: value for name, value in document.items() if value is not None}
        self._place = place
        self.values: dict[str, Any] = {}
        self.faults: list[str] = []
        self.missing = False

    def read(self, name: str, rule: Rule, *, required: bool = False) -> Any:
        """Hold one member against a rule; answers the value if it is good."""
        if name not in self._document:
            if required:
                self.missing = True
                self.fault(name, "is missing")
            return None
        if wanted := rule(self._document[name]):
            self.fault(name, f"must be {wanted}")
            return None
        self.values[name] = self._document[name]
        return self._document[name]

    def read_each(self, name: str, read: Callable[[Members], None], *, required: bool = False) -> list[dict[str, Any]]:
        """Read a list of objects; answers what is good of each."""
        found = self.read(name, objects, required=required)
        if found is None:
            return []
        self.values[name] = [self._read_one(f"{name}[{position}]", item, read) for position, item in enumerate(found)]
        return list(self.values[name])

    def read_object(self, name: str, read: Callable[[Members], None], *, required: bool = False) -> dict[str, Any]:
        """Read an object; answers what is good of it."""
        found = self.read(name, _an_object, required=required)
        if found is None:
            return {}
        self.values[name] = self._read_one(name, found, read)
        return dict(self.values[name])

    def _read_one(self, name: str, document: dict[str, Any], read: Callable[[Members], None]) -> dict[str, Any]:
        inner = Members(document, f"{self._place}{name}.")
        read(inner)
        self.faults += inner.faults
        self.missing = self.missing or inner.missing
        return inner.values

    def has(self, name: str) -> bool:
        """Whether the member is there and not null."""
        return name in self._document

    def fault(self, name: str, what: str) -> None:
        """Note a fault."""
        self.faults.append(f"{self._place}{name}: {what}")

    def finish(self) -> dict[str, Any]:
        """The good values.

        Raises:
            ApiError: There were faults.
        """
        if self.faults:
            raise ApiError(MISSING if self.missing else INVALID, "; ".join(self.faults))
        return self.values


def text(most: int = 1 << 16, forbidden: str = "", least: int = 0) -> Rule:
    """A string of that many characters, none of them forbidden."""

    def rule(value: Any) -> str:
        if isinstance(value, str) and least <= len(value) <= most and not set(value) & set(forbidden):
            return ""
        without = f", without any of {forbidden}" if forbidden else ""
        return f"a string of {least} to {most} characters{without}"

    return rule


def matching(pattern: str, what: str) -> Rule:
    """A string that fits a pattern, which is described for people."""
    compiled = re.compile(pattern)
    return lambda value: "" if isinstance(value, str) and compiled.fullmatch(value) else what


def one_of(words: Collection[str]) -> Rule:
    """One of these words."""
    return lambda value: "" if isinstance(value, str) and value in words else f"one of {', '.join(sorted(words))}"


def number(least: float, most: float | None = None, *, whole: bool = False) -> Rule:
    """A number in a range."""
    kind = "a whole number" if whole else "a number"
    what = f"{kind} from {least:g} to {most:g}" if most is not None else f"{kind}, {least:g} or more"

    def rule(value: Any) -> str:
        is_number = isinstance(value, int if whole else int | float) and not isinstance(value, bool)
        return "" if is_number and value >= least and (most is None or value <= most) else what

    return rule


def flag(value: Any) -> str:
    """True or false."""
    return "" if isinstance(value, bool) else "true or false"


def objects(value: Any) -> str:
    """A list of objects."""
    good = isinstance(value, list) and all(isinstance(item, dict) for item in value)
    return "" if good else "a list of objects"


def texts(value: Any) -> str:
    """An object whose values are strings."""
    good = isinstance(value, dict) and all(isinstance(item, str) for item in value.values())
    return "" if good else "an object whose values are strings"


def _an_object(value: Any) -> str:
    return "" if isinstance(value, dict) else "an object"
