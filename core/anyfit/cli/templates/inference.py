"""Answers requests with the model that train.py saved: [1, 2] becomes two numbers."""

import json
import os
from typing import Any, Dict, List


def model_fn(model_dir: str) -> Dict[str, float]:
    """Read the model once, when the server starts."""
    with open(os.path.join(model_dir, "model.json")) as stream:
        model: Dict[str, float] = json.load(stream)
    return model


def predict_fn(data: Any, model: Dict[str, float]) -> List[float]:
    """One number for each number."""
    return [model["slope"] * x + model["intercept"] for x in data]
