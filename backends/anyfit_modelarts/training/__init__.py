"""The two generations of the training API behind one face, whose values do not know their generation.

The first generation has jobs with versions, numbered both; the second has jobs with UUIDs.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any, Protocol

from anyfit.backend import Series
from anyfit_modelarts.logs import Window
from anyfit_modelarts.wire import Engine, Flavor, Run

__all__ = ["Training"]


class Training(Protocol):
    """The calls of one generation."""

    def flavors(self) -> list[Flavor]:
        """Machines to train on."""

    def engines(self) -> list[Engine]:
        """Images of the platform."""

    def create(self, body: Mapping[str, Any]) -> str:
        """A new job; its id."""

    def get(self, id: str) -> Run:
        """One job."""

    def live(self, ids: Collection[str]) -> dict[str, Run]:
        """Of these jobs those that run, as far as the platform's lists tell about them."""

    def every(self) -> Iterator[Run]:
        """All jobs, newest first."""

    def named(self, name: str) -> list[Run]:
        """The jobs of exactly this name, or the versions of that job."""

    def stop(self, id: str) -> None:
        """Ask a job to end."""

    def delete(self, id: str) -> None:
        """Remove a job; one that is gone is fine."""

    def describe(self, id: str, description: str) -> None:
        """Change what is said about a job."""

    def log_files(self, run: Run) -> Sequence[str]:
        """The platform's names of the logs, one for each node, in order; none where there are none yet."""

    def after(self, id: str, file: str, line: str) -> Window:
        """The lines after one that a window ended with; those from the beginning where it is ""."""

    def newest(self, id: str, file: str, count: int) -> Window | None:
        """So many of the newest lines, or as many as the platform gives at once; None where it cannot be asked."""

    def utilization(self, run: Run) -> list[Series]:
        """The use of the machines."""

    def results(self, run: Run) -> list[Series]:
        """Metrics that the platform itself knows of."""
