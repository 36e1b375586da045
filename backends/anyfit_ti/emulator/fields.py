"""Reading what a request asks for, field by field; the first fault is the answer, as the services do it."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from anyfit_ti.emulator.errors import ApiError

__all__ = ["Fields"]

LARGEST = 2**63 - 1
_FLAGS = {"true": True, "false": False}


class Fields:
    """The members of an object. A null counts as absent, and what nobody reads is ignored.

    Args:
        values: The object.
        place: Where it stands in the request, such as `DataConfigs.0.`.
        loose: Whether numbers and flags may come as text.
    """

    def __init__(self, values: dict[str, Any], place: str = "", *, loose: bool = False) -> None:
        self.values = {name: value for name, value in values.items() if value is not None}
        self._place = place
        self._loose = loose

    def has(self, name: str) -> bool:
        """Whether it is there and not null."""
        return name in self.values

    def where(self, name: str) -> str:
        """How a message calls a field."""
        return f"{self._place}{name}"

    def text(
        self, name: str, default: str = "", *, required: bool = False, longest: int = 0, one_of: Collection[str] = ()
    ) -> str:
        """A string; one of some words, or no longer than so many characters."""
        value = self._get(name, required=required)
        if value is None:
            return default
        if not isinstance(value, str):
            raise self.wrong(name, "must be a string")
        if required and not value:
            raise self.bad(name, "must not be empty")
        if "\0" in value:
            raise self.bad(name, "must not hold NUL")
        if one_of and value and value not in one_of:
            raise self.bad(name, f"must be one of {', '.join(one_of)}")
        if longest and len(value) > longest:
            code = "InvalidParameterValue.ParamLengthExceedLimit"
            raise self.bad(name, f"must not be longer than {longest} characters", code)
        return value

    def integer(
        self, name: str, default: int = 0, *, required: bool = False, least: int = 0, most: int = LARGEST
    ) -> int:
        """A whole number in a range."""
        value = self._get(name, required=required)
        if value is None:
            return default
        if self._loose and isinstance(value, str) and value.lstrip("-").isdigit():
            value = int(value)
        if type(value) is not int:
            raise self.wrong(name, "must be an integer")
        if not least <= value <= most:
            raise self.bad(name, f"must be {least} to {most}" if most < LARGEST else f"must be {least} or more")
        return value

    def number(self, name: str, default: float = 0.0, *, required: bool = False) -> float:
        """A number."""
        value = self._get(name, required=required)
        if value is None:
            return default
        try:
            if isinstance(value, bool) or (not isinstance(value, int | float) and not self._loose):
                raise ValueError
            return float(value)
        except (TypeError, ValueError):
            raise self.wrong(name, "must be a number") from None

    def flag(self, name: str, default: bool = False, *, required: bool = False) -> bool:
        """True or false."""
        value = self._get(name, required=required)
        if value is None:
            return default
        if self._loose and isinstance(value, str):
            value = _FLAGS.get(value.lower(), value)
        if not isinstance(value, bool):
            raise self.wrong(name, "must be true or false")
        return value

    def part(self, name: str, *, required: bool = False) -> Fields | None:
        """An object."""
        value = self._get(name, required=required)
        if value is None:
            return None
        if not isinstance(value, dict):
            raise self.wrong(name, "must be an object")
        return Fields(value, f"{self.where(name)}.", loose=self._loose)

    def parts(self, name: str, *, required: bool = False) -> list[Fields]:
        """A list of objects."""
        found = []
        for index, item in enumerate(self._list(name, required=required)):
            if not isinstance(item, dict):
                raise self.wrong(f"{name}.{index}", "must be an object")
            found.append(Fields(item, f"{self.where(name)}.{index}.", loose=self._loose))
        return found

    def texts(self, name: str, *, required: bool = False) -> list[str]:
        """A list of strings."""
        values = self._list(name, required=required)
        if not all(isinstance(item, str) and "\0" not in item for item in values):
            raise self.wrong(name, "must be a list of strings")
        return values

    def wrong(self, name: str, what: str) -> ApiError:
        """The refusal of a value of a wrong kind."""
        return ApiError("InvalidParameter", f"The parameter `{self.where(name)}` {what}.")

    def bad(self, name: str, what: str, code: str = "InvalidParameterValue") -> ApiError:
        """The refusal of a value that is of the right kind."""
        return ApiError(code, f"The value of the parameter `{self.where(name)}` {what}.")

    def _get(self, name: str, *, required: bool) -> Any:
        if name not in self.values and required:
            raise ApiError("MissingParameter", f"The request is missing a required parameter `{self.where(name)}`.")
        return self.values.get(name)

    def _list(self, name: str, *, required: bool) -> list[Any]:
        value = self._get(name, required=required)
        if value is None:
            return []
        if not isinstance(value, list):
            raise self.wrong(name, "must be a list")
        if required and not value:
            raise self.bad(name, "must not be empty")
        return value
