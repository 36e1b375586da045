"""Which of the options that are given by backend are the chosen backend's own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from anyfit.errors import SpecError, nearest

__all__ = ["check_backends", "own_options"]


def check_backends(field: str, table: Mapping[str, Any], backend: str) -> None:
    """Refuse a table by backend that names one that there is not."""
    from anyfit.plugins import backend_names

    for name in table:
        if name != backend and name not in (known := backend_names()):
            raise SpecError(
                f"{field}.{name}: there is no backend {name!r}",
                hint=nearest(name, known) or f"installed: {', '.join(known)}",
            )


def own_options(options: Mapping[str, Mapping[str, Any]] | None, backend: str) -> dict[str, Any]:
    """The backend's own; the others have to be those of a backend that there is."""
    check_backends("options", options or {}, backend)
    for name, values in (options or {}).items():
        if not isinstance(values, Mapping):
            raise SpecError(f"options.{name}: expected a table of the options of backend {name!r}, got {values!r}")
    return dict((options or {}).get(backend, {}))
