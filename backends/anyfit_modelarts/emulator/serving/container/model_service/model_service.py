"""What services of all engines have in common, and the base of those of MindSpore."""

from __future__ import annotations

from typing import Any

__all__ = ["SingleNodeService"]


class SingleNodeService:
    """A model that answers.

    Attributes:
        model_name: What the model is called.
        model_path: Where it is: its directory, or its file, as the engine has it.
    """

    def __init__(self, model_name: str, model_path: str) -> None:
        self.model_name = model_name
        self.model_path = model_path

    def load(self) -> None:
        """Make ready what the engine does by itself, for packages without code."""
        raise SystemExit(f"{type(self).__name__} cannot answer by itself here: give the package a customize_service.py")

    def inference(self, data: Any) -> Any:
        """One request, from its data to its answer."""
        return self._postprocess(self._inference(self._preprocess(data)))

    def _preprocess(self, data: Any) -> Any:
        return data

    def _inference(self, data: Any) -> Any:
        raise NotImplementedError(f"{type(self).__name__} has no _inference of its own")

    def _postprocess(self, data: Any) -> Any:
        return data
