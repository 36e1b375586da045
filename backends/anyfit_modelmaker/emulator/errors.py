"""What the service refuses, and with which numbers (reference, section 3.4)."""

from __future__ import annotations

__all__ = [
    "INVALID",
    "MODEL_BUSY",
    "MODEL_EXISTS",
    "MODEL_MISSING",
    "SERVICE_EXISTS",
    "SERVICE_MISSING",
    "TOKEN_EXPIRED",
    "TOKEN_UNKNOWN",
    "TRAIN_EXISTS",
    "TRAIN_MISSING",
    "WRONG_PASSWORD",
    "ApiError",
]

WRONG_PASSWORD = 1001
TOKEN_UNKNOWN = 1002
TOKEN_EXPIRED = 1003
INVALID = 1004
MODEL_MISSING = 101004
MODEL_BUSY = 101005
MODEL_EXISTS = 101009
TRAIN_MISSING = 102004
TRAIN_EXISTS = 102009
SERVICE_MISSING = 103004
SERVICE_EXISTS = 103009


class ApiError(Exception):
    """A refusal: nothing was changed.

    Attributes:
        code: The `errorCode`.
        status: The HTTP status; business errors travel with 200.
    """

    def __init__(self, code: int, message: str, status: int = 200) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.status = status
