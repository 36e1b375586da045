"""The files that travel with every job: the launcher and the inference contract.

Both are single files, standard library only, Python 3.6+: a bundle carries copies of them.
"""

from __future__ import annotations

from pathlib import Path

__all__ = ["inference_path", "launcher_path"]

_HERE = Path(__file__).resolve().parent


def launcher_path() -> Path:
    """The launcher that starts every training script."""
    return _HERE / "anyfit_launch.py"


def inference_path() -> Path:
    """The handler that turns a model and an `inference.py` into answers."""
    return _HERE / "anyfit_inference.py"
