"""The backend for Wangsu ModelMaker, see docs/backends/modelmaker.md."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from anyfit.backend import Backend, BackendFactory, VendorFile
from anyfit.plugins import hookimpl

if TYPE_CHECKING:
    from anyfit_modelmaker.settings import Settings

__all__ = ["anyfit_backends"]


@hookimpl
def anyfit_backends() -> BackendFactory:
    """The backend `modelmaker`."""
    from anyfit_modelmaker.settings import Settings

    return BackendFactory(
        name="modelmaker",
        summary="Wangsu ModelMaker",
        settings=Settings,
        create=_create,
        vendor_files=_vendor_files,
    )


def _create(settings: Settings, folder: Path) -> Backend:
    from anyfit_modelmaker.backend import ModelMakerBackend

    return ModelMakerBackend(settings, folder)


def _vendor_files() -> Sequence[VendorFile]:
    from anyfit_modelmaker.vendor import vendor_files

    return vendor_files()
