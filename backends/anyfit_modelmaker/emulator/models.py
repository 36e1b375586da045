"""Models and their versions (reference, section 8)."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

from attrs import asdict, define

from anyfit_emulator.records import Records
from anyfit_modelmaker.emulator.bodies import check_model
from anyfit_modelmaker.emulator.errors import MODEL_BUSY, MODEL_EXISTS, MODEL_MISSING, ApiError
from anyfit_modelmaker.emulator.ids import next_id
from anyfit_modelmaker.emulator.wire import timestamp

__all__ = ["ModelVersion", "Models"]


@define
class Model:
    """A name with versions."""

    id: int
    name: str
    type: str
    created: float


@define
class ModelVersion:
    """One version; `config` is what was asked for, under the wire's names."""

    id: int
    model_id: int
    config: dict[str, Any]
    created: float

    def to_wire(self) -> dict[str, Any]:
        """As the service shows it."""
        return {
            **self.config,
            "id": self.model_id,
            "versionId": self.id,
            "status": "NORMAL",
            "createTime": timestamp(self.created),
        }


class Models:
    """All models of the account; safe from any thread.

    Attributes:
        lock: Held by every method; services hold it as well.
        is_used: Whether a service needs a model version; set by who knows.
    """

    def __init__(self, records: Records) -> None:
        self._records = records
        self.lock = threading.RLock()
        self._models = {int(key): Model(**document) for key, document in records.all("model")}
        self._versions = {int(key): ModelVersion(**document) for key, document in records.all("model-version")}
        self.is_used: Callable[[int], bool] = lambda version_id: False

    def create(self, body: dict[str, Any]) -> dict[str, Any]:
        """Call 20: a new model with its first version."""
        config = check_model(body)
        with self.lock:
            if any(model.name == config["name"] for model in self._models.values()):
                raise ApiError(MODEL_EXISTS, f"there is a model {config['name']!r} already")
            model = Model(next_id(self._records), config["name"], config["type"], time.time())
            self._models[model.id] = model
            self._records.put("model", model.id, asdict(model))
            return self._add(model, config)

    def create_version(self, model_id: int, body: dict[str, Any]) -> dict[str, Any]:
        """Call 21: a further version."""
        config = check_model(body)
        with self.lock:
            return self._add(self._model(model_id), config)

    def all(self) -> dict[str, Any]:
        """Call 22."""
        with self.lock:
            return {"models": [_head(model) for model in self._models.values()]}

    def detail(self, model_id: int) -> dict[str, Any]:
        """Call 23."""
        with self.lock:
            model = self._model(model_id)
            return {**_head(model), "versions": [version.to_wire() for version in self._versions_of(model)]}

    def version(self, version_id: int) -> dict[str, Any]:
        """Call 24."""
        return self.find(version_id).to_wire()

    def delete(self, model_id: int) -> dict[str, Any]:
        """Call 25: a model with all its versions."""
        with self.lock:
            model = self._model(model_id)
            versions = self._versions_of(model)
            for version in versions:
                self._refuse_if_used(version)
            for version in versions:
                self._drop(version)
            del self._models[model.id]
            self._records.remove("model", model.id)
        return {}

    def delete_version(self, version_id: int) -> dict[str, Any]:
        """Call 26."""
        with self.lock:
            version = self.find(version_id)
            self._refuse_if_used(version)
            self._drop(version)
        return {}

    def find(self, version_id: int) -> ModelVersion:
        """A version.

        Raises:
            ApiError: There is none of that id.
        """
        with self.lock:
            try:
                return self._versions[version_id]
            except KeyError:
                raise ApiError(MODEL_MISSING, f"there is no model version {version_id}") from None

    def _add(self, model: Model, config: dict[str, Any]) -> dict[str, Any]:
        version = ModelVersion(next_id(self._records), model.id, config, time.time())
        self._versions[version.id] = version
        self._records.put("model-version", version.id, asdict(version))
        return {"id": model.id, "versionId": version.id}

    def _drop(self, version: ModelVersion) -> None:
        del self._versions[version.id]
        self._records.remove("model-version", version.id)

    def _refuse_if_used(self, version: ModelVersion) -> None:
        if self.is_used(version.id):
            raise ApiError(MODEL_BUSY, f"model version {version.id} is used by a service that is not stopped")

    def _model(self, model_id: int) -> Model:
        try:
            return self._models[model_id]
        except KeyError:
            raise ApiError(MODEL_MISSING, f"there is no model {model_id}") from None

    def _versions_of(self, model: Model) -> list[ModelVersion]:
        return [version for version in self._versions.values() if version.model_id == model.id]


def _head(model: Model) -> dict[str, Any]:
    return {"id": model.id, "name": model.name, "type": model.type, "createTime": timestamp(model.created)}
