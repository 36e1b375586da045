"""The ModelArts backend keeps the contract of a backend with both generations, over HTTP against the emulator."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any, ClassVar

import pytest

from anyfit.backend import Backend
from anyfit.testing import BackendContract
from anyfit_modelarts.backend import ModelArtsBackend
from anyfit_modelarts.settings import Settings

Ready = Mapping[str, Any]


class ModelArts(BackendContract):
    """Jobs of an emulated ModelArts.

    Attributes:
        chosen: Settings beside those of the emulator.
        names: Those of the emulator that the account has.
    """

    chosen: ClassVar[Mapping[str, Any]] = {}
    names: ClassVar[tuple[str, ...]] = ()

    @pytest.fixture(scope="class")
    @classmethod
    def cloud(cls, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ready]:
        """A running emulator."""
        folder = tmp_path_factory.mktemp("cloud")
        ready = folder / "ready.json"
        command = [sys.executable, "-m", "anyfit_emulator", "modelarts", "--port", "0"]
        with subprocess.Popen([*command, "--data", str(folder / "data"), "--ready-file", str(ready)]) as process:
            while not ready.exists():
                assert process.poll() is None, "the emulator has ended"
                time.sleep(0.02)
            found = json.loads(ready.read_text())["modelarts"]
            cls.secrets = (found["password"], found["secret_key"])
            yield found
            process.terminate()

    @classmethod
    def make(cls, cloud: Ready, folder: Path) -> Backend:
        """A client of its own."""
        names = ("endpoint", "iam_endpoint", "obs_endpoint", "region", "bucket", *cls.names)
        given = {name: cloud[name] for name in names} | {"poll_seconds": 0.05, **cls.chosen}
        return ModelArtsBackend(Settings(**given), folder)

    @pytest.fixture(scope="class")
    @classmethod
    def backend(cls, cloud: Ready, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Backend]:
        """The backend under test."""
        with closing(cls.make(cloud, tmp_path_factory.mktemp("home"))) as backend:
            yield backend

    @pytest.fixture(scope="class")
    @classmethod
    def fresh_backend(cls, cloud: Ready, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Backend]:
        """The same account on another machine."""
        with closing(cls.make(cloud, tmp_path_factory.mktemp("elsewhere"))) as backend:
            yield backend

    @pytest.fixture(scope="class")
    @classmethod
    def storage(cls, cloud: Ready) -> str:
        """A folder in the account's bucket."""
        return f"obs://{cloud['bucket']}/contract/"


class TestModelArtsV2(ModelArts):
    """The second generation, with a user's password and temporary keys for OBS."""

    chosen = {"api": "v2"}  # noqa: RUF012
    names = ("domain", "username", "password")
    unknown_id = "0d30f1bc-0a38-4e4c-9d5c-3f2e1a8b7c6d"


class TestModelArtsV1(ModelArts):
    """The first generation, with signed calls."""

    chosen = {"api": "v1"}  # noqa: RUF012
    names = ("access_key", "secret_key")
    unknown_id = "999999999/999999999"
