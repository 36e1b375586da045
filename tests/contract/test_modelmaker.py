"""The ModelMaker backend keeps the contract of a backend, over HTTP against the emulator."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from anyfit.backend import Backend
from anyfit.testing import BackendContract
from anyfit_modelmaker.backend import ModelMakerBackend
from anyfit_modelmaker.settings import Settings

Ready = Mapping[str, Any]


class TestModelMaker(BackendContract):
    """Jobs, models and services of an emulated ModelMaker."""

    unknown_id = "999999999/999999999"

    @pytest.fixture(scope="class")
    @classmethod
    def cloud(cls, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ready]:
        """A running emulator."""
        folder = tmp_path_factory.mktemp("cloud")
        ready = folder / "ready.json"
        command = [sys.executable, "-m", "anyfit_emulator", "modelmaker", "--port", "0"]
        with subprocess.Popen([*command, "--data", str(folder / "data"), "--ready-file", str(ready)]) as process:
            while not ready.exists():
                assert process.poll() is None, "the emulator has ended"
                time.sleep(0.02)
            found = json.loads(ready.read_text())["modelmaker"]
            cls.secrets = (found["password"], found["secret_key"])
            yield found
            process.terminate()

    @classmethod
    def make(cls, cloud: Ready, folder: Path) -> Backend:
        """A client of its own."""
        names = ("host_base", "region", "username", "password", "bucket")
        zone = float(cloud["utc_offset_hours"])
        given: dict[str, Any] = {name: cloud[name] for name in names} | {"utc_offset_hours": zone}
        return ModelMakerBackend(Settings(**given, poll_seconds=0.05), folder)

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
        return f"s3://{cloud['bucket']}/contract/"
