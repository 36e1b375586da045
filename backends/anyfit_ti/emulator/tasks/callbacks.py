"""What the user's own server is told of a task (reference, section 3.15)."""

from __future__ import annotations

from anyfit_ti.emulator.callbacks import message, tell
from anyfit_ti.emulator.tasks.values import Task

__all__ = ["call_back"]

_CODES = {"SUCCEED": 0, "STOPPED": 0, "SUBMIT_FAILED": 10001, "FAILED": 10002}
_NAMES = {"Create": "CreateTrainingTask"}


def call_back(task: Task) -> None:
    """Tell it, in the background."""
    operation = _NAMES.get(task.operation, task.operation)
    code = _CODES.get(task.status, 10004)
    text = task.failure or task.status
    tell(task.config["CallbackUrl"], message(code, text, task.id, "training", operation, task.latest.created))
