"""Importing a model package: a copy of its folder, and whether it is one (reference, section 5.9)."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from attrs import frozen

from anyfit_emulator.moving import Missing, download, entries, split_uri
from anyfit_emulator.storage import ObjectStore
from anyfit_emulator.storage.errors import StoreError
from anyfit_modelarts.emulator.errors import ApiError
from anyfit_modelarts.emulator.places import as_directory, to_s3
from anyfit_modelarts.emulator.serving import configuration
from anyfit_modelarts.emulator.serving.engines import CUSTOM_CODE, FILES, ONE_FILE

__all__ = ["CODE", "Package", "take_in"]

CODE = "customize_service.py"
CONFIG = "config.json"
FAILED = "ModelArts.3006"
TOO_LARGE = "ModelArts.3044"
LARGEST = 20 << 30


@frozen
class Package:
    """What was taken in.

    Attributes:
        config: Its configuration.
        size: Bytes of all its files.
        code: Where its customize_service.py came from; "" when it has none.
    """

    config: dict[str, Any]
    size: int
    code: str


def take_in(store: ObjectStore, asked: dict[str, Any], target: Path, cancelled: Callable[[], bool]) -> Package:
    """Copy what the body of an import names to a directory, and check it.

    Raises:
        ApiError: It is no package of that type.
        Missing: It is not there.
        Cancelled: `cancelled` said so.
    """
    folder = as_directory(to_s3(asked["source_location"])) + "model/"
    size = _size(store, folder)
    if size > LARGEST:
        raise ApiError(TOO_LARGE, f"{folder} is larger than {LARGEST >> 30} GB", 500)
    download(store, folder, target, cancelled)
    code = _bring_code(store, asked, folder, target, cancelled)
    config = _config(asked, folder, target)
    _check_files(asked["model_type"], folder, target)
    return Package(config, size, code)


def _size(store: ObjectStore, folder: str) -> int:
    bucket, prefix = split_uri(folder)
    try:
        store.require_bucket(bucket)
        return sum(entry[1] for entry in entries(store, bucket, prefix))
    except StoreError as error:
        raise Missing(f"{folder}: {error.message or error.code}") from error


def _bring_code(
    store: ObjectStore, asked: dict[str, Any], folder: str, target: Path, cancelled: Callable[[], bool]
) -> str:
    """See that the code lies beside the model, wherever it was; answers where that is."""
    if asked.get("execution_code"):
        place = to_s3(asked["execution_code"])
        if not place.endswith(".py"):
            raise ApiError(FAILED, f"execution_code: {place} is not the object {CODE}", 500)
        download(store, place, target, cancelled)
        brought = target / place.rpartition("/")[2]
        brought.replace(target / CODE)
        return str(asked["execution_code"])
    if (target / CODE).is_file():
        return f"{asked['source_location'].rstrip('/')}/model/{CODE}"
    return ""


def _config(asked: dict[str, Any], folder: str, target: Path) -> dict[str, Any]:
    if "initial_config" in asked:
        return dict(asked["initial_config"])
    file = target / CONFIG
    if not file.is_file():
        raise ApiError(configuration.UNFIT, f"there is no {CONFIG} in {folder}")
    return configuration.check(configuration.parse(file.read_text("utf-8", "replace")), asked["model_type"])


def _check_files(model_type: str, folder: str, target: Path) -> None:
    for patterns in FILES[model_type]:
        found = {path for pattern in patterns for path in target.glob(pattern)}
        if not found:
            raise ApiError(FAILED, f"{folder} has no {' or '.join(patterns)}, as every {model_type} model must", 500)
        if model_type in ONE_FILE and len(found) > 1:
            names = ", ".join(sorted(path.name for path in found))
            raise ApiError(FAILED, f"{folder} has {names}, and a package must hold one model", 500)
    if model_type in CUSTOM_CODE and not (target / CODE).is_file():
        raise ApiError(FAILED, f"{folder} has no {CODE}, as every {model_type} model must", 500)
