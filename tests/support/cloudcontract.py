"""The contract of a backend on a cloud that is emulated, over HTTP."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any, ClassVar

import pytest

from anyfit.backend import Backend
from anyfit.testing import BackendContract
from emulated import emulated

Keys = Mapping[str, Any]


class CloudContract(BackendContract):
    """A subclass says how a client is made.

    Attributes:
        cloud_name: The emulator's.
        scheme: Of its object store.
        secret_keys: What is secret of that which a client needs.
    """

    cloud_name: ClassVar[str]
    scheme: ClassVar[str]
    secret_keys: ClassVar[tuple[str, ...]] = ("password", "secret_key")

    @classmethod
    def make(cls, cloud: Keys, folder: Path) -> Backend:
        """A client of its own."""
        raise NotImplementedError

    @pytest.fixture(scope="class")
    @classmethod
    def cloud(cls, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Keys]:
        """A running emulator."""
        folder = tmp_path_factory.mktemp("cloud")
        with emulated(cls.cloud_name, folder, "--data", str(folder / "data")) as (_, keys):
            cls.secrets = tuple(keys[name] for name in cls.secret_keys)
            yield keys

    @pytest.fixture(scope="class")
    @classmethod
    def backend(cls, cloud: Keys, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Backend]:
        """The backend under test."""
        with closing(cls.make(cloud, tmp_path_factory.mktemp("home"))) as backend:
            yield backend

    @pytest.fixture(scope="class")
    @classmethod
    def fresh_backend(cls, cloud: Keys, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Backend]:
        """The same account on another machine."""
        with closing(cls.make(cloud, tmp_path_factory.mktemp("elsewhere"))) as backend:
            yield backend

    @pytest.fixture(scope="class")
    @classmethod
    def storage(cls, cloud: Keys) -> str:
        """A folder in the account's bucket."""
        return f"{cls.scheme}://{cloud['bucket']}/contract/"
