"""One `Estimator.fit / attach / deploy` for ModelArts, Tencent TI, ModelMaker and this machine.

from anyfit import Estimator

estimator = Estimator(entry_point="train.py", source_dir="src", hyperparameters={"epochs": 3})
job = estimator.fit({"train": "data/train"})
predictor = estimator.deploy()
"""

from __future__ import annotations

TYPE_CHECKING = False  # importing typing costs more than everything else here
if TYPE_CHECKING:
    from typing import Any

    from anyfit.backend import EndpointRef, JobRef, JobState, ModelRef, Status
    from anyfit.errors import (
        AnyfitError,
        AuthError,
        JobFailed,
        JobStopped,
        NotFinished,
        NotFound,
        PredictionError,
        ServiceError,
        UsageError,
    )
    from anyfit.estimator import Estimator
    from anyfit.job import Job
    from anyfit.model import Model
    from anyfit.predictor import Predictor
    from anyfit.registering import register_model
    from anyfit.watch import wait_all

__all__ = [
    "AnyfitError",
    "AuthError",
    "EndpointRef",
    "Estimator",
    "Job",
    "JobFailed",
    "JobRef",
    "JobState",
    "JobStopped",
    "Model",
    "ModelRef",
    "NotFinished",
    "NotFound",
    "PredictionError",
    "Predictor",
    "ServiceError",
    "Status",
    "UsageError",
    "__version__",
    "register_model",
    "wait_all",
]

__version__ = "0.1.0"

_HOMES = {
    "anyfit.backend": ("EndpointRef", "JobRef", "JobState", "ModelRef", "Status"),
    "anyfit.errors": (
        "AnyfitError", "AuthError", "JobFailed", "JobStopped", "NotFinished", "NotFound", "PredictionError",
        "ServiceError", "UsageError",
    ),
    "anyfit.estimator": ("Estimator",),
    "anyfit.job": ("Job",),
    "anyfit.model": ("Model",),
    "anyfit.predictor": ("Predictor",),
    "anyfit.registering": ("register_model",),
    "anyfit.watch": ("wait_all",),
}  # fmt: skip


def __getattr__(name: str) -> Any:
    """Import a public name when it is first used, so that `import anyfit` costs nothing."""
    for module, names in _HOMES.items():
        if name in names:
            from importlib import import_module

            value = getattr(import_module(module), name)
            globals()[name] = value
            return value
    raise AttributeError(f"module 'anyfit' has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__
