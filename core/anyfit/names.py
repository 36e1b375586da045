"""Names of jobs, models and endpoints."""

from __future__ import annotations

import re
from datetime import datetime

from anyfit.backend import Capabilities, Ref
from anyfit.errors import SpecError, UsageError

__all__ = ["check_name", "named_text", "timestamped", "without_time"]

_TIME = re.compile(r"-\d{4}(?:-\d\d){5}-\d{3}$")


def timestamped(base: str, now: datetime) -> str:
    """A name that no earlier job has: the base and the time to the millisecond."""
    cleaned = re.sub(r"[^A-Za-z0-9]+", "-", base).strip("-")[:36] or "job"
    return f"{cleaned}-{now:%Y-%m-%d-%H-%M-%S}-{now.microsecond // 1000:03d}"


def without_time(name: str) -> str:
    """What a generated name begins with; another name as it is."""
    return _TIME.sub("", name)


def check_name(name: str, capabilities: Capabilities, field: str) -> None:
    """Refuse a name that the backend would refuse."""
    if not isinstance(name, str) or not re.fullmatch(capabilities.name_pattern, name):
        raise SpecError(f"{field}: {name!r} is no valid name", hint=f"names here are {capabilities.name_rule}")


def named_text(what: str, name_or_ref: str | Ref) -> str:
    """What a caller has named, as text; an empty name, as an unset variable of a shell leaves it, names nothing."""
    if isinstance(name_or_ref, Ref):
        return str(name_or_ref)
    if not isinstance(name_or_ref, str) or not name_or_ref:
        raise UsageError(
            f"{what}: expected a name or a reference, got {name_or_ref!r}", hint=f"anyfit {what}s lists them"
        )
    return name_or_ref
