"""Contract suites for backends and stores, and a bench to try a backend on; a pytest plugin.

    from anyfit.testing import BackendContract

    class TestMine(BackendContract):
        @pytest.fixture(scope="class")
        @classmethod
        def backend(cls, tmp_path_factory: pytest.TempPathFactory) -> Backend:
            return MyBackend(tmp_path_factory.mktemp("mine"))

See docs/writing-a-backend.md.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from anyfit.testing.backend import BackendContract
    from anyfit.testing.bench import Bench
    from anyfit.testing.storage import StorageContract

__all__ = ["BackendContract", "Bench", "StorageContract"]

_LAZY = {
    "BackendContract": "anyfit.testing.backend",
    "Bench": "anyfit.testing.bench",
    "StorageContract": "anyfit.testing.storage",
}


def __getattr__(name: str) -> Any:
    """Import a suite when it is asked for: the plugin is loaded in every run of pytest."""
    if name in _LAZY:
        return getattr(import_module(_LAZY[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
