"""Answer requests with the digits model: a list of 8 x 8 images as 64 numbers from 0 to 16 each."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import joblib
import numpy as np


def model_fn(model_dir: str) -> Any:
    return joblib.load(Path(model_dir) / "model.joblib")


def predict_fn(data: Any, model: Any) -> dict[str, Any]:
    images = np.asarray(data, dtype=float).reshape(-1, 64) / 16.0
    probabilities = model.predict_proba(images)
    return {
        "digits": model.classes_[probabilities.argmax(axis=1)].tolist(),
        "probabilities": probabilities.max(axis=1).round(4).tolist(),
    }
