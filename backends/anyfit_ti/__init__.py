"""The backend for Tencent TI, see docs/backends/ti.md."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from anyfit.backend import Backend, BackendFactory, VendorFile
from anyfit.plugins import hookimpl

if TYPE_CHECKING:
    from anyfit_ti.settings import Settings

__all__ = ["anyfit_backends"]


@hookimpl
def anyfit_backends() -> BackendFactory:
    """The backend `ti`."""
    from anyfit_ti.settings import Settings

    return BackendFactory(
        name="ti",
        summary="Tencent TI, both generations",
        settings=Settings,
        create=_create,
        vendor_files=_vendor_files,
    )


def _create(settings: Settings, folder: Path) -> Backend:
    from anyfit_ti.backend import TiBackend

    return TiBackend(settings, folder)


def _vendor_files() -> Sequence[VendorFile]:
    from anyfit_ti.vendor import vendor_files

    return vendor_files()
