"""What the services refuse, and under which codes (reference, sections 1.6, 2.6 and 3.16)."""

from __future__ import annotations

__all__ = ["ApiError"]


class ApiError(Exception):
    """A refusal: nothing was changed.

    Attributes:
        code: Such as `InvalidParameterValue.BadName`.
    """

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
