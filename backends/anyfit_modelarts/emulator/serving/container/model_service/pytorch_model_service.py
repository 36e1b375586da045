"""The base of services of PyTorch models."""

from __future__ import annotations

from typing import Any

from model_service.model_service import SingleNodeService

__all__ = ["PTServingBaseService"]


class PTServingBaseService(SingleNodeService):
    """`model_path` is the file of weights; subclasses load it as `self.model`."""

    model: Any

    def _inference(self, data: Any) -> Any:
        """Ask the model for each member."""
        import torch

        with torch.no_grad():
            return {name: self.model(value) for name, value in data.items()}
