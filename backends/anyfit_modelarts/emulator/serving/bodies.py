"""What the bodies about models and services have in common."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from anyfit_modelarts.emulator.members import Members

__all__ = ["INVALID", "MISSING", "NAME", "finish", "kept", "read_dependencies"]

MISSING = "ModelArts.3036"
INVALID = "ModelArts.3037"
NAME = "[A-Za-z0-9_一-龥-]{1,64}"


def finish(members: Members) -> None:
    """End the check of a body.

    Raises:
        ApiError: There were faults.
    """
    missing = any(fault.endswith("is required") for fault in members.faults)
    members.finish(MISSING if missing else INVALID)


def kept(body: dict[str, Any], names: Iterable[str]) -> dict[str, Any]:
    """The members of a body that have these names and a value."""
    return {name: body[name] for name in names if body.get(name) is not None}


def read_dependencies(members: Members) -> None:
    """Packages that are to be installed."""
    for dependency in members.children("dependencies"):
        dependency.word("installer", ("pip",), required=True)
        if "packages" not in dependency:
            dependency.fault("packages", "is required")
        for package in dependency.children("packages"):
            package.text("package_name", required=True)
            version = package.text("package_version")
            package.word("restraint", ("EXACT", "ATLEAST", "ATMOST"), required=bool(version))
