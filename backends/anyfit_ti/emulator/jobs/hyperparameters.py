"""Hyperparameters: every value is a string that holds JSON, or is taken as it is (reference, section 4.3)."""

from __future__ import annotations

import json
from typing import Any

from attrs import frozen

__all__ = ["HyperParameters"]

_RESERVED = "ti_"


@frozen
class HyperParameters:
    """What a job was given.

    Attributes:
        values: By name, decoded, the platform's own (`ti_…`) included.
    """

    values: dict[str, Any]

    @classmethod
    def parse(cls, text: str) -> HyperParameters:
        """Read the request's text.

        Raises:
            ValueError: It is no JSON object.
        """
        found = json.loads(text) if text.strip() else {}
        if not isinstance(found, dict):
            raise ValueError("it must be a JSON object")
        return cls({name: _decoded(value) for name, value in found.items()})

    @property
    def user(self) -> dict[str, Any]:
        """Those that the script gets."""
        return {name: value for name, value in self.values.items() if not name.startswith(_RESERVED)}

    @property
    def arguments(self) -> list[str]:
        """As the launcher puts them on a command line."""
        words = []
        for name, value in self.user.items():
            words.append(f"--{name}")
            if str(value).strip():
                words.append(str(value))
        return words

    def text(self, name: str) -> str:
        """One of the platform's own, as a string; "" when it is not there."""
        value = self.values.get(name)
        return "" if value is None else str(value)

    def is_on(self, name: str) -> bool:
        """Whether one of the platform's own is true."""
        value = self.values.get(name)
        return value if isinstance(value, bool) else str(value).lower() == "true"

    def number(self, name: str, default: int) -> int:
        """One of the platform's own, as a number."""
        value = self.values.get(name)
        return value if type(value) is int else default

    def to_file(self) -> dict[str, str]:
        """As `hyperparameters.json` has them."""
        return {name: json.dumps(value, ensure_ascii=False) for name, value in self.values.items()}


def _decoded(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except ValueError:
        return value
