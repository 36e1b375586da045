"""Finding what is wrong with a request's body, member by member, at any depth."""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Any

from anyfit_modelarts.emulator.errors import ApiError
from anyfit_modelarts.emulator.places import NoPlace, to_s3

__all__ = ["Members", "is_number"]


def is_number(value: Any) -> bool:
    """Whether it is a JSON number; flags are none."""
    return isinstance(value, int | float) and not isinstance(value, bool)


class Members:
    """An object whose members are asked for one by one; what is wrong is gathered, and told at once by `finish`.

    A null counts as absent, and what nobody asks for is ignored.

    Args:
        place: Where the object stands, such as `config.`.
        faults: Gathers what is wrong; the objects within share it.
    """

    def __init__(self, body: dict[str, Any], place: str = "", faults: list[str] | None = None) -> None:
        self._body = {name: value for name, value in body.items() if value is not None}
        self._place = place
        self.faults: list[str] = [] if faults is None else faults

    def __contains__(self, name: str) -> bool:
        return name in self._body

    def fault(self, name: str, what: str) -> None:
        """Note a fault."""
        self.faults.append(f"{self._place}{name} {what}")

    def finish(self, code: str) -> None:
        """End the check.

        Raises:
            ApiError: There were faults.
        """
        if self.faults:
            raise ApiError(code, f"Invalid parameter: {'; '.join(self.faults)}.")

    def text(
        self, name: str, longest: int = 1 << 16, *, required: bool = False, pattern: str = "", shortest: int = 0
    ) -> str | None:
        """A string."""
        value = self._take(name, required)
        if value is None:
            return None
        if not isinstance(value, str) or not max(shortest, int(required)) <= len(value) <= longest:
            bounds = f" of at most {longest} characters" if longest < 1 << 16 else ""
            self.fault(name, f"must be a string{bounds}{', and not empty' if required else ''}")
            return None
        if pattern and not re.fullmatch(pattern, value):
            self.fault(name, f"must match {pattern}")
            return None
        return value

    def word(self, name: str, allowed: Collection[str], *, required: bool = False) -> str | None:
        """One of some words."""
        value = self._take(name, required)
        if value is not None and (not isinstance(value, str) or value not in allowed):
            self.fault(name, f"must be one of {', '.join(sorted(allowed))}")
            return None
        return value

    def whole(self, name: str, least: int, most: int = 1 << 62, *, required: bool = False) -> int | None:
        """An integer; digits in a string are one, as old clients send them."""
        value = self._take(name, required)
        if isinstance(value, str) and re.fullmatch(r"[0-9]{1,18}", value):
            value = int(value)
        if value is not None and (type(value) is not int or not least <= value <= most):
            self.fault(
                name, f"must be an integer of [{least},{most}]" if most < 1 << 62 else f"must be an integer >= {least}"
            )
            return None
        return value

    def number(self, name: str, least: float = -1e308, *, required: bool = False) -> float | None:
        """A number."""
        value: float | None = self._take(name, required)
        if value is not None and (not is_number(value) or value < least):
            self.fault(name, f"must be a number >= {least:g}" if least > -1e308 else "must be a number")
            return None
        return value

    def flag(self, name: str) -> bool | None:
        """True or false."""
        value = self._take(name, False)
        if value is not None and not isinstance(value, bool):
            self.fault(name, "must be true or false")
            return None
        return value

    def place(self, name: str, *, required: bool = False) -> str | None:
        """A place in OBS, as `s3://…`."""
        value = self._take(name, required)
        if value is None or (value == "" and not required):
            return None
        try:
            return to_s3(value)
        except NoPlace as error:
            self.fault(name, f"is wrong: {error}")
            return None

    def child(self, name: str, *, required: bool = False) -> Members | None:
        """An object within."""
        value = self._take(name, required)
        if value is None:
            return None
        if not isinstance(value, dict):
            self.fault(name, "must be an object")
            return None
        return Members(value, f"{self._place}{name}.", self.faults)

    def children(self, name: str) -> list[Members]:
        """The objects of a list."""
        value = self._take(name, False)
        if value is None:
            return []
        if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
            self.fault(name, "must be a list of objects")
            return []
        return [Members(item, f"{self._place}{name}[{index}].", self.faults) for index, item in enumerate(value)]

    def texts(self, name: str, most: int = 1 << 16) -> dict[str, str]:
        """An object whose members are strings."""
        value = self._take(name, False)
        if value is None:
            return {}
        if not isinstance(value, dict) or not all(isinstance(text, str) for text in value.values()):
            self.fault(name, "must be an object of strings")
            return {}
        if len(value) > most:
            self.fault(name, f"must have at most {most} members")
        return dict(value)

    def raw(self, name: str) -> Any:
        """Whatever it is."""
        return self._body.get(name)

    def _take(self, name: str, required: bool) -> Any:
        value = self._body.get(name)
        if value is None and required:
            self.fault(name, "is required")
        return value
