"""What inference images have instead of the vendor's package of this name (reference, section 5.2).

A model's `model_service.py` derives a class from `Model`, or calls `append_worker` for every stage.
"""

from __future__ import annotations

from typing import Any

__all__ = ["Model", "Worker", "append_worker"]

stages: list[type] = []


class Model:
    """A model: `load` once, then `preprocess`, `predict` and `postprocess` for every request."""

    def __init__(self, model_dir: str) -> None:
        self.model_dir = model_dir

    def load(self) -> bool:
        """Get ready; only True lets the server start."""
        return True

    def preprocess(self, request: Any) -> Any:
        """Before `predict`."""
        return request

    def predict(self, request: Any) -> Any:
        """The answer to a request, both of them JSON values."""
        raise NotImplementedError

    def postprocess(self, response: Any) -> Any:
        """After `predict`."""
        return response


class Worker:
    """A stage: what `forward` answers is the next one's input."""

    def forward(self, data: Any) -> Any:
        """One step."""
        raise NotImplementedError


def append_worker(worker: type, num: int = 1, **options: Any) -> None:
    """Add a stage; it has one worker here, whatever the number."""
    stages.append(worker)
