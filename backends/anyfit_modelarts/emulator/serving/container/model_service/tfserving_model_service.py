"""The base of services of TensorFlow models."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from model_service.model_service import SingleNodeService

__all__ = ["TfServingBaseService"]


class TfServingBaseService(SingleNodeService):
    """`model_path` is the directory of a SavedModel, which answers unless `_inference` is overridden."""

    _signature: Any = None

    def load(self) -> None:
        """Read the SavedModel."""
        tensorflow = import_module("tensorflow")

        self._model = tensorflow.saved_model.load(self.model_path)
        self._signature = self._model.signatures["serving_default"]

    def _inference(self, data: Any) -> Any:
        """`{output name: nested lists}`, out of `{input name: nested lists or arrays}`."""
        tensorflow = import_module("tensorflow")

        if self._signature is None:
            self.load()
        inputs = self._signature.structured_input_signature[1]
        tensors = {name: tensorflow.constant(value, dtype=inputs[name].dtype) for name, value in data.items()}
        return {name: tensor.numpy().tolist() for name, tensor in self._signature(**tensors).items()}
