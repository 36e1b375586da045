"""How far a body has gone out: told by whoever sends it to whoever counts, past the layers between them."""

from __future__ import annotations

from contextvars import ContextVar
from typing import Protocol

__all__ = ["SENDING", "Meter"]


class Meter(Protocol):
    """Counts one body.

    Attributes:
        step: Bytes to send before telling of them.
    """

    step: int

    def begin(self) -> None:
        """The body is sent from its first byte on, maybe not for the first time."""

    def sent(self, count: int) -> None:
        """So many bytes more have gone out; waits as long as the bandwidth demands, and raises to give up."""


SENDING: ContextVar[Meter | None] = ContextVar("SENDING", default=None)
"""The meter of the body that this thread is about to send."""
