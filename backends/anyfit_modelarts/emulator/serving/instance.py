"""What answers for a model: the contract, and the stand-in of what cannot be run."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from anyfit_emulator.http import Request, Response
from anyfit_emulator.running import Sample

__all__ = ["Image", "Instance"]


class Instance(Protocol):
    """One of a service's processes."""

    @property
    def alive(self) -> bool:
        """Whether it can answer."""
        ...

    def start(self) -> None:
        """Set it up and start it, also again.

        Raises:
            NotServing: That is not possible.
        """
        ...

    def wait(self, cancelled: Callable[[], bool]) -> None:
        """Until it answers.

        Raises:
            NotServing: It was started in vain, or `cancelled` said so.
        """
        ...

    def predict(self, request: Request, path: str) -> Response:
        """Pass a request on to a path of it.

        Raises:
            NotServing: It does not answer.
        """
        ...

    def usage(self) -> Sample | None:
        """What it uses of the machine, where that is known."""
        ...

    def stop(self, grace: float) -> None:
        """Ask it to end; it has so many seconds for that."""
        ...

    def clear(self, seconds: float) -> None:
        """Wait for its end, and take down what it had on disk but for its log."""
        ...


class Image:
    """A model that is an image, which nobody pulls here: a stand-in answers for it."""

    alive = True

    def start(self) -> None:
        """There is nothing to set up."""

    def wait(self, cancelled: Callable[[], bool]) -> None:
        """It answers at once."""

    def predict(self, request: Request, path: str) -> Response:
        """An empty answer."""
        return Response(200, [("Content-Type", "application/json")], b"{}")

    def usage(self) -> Sample | None:
        """It uses nothing."""
        return None

    def stop(self, grace: float) -> None:
        """Nothing runs."""

    def clear(self, seconds: float) -> None:
        """Nothing is left."""
