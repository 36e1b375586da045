"""Variables that a request wants set for its programs."""

from __future__ import annotations

from typing import Any

from anyfit_ti.emulator.fields import Fields

__all__ = ["read_variables"]


def read_variables(fields: Fields, name: str) -> list[dict[str, Any]]:
    """A list of names and values.

    Raises:
        ApiError: A name can be no variable's.
    """
    found = []
    for item in fields.parts(name):
        variable = item.text("Name", required=True)
        if "=" in variable:
            raise item.bad("Name", "must not hold `=`")
        found.append({"Name": variable, "Value": item.text("Value")})
    return found
