"""The ModelArts backend keeps the contract of a backend with both generations, over HTTP against the emulator."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar, Literal

from anyfit.backend import Backend
from anyfit_modelarts.backend import ModelArtsBackend
from anyfit_modelarts.settings import Settings
from cloudcontract import CloudContract


class ModelArts(CloudContract):
    """Jobs of an emulated ModelArts.

    Attributes:
        api: The generation.
        names: What the account has of that which the emulator knows.
    """

    cloud_name = "modelarts"
    scheme = "obs"
    api: ClassVar[Literal["v1", "v2"]]
    names: ClassVar[tuple[str, ...]]

    @classmethod
    def make(cls, cloud: Mapping[str, Any], folder: Path) -> Backend:
        names = ("endpoint", "iam_endpoint", "obs_endpoint", "region", "bucket", *cls.names)
        given = {name: cloud[name] for name in names}
        return ModelArtsBackend(Settings(**given, api=cls.api, poll_seconds=0.05), folder)


class TestModelArtsV2(ModelArts):
    """The second generation, with a user's password and temporary keys for OBS."""

    api = "v2"
    names = ("domain", "username", "password")
    unknown_id = "0d30f1bc-0a38-4e4c-9d5c-3f2e1a8b7c6d"


class TestModelArtsV1(ModelArts):
    """The first generation, with signed calls."""

    api = "v1"
    names = ("access_key", "secret_key")
    unknown_id = "999999999/999999999"
