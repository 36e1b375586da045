"""The base of services of scikit-learn and XGBoost models."""

from __future__ import annotations

from typing import Any

from model_service.model_service import SingleNodeService

__all__ = ["BuiltIn", "XgSklServingBaseService"]


class XgSklServingBaseService(SingleNodeService):
    """`model_path` is the model's file."""

    def __init__(self, model_path: str) -> None:
        super().__init__("", model_path)


class BuiltIn(XgSklServingBaseService):
    """What answers for a package without code: rows are `req_data`, predictions `resp_data`."""

    _model: Any

    def load(self) -> None:
        """Read the model as `joblib.dump` writes it."""
        import joblib

        self._model = joblib.load(self.model_path)

    def _preprocess(self, data: Any) -> Any:
        return [list(row.values()) for row in data["data"]["req_data"]]

    def _inference(self, data: Any) -> Any:
        return self._model.predict(data).tolist()

    def _postprocess(self, data: Any) -> Any:
        return {"data": {"resp_data": [{"predictresult": value} for value in data]}}
