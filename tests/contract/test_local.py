"""The local backend keeps the contract of a backend."""

from __future__ import annotations

from pathlib import Path

import pytest

from anyfit.backend import Backend
from anyfit.testing import BackendContract
from anyfit_local.backend import LocalBackend
from anyfit_local.settings import Settings


class TestLocal(BackendContract):
    """Jobs, models and endpoints on this machine."""

    @pytest.fixture(scope="class")
    @classmethod
    def folder(cls, tmp_path_factory: pytest.TempPathFactory) -> Path:
        """Where the backend keeps its things."""
        return tmp_path_factory.mktemp("local")

    @pytest.fixture(scope="class")
    @classmethod
    def backend(cls, folder: Path) -> Backend:
        """The backend under test."""
        return LocalBackend(Settings(), folder)

    @pytest.fixture(scope="class")
    @classmethod
    def fresh_backend(cls, folder: Path) -> Backend:
        """Another one on the same folder, as another process would have it."""
        return LocalBackend(Settings(), folder)
