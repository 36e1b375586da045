"""Which places lie on this machine."""

from __future__ import annotations

from pathlib import Path

from anyfit.errors import SpecError

__all__ = ["local_path"]


def local_path(uri: str, field: str) -> Path | None:
    """The path of what lies on this machine, None for what lies elsewhere."""
    from anyfit.storage.uri import Uri

    try:
        parsed = Uri.parse(uri)
    except SpecError as fault:
        raise SpecError(f"{field}: {fault.message}", hint=fault.hint) from None
    return parsed.path if parsed.is_local else None
