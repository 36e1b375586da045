"""The address of one service of TI-EMS."""

from __future__ import annotations

from collections.abc import Callable

from anyfit_emulator.http import Request, Response

__all__ = ["Entrance"]


class Entrance:
    """An application: whoever calls it calls that service.

    Args:
        forward: Answers a call of a service.
    """

    def __init__(self, service_id: str, forward: Callable[[str, Request], Response]) -> None:
        self._service_id = service_id
        self._forward = forward

    def quick(self, request: Request) -> bool:
        """Nothing is answered on the event loop: programs are waited for."""
        return False

    def __call__(self, request: Request) -> Response:
        """Answer a call."""
        return self._forward(self._service_id, request)
