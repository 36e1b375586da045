"""The TI backend keeps the contract of a backend in both of its generations, over HTTP against the emulator."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar, Literal

from anyfit.backend import Backend
from anyfit_ti.backend import TiBackend
from anyfit_ti.settings import Settings
from cloudcontract import CloudContract


class Ti(CloudContract):
    """What both generations have in common."""

    cloud_name = "ti"
    scheme = "cos"
    secret_keys = ("secret_id", "secret_key")
    api: ClassVar[Literal["2019", "2021"]]

    @classmethod
    def make(cls, cloud: Mapping[str, Any], folder: Path) -> Backend:
        return TiBackend(Settings(**cloud, api=cls.api, poll_seconds=0.05), folder)


class TestTi2019(Ti):
    """Jobs of an emulated TI by the API of 2019-10-22."""

    api = "2019"
    unknown_id = "2019/no-such-thing"


class TestTi2021(Ti):
    """Tasks of an emulated TI by the API of 2021-11-11."""

    api = "2021"
    unknown_id = "train-0000000000000000000"
