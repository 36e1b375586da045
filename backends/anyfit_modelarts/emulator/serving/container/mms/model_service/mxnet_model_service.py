"""The base of services of MXNet models."""

from __future__ import annotations

from model_service.model_service import SingleNodeService

__all__ = ["MXNetBaseService"]


class MXNetBaseService(SingleNodeService):
    """`model_path` is the directory with `*-symbol.json` and `*-0000.params`."""
