"""The backend for Huawei Cloud ModelArts, see docs/backends/modelarts.md."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from anyfit.backend import Backend, BackendFactory, VendorFile
from anyfit.plugins import hookimpl

if TYPE_CHECKING:
    from anyfit_modelarts.settings import Settings

__all__ = ["anyfit_backends"]


@hookimpl
def anyfit_backends() -> BackendFactory:
    """The backend `modelarts`."""
    from anyfit_modelarts.settings import Settings

    return BackendFactory(
        name="modelarts",
        summary="Huawei Cloud ModelArts",
        settings=Settings,
        create=_create,
        vendor_files=_vendor_files,
    )


def _create(settings: Settings, folder: Path) -> Backend:
    from anyfit_modelarts.backend import ModelArtsBackend

    return ModelArtsBackend(settings, folder)


def _vendor_files() -> Sequence[VendorFile]:
    from anyfit_modelarts.vendor import vendor_files

    return vendor_files()
