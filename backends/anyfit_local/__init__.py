"""The embedded backend: jobs are supervised processes of this machine, see docs/backends/local.md."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from anyfit.backend import Backend, BackendFactory
from anyfit.plugins import hookimpl

if TYPE_CHECKING:
    from anyfit_local.settings import Settings

__all__ = ["anyfit_backends"]


@hookimpl
def anyfit_backends() -> BackendFactory:
    """The backend `local`."""
    from anyfit_local.settings import Settings

    return BackendFactory(
        name="local",
        summary="processes of this machine, no account needed",
        settings=Settings,
        create=_create,
    )


def _create(settings: Settings, folder: Path) -> Backend:
    from anyfit_local.backend import LocalBackend

    return LocalBackend(settings, folder)
