"""The ModelMaker backend keeps the contract of a backend, over HTTP against the emulator."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from anyfit.backend import Backend
from anyfit_modelmaker.backend import ModelMakerBackend
from anyfit_modelmaker.settings import Settings
from cloudcontract import CloudContract


class TestModelMaker(CloudContract):
    """Jobs, models and services of an emulated ModelMaker."""

    cloud_name = "modelmaker"
    scheme = "s3"
    unknown_id = "999999999/999999999"

    @classmethod
    def make(cls, cloud: Mapping[str, Any], folder: Path) -> Backend:
        given = {name: cloud[name] for name in ("host_base", "region", "username", "password", "bucket")}
        zone = float(cloud["utc_offset_hours"])
        return ModelMakerBackend(Settings(**given, utc_offset_hours=zone, poll_seconds=0.05), folder)
