"""Answer requests with the fitted line: numbers in, numbers out."""

from __future__ import annotations

import json
from pathlib import Path


def model_fn(model_dir: str) -> dict[str, float]:
    return json.loads(Path(model_dir, "model.json").read_text())


def predict_fn(data: list[float], model: dict[str, float]) -> list[float]:
    return [model["slope"] * x + model["offset"] for x in data]
