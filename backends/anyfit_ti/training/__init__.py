"""What training is asked of a generation of the platform; `api_2019` and `api_2021` answer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from anyfit.backend import Artifact, JobState, LogPage, Plan, Series
from anyfit.spec import JobSpec
from anyfit_ti.generations import Row
from anyfit_ti.wire import Raw

__all__ = ["Training"]


class Training(Protocol):
    """The jobs of one generation, by the platform's own ids."""

    def submit(self, plan: Plan, body: Raw) -> str:
        """Start the job; an answer that was lost is looked up by name, and never asked for twice."""

    def find(self, key: str) -> str | None:
        """The job of that name."""

    def every(self, limit: int | None) -> list[Row]:
        """All jobs, or at least so many of the newest."""

    def describe(self, ids: Sequence[str]) -> dict[str, JobState]:
        """How jobs are; those that are not there are left out."""

    def logs(self, id: str, cursor: str) -> LogPage:
        """A page of the log."""

    def logs_tail(self, id: str, lines: int) -> LogPage | None:
        """The last lines, None where the whole log has to be read for them."""

    def job_spec(self, id: str) -> JobSpec:
        """What was asked for."""

    def artifacts(self, id: str) -> list[Artifact]:
        """What the job left; empty before it ends."""

    def output_uri(self, id: str) -> str:
        """Where results come to."""

    def pushed(self, id: str) -> list[Series]:
        """Curves that the script has pushed."""

    def push(self, id: str, values: Mapping[str, float], at: int, step: int | None) -> None:
        """Add points to curves."""

    def utilization(self, id: str) -> list[Series]:
        """Use of machines."""

    def stop(self, id: str) -> None:
        """Ask the job to end; one that has ended is fine."""

    def is_over(self, id: str) -> bool:
        """Whether the job has ended."""

    def delete(self, id: str) -> None:
        """Remove the job, which has ended."""
