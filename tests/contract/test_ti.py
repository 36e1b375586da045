"""The TI backend keeps the contract of a backend in both of its generations, over HTTP against the emulator."""

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
from anyfit_ti.backend import TiBackend
from anyfit_ti.settings import Settings

Ready = Mapping[str, Any]


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ready]:
    """A running emulator."""
    folder = tmp_path_factory.mktemp("cloud")
    ready = folder / "ready.json"
    command = [sys.executable, "-m", "anyfit_emulator", "ti", "--port", "0"]
    with subprocess.Popen([*command, "--data", str(folder / "data"), "--ready-file", str(ready)]) as process:
        while not ready.exists():
            assert process.poll() is None, "the emulator has ended"
            time.sleep(0.02)
        yield json.loads(ready.read_text())["ti"]
        process.terminate()


class _Contract(BackendContract):
    """What both generations have in common."""

    api: ClassVar[str]

    @classmethod
    def make(cls, cloud: Ready, folder: Path) -> Backend:
        """A client of its own."""
        cls.secrets = (cloud["secret_id"], cloud["secret_key"])
        return TiBackend(Settings(**cloud, api=cls.api, poll_seconds=0.05), folder)  # type: ignore[arg-type]

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
        return f"cos://{cloud['bucket']}/contract-{cls.api}/"


class TestTi2019(_Contract):
    """Jobs of an emulated TI by the API of 2019-10-22."""

    api = "2019"
    unknown_id = "2019/no-such-thing"


class TestTi2021(_Contract):
    """Tasks of an emulated TI by the API of 2021-11-11."""

    api = "2021"
    unknown_id = "train-0000000000000000000"
