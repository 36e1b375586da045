"""The base of services of Caffe models."""

from __future__ import annotations

from model_service.model_service import SingleNodeService

__all__ = ["CaffeBaseService"]


class CaffeBaseService(SingleNodeService):
    """`model_path` is the directory with `deploy.prototxt` and the weights; subclasses load them."""
