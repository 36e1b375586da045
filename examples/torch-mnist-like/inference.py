"""Answer requests with the trained network: a list of 16 x 16 pictures in, digits out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from model import Net


def model_fn(model_dir: str) -> Net:
    net = Net()
    net.load_state_dict(torch.load(Path(model_dir) / "model.pt", weights_only=True))
    return net.eval()


def predict_fn(data: Any, model: Net) -> list[int]:
    with torch.no_grad():
        scores = model(torch.as_tensor(data, dtype=torch.float32).reshape(-1, 1, 16, 16))
    return scores.argmax(1).tolist()
